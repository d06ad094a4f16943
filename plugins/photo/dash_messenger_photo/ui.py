"""Photos for Dash Messenger, one or several, with captions."""

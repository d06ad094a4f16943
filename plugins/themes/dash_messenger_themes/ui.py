"""More themes for Dash Messenger."""

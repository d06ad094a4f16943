"""Any file, audio and video as messages of Dash Messenger."""

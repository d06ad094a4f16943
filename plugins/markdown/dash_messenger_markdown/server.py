"""Markdown messages for Dash Messenger."""

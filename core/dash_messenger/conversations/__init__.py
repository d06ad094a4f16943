"""Conversations: their members, how they are listed, and what was missed in them."""

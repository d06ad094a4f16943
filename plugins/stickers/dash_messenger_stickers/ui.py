"""Stickers for Dash Messenger, packs that users make included."""

"""A message type as somebody else would write it."""

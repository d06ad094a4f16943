"""Raises on import."""

raise RuntimeError("this plugin was built on a Friday")

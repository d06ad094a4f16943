"""The command ``dash-messenger``."""

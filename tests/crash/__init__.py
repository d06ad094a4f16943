"""Kills and power cuts."""

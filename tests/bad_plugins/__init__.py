"""Plugins that are bad on purpose, a file each, and a server to let them loose in."""

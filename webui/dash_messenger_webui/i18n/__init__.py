"""The words of the web UI and of plugins in every language."""

"""Strange code: running it, limiting it, counting its failures."""

"""All that a plugin's server half may import. No input or output."""

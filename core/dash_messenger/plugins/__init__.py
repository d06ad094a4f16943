"""Loading plugins and calling what they registered."""

"""What the pages show, as trees of Dash components."""

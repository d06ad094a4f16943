"""Draws the generated parts of the documentation."""

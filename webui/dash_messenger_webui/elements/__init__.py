"""The elements pages are made of: Mantine's classes as far as we use them, icons, fields."""

"""What a plugin's Dash half may import: views, composers, fields, extensions, hooks. Pure."""

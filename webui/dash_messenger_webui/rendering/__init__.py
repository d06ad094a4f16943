"""How messages become what a page shows: plugins' views, called and contained."""

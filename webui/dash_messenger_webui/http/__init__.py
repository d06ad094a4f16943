"""The HTTP side of the web UI: pages, files, compression, callbacks on the server's Quart app."""

"""The server as a whole: made, run, and its process and data folder."""

"""What goes over the wire: frames, commands and what travels in them. No input or output."""

"""Who is connected, and the way of an event to all of them."""

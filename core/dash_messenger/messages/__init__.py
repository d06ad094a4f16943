"""What is done with messages: sending, editing, acting on them, reading them."""

"""What holds for every plugin of a kind, as tests to inherit; `dash_messenger.testing` has them."""

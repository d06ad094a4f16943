"""The kit brings the fixtures ``server`` and ``people``."""

pytest_plugins = ["dash_messenger.testing"]

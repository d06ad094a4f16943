pytest_plugins = ["dash_messenger.testing"]

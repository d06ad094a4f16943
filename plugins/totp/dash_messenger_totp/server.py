"""A second factor for Dash Messenger: one-time codes and recovery codes."""

"""Was written for a server to come."""

HOOK_API = 99

"""Logging in: sessions, second factors, and what else is asked for before a session opens."""

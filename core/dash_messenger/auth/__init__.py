"""Logging in: sessions, second factors, and how often somebody may try."""

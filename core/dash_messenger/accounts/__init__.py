"""Accounts, passwords, and people as others see them."""

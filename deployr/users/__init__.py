"""Accounts, passwords, roles, HTTP sessions."""

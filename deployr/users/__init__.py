"""Accounts, passwords, roles, HTTP sessions, access tokens."""

"""Migrations, one file a step; written once, never changed."""

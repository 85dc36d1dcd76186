"""What the original clients' own test suites assume of a server (client-wire-facts 13 and 16, 7x-facts 23)."""

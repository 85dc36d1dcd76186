"""Password hashes and rules."""

from __future__ import annotations

import functools

import argon2

from deployr.errors import InvalidParameter
from deployr.settings import SecuritySettings

# About 50 ms and 32 MiB a verification: dear for a guesser, bearable for many logins at once.
_hasher = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """A salted Argon2id hash."""
    return _hasher.hash(_bytes(password))


def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password is the one of the hash."""
    try:
        return _hasher.verify(password_hash, _bytes(password))
    except argon2.exceptions.VerifyMismatchError:
        return False


def verify_nothing(password: str) -> None:
    """Take as long as a verification, so that time does not tell which users exist."""
    verify_password(_hash_of_nothing(), password)


def check_rules(password: str, rules: SecuritySettings) -> None:
    """Check a new password.

    Raises:
        InvalidParameter: it breaks a rule, which the message names.
    """
    if len(password) < rules.password_min_characters:
        raise InvalidParameter(f"A password needs at least {rules.password_min_characters} characters.")
    if rules.password_upper_case and not any(c.isupper() for c in password):
        raise InvalidParameter("A password needs an upper-case letter.")
    has_both = any(c.isalpha() for c in password) and any(c.isdigit() for c in password)
    if rules.password_alphanumeric and not has_both:
        raise InvalidParameter("A password needs a letter and a digit.")


@functools.cache
def _hash_of_nothing() -> str:
    return hash_password("")


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")

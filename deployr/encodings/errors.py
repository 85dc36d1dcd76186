"""What can be wrong with a value on its way."""

from __future__ import annotations


class EncodingError(ValueError):
    """Text or JSON that does not describe R values; the message may be shown to the caller."""


class DateError(EncodingError):
    """A date, a time zone or a date pattern that cannot be understood."""

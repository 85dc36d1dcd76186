"""How long a JSON text takes to parse, told beforehand: parsers let nobody else run meanwhile."""

from __future__ import annotations

MOST = 500_000
"""Parts of a text from which on parsing takes longer than some 100 milliseconds, however short the text is."""

_WHITESPACE = b" \t\r\n"


def are_too_many(text: bytes) -> bool:
    """Whether a text has more lists, objects and members of objects than that.

    Brackets and braces in strings are counted, too; colons in strings are not.
    """
    containers = text.count(b"[") + text.count(b"{")
    if containers + text.count(b":") <= MOST:
        return False
    return containers + text.translate(None, _WHITESPACE).count(b'":') > MOST

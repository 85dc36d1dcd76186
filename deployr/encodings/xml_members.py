"""What the members of an array are called in XML: an array has a plural key, its members are named in the singular."""

from __future__ import annotations

import functools

_MEMBERS = {
    "archived": "directory",
    "console": "line",
    "custom": "directory",
    "history": "execution",
    "system": "directory",
    "user": "directory",
}
"""Keys of arrays that are not the plural of what is in them; ``user`` and the like are from directory lists."""


@functools.lru_cache(maxsize=1024)
def member_key(key: str) -> str:
    """The singular of a key (7x-facts 2.8); a word that is no plural names its members too."""
    if key in _MEMBERS:
        return _MEMBERS[key]
    if key.endswith("ies"):
        return f"{key[:-3]}y"
    return key[:-1] if key.endswith("s") and not key.endswith("ss") else key

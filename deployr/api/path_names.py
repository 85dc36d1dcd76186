"""File names in path-style URLs."""

from __future__ import annotations

from urllib.parse import unquote_plus


def split_names(segment: str) -> list[str]:
    """The names of a comma list in a path; .NET encodes comma and names once more (client-wire-facts 11)."""
    if "," not in segment and "%2c" in segment.lower():
        segment = unquote_plus(segment)
    return [name for name in segment.split(",") if name]

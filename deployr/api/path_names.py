"""File names in path-style URLs."""

from __future__ import annotations

from urllib.parse import unquote_plus


def split_names(segment: str) -> list[str]:
    """The names of a comma list in a path.

    .NET, the only client that sends lists, encodes each name once more (client-wire-facts 11). A single name is taken
    as it is, as in the URLs of this server's replies.
    """
    names = [name for name in segment.split(",") if name]
    return [unquote_plus(name) for name in names] if len(names) > 1 else names

"""File names in path-style URLs."""

from __future__ import annotations

from urllib.parse import unquote_plus


def split_names(segment: str) -> list[str]:
    """The names of a comma list in a path.

    .NET, the only client that sends lists, encodes each name once more, and callers that follow its documentation
    the comma too (client-wire-facts 11). A single name is taken as it is, as in the URLs of this server's replies.
    """
    if "," not in segment and "%2c" in segment.lower():
        segment = unquote_plus(segment)
        return [name for name in segment.split(",") if name]
    names = [name for name in segment.split(",") if name]
    return [unquote_plus(name) for name in names] if len(names) > 1 else names

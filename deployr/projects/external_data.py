"""External data: directories on the server that R code reads and writes, and no call lists (7x-facts 19)."""

from __future__ import annotations

from deployr.grid.files import check_name
from deployr.settings import Settings


class ExternalData:
    """Where the external data of users lies; the grid knows the public directory, which all its sessions have."""

    def __init__(self, settings: Settings) -> None:
        self._private = settings.private_data_directory

    def private(self, username: str | None) -> str | None:
        """Directory of a user's own data, made here; none of an anonymous caller."""
        if username is None:
            return None
        directory = self._private / check_name(username)
        directory.mkdir(mode=0o700, exist_ok=True)
        return str(directory)

"""External data: directories on the server that R code reads and writes, and no call lists (7x-facts 19)."""

from __future__ import annotations

import logging

from deployr.errors import DeployrError
from deployr.grid.files import check_name
from deployr.settings import Settings

log = logging.getLogger(__name__)


class ExternalData:
    """Where the external data of users lies; the grid knows the public directory, which all its sessions have."""

    def __init__(self, settings: Settings) -> None:
        self._private = settings.private_data_directory

    def private(self, username: str | None) -> str | None:
        """Directory of a user's own data, made here; none of an anonymous caller.

        Raises:
            DeployrError: it cannot be made.
        """
        if username is None:
            return None
        directory = self._private / check_name(username)
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as ex:
            log.error("private external data: %s", ex)
            raise DeployrError("The directory of your external data cannot be made.") from ex
        return str(directory)

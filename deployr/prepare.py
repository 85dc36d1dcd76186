"""``python -m deployr.prepare``: makes a home ready to serve; every start runs it, the first one fills it."""

from __future__ import annotations

import logging
import sys

import sqlalchemy as sa

from deployr import handover, logs
from deployr.grid import external_data, rpackages
from deployr.repository.blobs import Blobs
from deployr.repository.samples import copy_external_samples, load_samples
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.migrate import migrate
from deployr.users.accounts import Accounts
from deployr.users.signing_keys import SigningKeys

log = logging.getLogger(__name__)


def prepare(settings: Settings) -> None:
    """Directories, secret keys, database at the current schema, default accounts, sample content.

    An external repository that the settings name is left as it is.
    """
    settings.prepare_home()
    external_data.prepare(settings)
    settings.secret_key()
    SigningKeys(settings.keys_directory, settings.tokens.access_lifetime).ensure()
    if settings.repository.external is None and copy_external_samples(settings.external_repository):
        log.info("copied the samples of the external repository")
    migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        Accounts(database, settings).ensure_default_accounts()
        stored = load_samples(database, Blobs(settings.blobs_directory))
        if stored:
            log.info("stored %d sample files", stored)
    finally:
        database.close()


def main() -> int:
    """Prepare as the supervisor asked; the exit status tells whether it went well."""
    settings = handover.receive()
    logs.configure(settings.server.log_level)
    try:
        prepare(settings)
        if rpackages.install(settings.library_directory):
            log.info("installed the server's R packages")
    except (OSError, rpackages.InstallFailed, sa.exc.SQLAlchemyError) as ex:
        log.error("cannot prepare the server: %s", ex)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

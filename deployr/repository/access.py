"""Who may see and who may download a repository file (7x-facts 13.4, 13.5)."""

from __future__ import annotations

from deployr.repository.file_types import is_script_source
from deployr.repository.records import RepositoryFile
from deployr.settings import RepositorySettings
from deployr.users.caller import Caller


def may_see(caller: Caller, file: RepositoryFile) -> bool:
    """May list, fetch and load it, and execute it when it is a script."""
    if file.access == "Public" or is_author(caller, file):
        return True
    if caller.is_anonymous:
        return False
    if file.access == "Restricted":
        return not caller.roles.isdisjoint(str(file.restricted).split(","))
    return file.access == "Shared"


def may_download(caller: Caller, file: RepositoryFile, policies: RepositorySettings) -> bool:
    """May have its content; narrower than seeing it."""
    if is_author(caller, file):
        return True
    if is_script_source(file.filename):
        author_only, anonymous = policies.script_author_only_download, policies.script_anonymous_download
    else:
        author_only, anonymous = policies.file_author_only_download, policies.file_anonymous_download
    return not author_only and may_see(caller, file) and (anonymous or not caller.is_anonymous)


def is_author(caller: Caller, file: RepositoryFile) -> bool:
    """Is one of the file's owners."""
    return caller.username in file.authors

"""``deployr doctor``: is everything there that the server needs, and how to mend what is not."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from deployr import addresses
from deployr.errors import NodeNotResponding
from deployr.grid import rpackages, user_namespaces
from deployr.repository import shell
from deployr.settings import Settings, split_address
from deployr.store import postgresql
from deployr.store.database import Database
from deployr.store.errors import UnusableDatabase
from deployr.store.migrate import current_revision, head_revision
from deployr.users.accounts import ADMIN, Accounts
from deployr.users.ldap import LdapDirectory

_PYTHON = (3, 11)
_R = (4, 0)
_RSERVE = (1, 8)
_PROBE_TIMEOUT = 5.0
_NOBODY = 65534
_LIBRARIES = """
import importlib.util, os, sys
found = map(importlib.util.find_spec, ("numpy", "pandas", "matplotlib", "dill", "onnxruntime"))
known = [spec.name for spec in found if spec and spec.origin and os.access(spec.origin, os.R_OK)]
print(sys.version_info >= (3, 11), ", ".join([sys.version.split()[0], *known]))
"""
_SHARED = "calls of one service share one, since user namespaces are denied here"
_NOT_YET = "not there yet; `deployr serve` makes it"


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """Outcome of a check; ``remedy`` says how to mend a failure and is empty otherwise."""

    name: str
    detail: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Nothing to mend."""
        return not self.remedy


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, as they are made."""
    yield _check_python()
    yield from _check_r()
    yield _check_packages(settings)
    yield _check_python_sessions(settings)
    yield _check_home(settings)
    yield _check_database(settings)
    yield from (_check_address(address) for address in settings.server.bind)
    yield _check_passwords(settings)
    if settings.ldap.url:
        yield _check_directory(settings)
    yield _state_isolation()
    if settings.shell.enabled:
        yield _check_shell()


def report(settings: Settings, write: Callable[[str], None] = print) -> int:
    """Write the outcome of all checks; returns the exit code, 1 when one failed."""
    failed = 0
    for check in examine(settings):
        write(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
        if not check.ok:
            write(f"      -> {check.remedy}")
            failed = 1
    return failed


def exposed_addresses(settings: Settings) -> list[str]:
    """Bind addresses that other machines can reach."""
    return [address for address in settings.server.bind if not _is_loopback(split_address(address)[0])]


def _is_loopback(host: str) -> bool:
    """Whether the name or number stands for loopback addresses only."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(address == "::1" or address.startswith("127.") for address in found)


def _check_python() -> Check:
    wanted = ".".join(map(str, _PYTHON))
    remedy = "" if sys.version_info >= _PYTHON else f"Install Python {wanted} or later."
    return Check("Python", platform.python_version(), remedy)


# -- R ----------------------------------------------------------------------------------------------------


def _check_r() -> Iterator[Check]:
    if shutil.which("Rscript") is None:
        yield Check("R", "not found", "Install R (Debian: apt-get install r-base-core) and put it on the PATH.")
        return
    version = _ask_r("cat(as.character(getRversion()))")
    yield _check_version("R", version, _R, "Install R {} or later.")
    version = _ask_r("cat(as.character(packageVersion('Rserve')))")
    yield _check_version(
        "Rserve", version, _RSERVE, "Install Rserve {} or later (Debian: apt-get install r-cran-rserve)."
    )


def _check_version(name: str, version: str, least: tuple[int, int], remedy: str) -> Check:
    numbers = tuple(int(part) for part in version.replace("-", ".").split(".") if part.isdecimal())
    enough = numbers >= least
    return Check(name, version or "not found", "" if enough else remedy.format(".".join(map(str, least))))


def _check_packages(settings: Settings) -> Check:
    library = settings.library_directory
    if not library.exists():
        return Check("R packages of the server", _NOT_YET)
    names = [package.name for package in rpackages.packages()]
    missing = [name for name in names if not (library / name / "DESCRIPTION").exists()]
    if missing:
        remedy = f"Remove {library} and start the server: it installs them again."
        return Check("R packages of the server", f"{', '.join(missing)} missing in {library}", remedy)
    return Check("R packages of the server", str(library))


def _ask_r(code: str) -> str:
    """What R prints; empty when it fails."""
    command = ["Rscript", "--vanilla", "-e", code]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()  # noqa: S603
    return ""


# -- Python sessions --------------------------------------------------------------------------------------


def _check_python_sessions(settings: Settings) -> Check:
    """Whether the interpreter and its packages serve those who will use them: with root these are other users."""
    name, program = "Python sessions", settings.grid.python or sys.executable
    said = _ask_python(program, is_session=True)
    recent, _, detail = said.partition(" ")
    remedy = "Set `grid.python` to one, such as /usr/bin/python3, or give all users access to it."
    if recent != "True":
        return Check(name, f"{program} is no Python 3.11 or later that session users can read", remedy)
    if said != _ask_python(program, is_session=False):
        return Check(name, f"{program}: session users cannot read all of its packages, but {detail}", remedy)
    without = "" if "onnxruntime" in detail else "; no onnxruntime, so models of ONNX are refused"
    return Check(name, f"{program}: {detail}{without}")


def _ask_python(program: str, *, is_session: bool) -> str:
    """What an interpreter of sessions says of itself, to the server or to a session; empty when it fails."""
    ids = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if is_session and os.geteuid() == 0 else {}
    command = [program, "-I", "-c", _LIBRARIES]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603
            command, capture_output=True, text=True, timeout=60, check=True, cwd="/", **ids
        ).stdout.strip()
    return ""


# -- state ------------------------------------------------------------------------------------------------


def _check_home(settings: Settings) -> Check:
    home = settings.home
    if not home.exists():
        return Check("home", f"{home} {_NOT_YET}")
    status = home.stat()
    if status.st_uid != os.geteuid():
        return Check(
            "home", f"{home} belongs to another user", f"Run `chown -R {os.geteuid()} {home}`, or as its user."
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        return Check("home", f"{home} is open to other users", f"Run `chmod 700 {home}`.")
    return Check("home", str(home))


def _check_database(settings: Settings) -> Check:
    shown = sa.make_url(settings.database_url).render_as_string(hide_password=True)
    if not _has_database(settings):
        return Check("database", f"{shown} {_NOT_YET}")
    try:
        with _database(settings) as database, database.reading() as connection:
            if connection.dialect.name == "postgresql":
                postgresql.check(connection)
            revision = current_revision(connection)
    except UnusableDatabase as ex:
        return Check("database", f"{shown} cannot be used", str(ex))
    except sa.exc.SQLAlchemyError as ex:
        reason = " ".join(str(getattr(ex, "orig", ex)).split())
        return Check("database", f"{shown}: {reason}", "See that the database runs and `database.url` is right.")
    if revision != head_revision():
        remedy = "Start the server: it migrates. A newer schema than this server's needs a newer server."
        return Check("database", f"{shown} is at schema {revision or 'none'}, not {head_revision()}", remedy)
    return Check("database", f"{shown} at schema {revision}")


def _check_passwords(settings: Settings) -> Check:
    if not _has_database(settings):
        return Check("passwords", f"accounts {_NOT_YET}")
    try:
        with _database(settings) as database:
            names = Accounts(database, settings).default_passwords_in_use()
    except sa.exc.SQLAlchemyError:
        return Check("passwords", "unknown", "Mend the database first.")
    if names and exposed_addresses(settings):
        return Check("passwords", f"{', '.join(names)} still with the default one", how_to_close(names))
    return Check("passwords", f"default ones of {', '.join(names)}, reachable from here only" if names else "changed")


def _check_directory(settings: Settings) -> Check:
    try:
        LdapDirectory(settings.ldap).check()
    except NodeNotResponding as ex:
        return Check("directory", f"{settings.ldap.url}: {ex.__cause__}", "See that it runs and `[ldap]` is right.")
    return Check("directory", f"{settings.ldap.url} answers")


def how_to_close(names: list[str]) -> str:
    """How to get rid of the default passwords of these accounts."""
    return f"Run {', and '.join(map(_how_to_close, names))}."


def _how_to_close(name: str) -> str:
    change = f"`deployr user passwd {name}`"
    return change if name == ADMIN else f"{change} or `deployr user disable {name}`"


def _has_database(settings: Settings) -> bool:
    """False when a file of SQLite is yet to be made; connecting would make it."""
    url = sa.make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


# -- network and isolation --------------------------------------------------------------------------------


def _check_address(address: str) -> Check:
    name = f"address {address}"
    try:
        addresses.check_free(address)
    except OSError as ex:
        if _is_serving(address):
            return Check(name, "a server runs")
        return Check(name, f"not available: {ex.strerror}", "Stop what uses it, or choose another with `--bind`.")
    return Check(name, "free")


def _is_serving(address: str) -> bool:
    """Whether a server like this one answers."""
    url = f"http://{address}/deployr/r/server/info?format=json"
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_TIMEOUT) as reply:
            return "deployr" in json.load(reply)
    except (OSError, ValueError):
        return False


def _state_isolation() -> Check:
    if os.geteuid() == 0:
        services = "so has each call of a service" if user_namespaces.available() else _SHARED
        return Check("isolation", f"running as root: each session has a user id of its own; {services}")
    return Check("isolation", "not running as root: R sessions share this user's id and are not isolated by it")


def _check_shell() -> Check:
    remedy = "" if os.access(shell.SETPRIV, os.X_OK) else "Install util-linux (Debian: apt-get install util-linux)."
    return Check("shell scripts", f"{shell.SETPRIV}{' not found' if remedy else ''}", remedy)

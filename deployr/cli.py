"""The command ``deployr``."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from deployr import __version__, cli_repository, doctor, logs
from deployr.errors import DeployrError
from deployr.settings import Settings, SettingsError
from deployr.store.database import Database
from deployr.store.migrate import migrate
from deployr.users.accounts import Accounts, User
from deployr.users.signing_keys import SigningKeys


class CommandError(Exception):
    """The command cannot be carried out; the text is for its user."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 failed, 2 wrongly called or configured."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except SettingsError as ex:
        return _complain(ex, 2)
    except (CommandError, DeployrError, OSError, sa.exc.SQLAlchemyError) as ex:
        return _complain(ex, 1)


def _complain(error: Exception, code: int) -> int:
    print(f"deployr: {logs.redact(str(error))}", file=sys.stderr)
    return code


# -- arguments --------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, metavar="DIR", help="home directory (default ~/.deployr)")
    common.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file (default deployr.toml in the home directory)"
    )
    parser = argparse.ArgumentParser(prog="deployr", description="A server for DeployR clients.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands, common)
    _add_user(commands, common)
    _add_role(commands, common)
    _add_repository(commands, common)
    _add_token(commands, common)
    commands.add_parser("version", help="print the version").set_defaults(run=_version)
    commands.add_parser("doctor", parents=[common], help="check the installation").set_defaults(run=_doctor)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="run the server")
    serve.add_argument("--bind", nargs="+", action="extend", metavar="HOST:PORT", help="addresses to listen on")
    serve.add_argument("--workers", type=int, metavar="N", help="web worker processes")
    serve.set_defaults(run=_serve)


def _add_user(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    user = commands.add_parser("user", help="manage accounts")
    actions = user.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", parents=[common], help="make an account")
    add.add_argument("username")
    add.add_argument("--displayname", metavar="TEXT")
    add.add_argument("--role", action="append", default=[], metavar="ROLE", help="e.g. POWER_USER; may be repeated")
    add.set_defaults(run=_user_add)
    passwd = actions.add_parser("passwd", parents=[common], help="change a password")
    passwd.add_argument("username")
    passwd.set_defaults(run=_user_passwd)
    for prompting in (add, passwd):
        prompting.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    actions.add_parser("list", parents=[common], help="list accounts").set_defaults(run=_user_list)
    roles = actions.add_parser("roles", parents=[common], help="give an account these roles and no others")
    roles.add_argument("username")
    roles.add_argument("roles", nargs="*", metavar="ROLE", help="without one the account counts as BASIC_USER")
    roles.set_defaults(run=_user_roles)
    for name, text in (
        ("disable", "disable an account"),
        ("enable", "enable an account, and take away a lock"),
        ("expire-password", "refuse logins until the password is changed"),
    ):
        action = actions.add_parser(name, parents=[common], help=text)
        action.add_argument("username")
        action.set_defaults(run=_user_change, change=name)


def _add_role(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    role = commands.add_parser("role", help="manage roles, to which files can be restricted")
    actions = role.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", parents=[common], help="make a role")
    add.add_argument("name")
    add.add_argument("--descr", metavar="TEXT")
    add.set_defaults(run=_role_add)


def _add_token(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    token = commands.add_parser("token", help="manage what signs access tokens")
    actions = token.add_subparsers(required=True, metavar="ACTION")
    rotate = actions.add_parser(
        "rotate-key", parents=[common], help="sign with a new key; tokens of the old one stay valid until they expire"
    )
    rotate.set_defaults(run=_token_rotate_key)


def _add_repository(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    repository = commands.add_parser("repository", help="verify, save and merge the repository")
    actions = repository.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", parents=[common], help="verify all files and rows; may run beside the server")
    check.add_argument("--repair", action="store_true", help="put right what can be, remove what cannot be read")
    check.set_defaults(run=lambda arguments: cli_repository.check(arguments, _settings(arguments)))
    export = actions.add_parser("export", parents=[common], help="write files, versions and directories to an archive")
    export.add_argument("file", type=Path, metavar="FILE", help="the archive, which must not exist yet")
    export.add_argument("--user", metavar="NAME", help="only what this user owns")
    export.set_defaults(run=lambda arguments: cli_repository.export(arguments, _settings(arguments)))
    load = actions.add_parser("import", parents=[common], help="merge an archive into the repository")
    load.add_argument("file", type=Path, metavar="FILE", help="what `export` wrote")
    load.set_defaults(run=lambda arguments: cli_repository.load(arguments, _settings(arguments)))


def _settings(arguments: argparse.Namespace) -> Settings:
    flags = {"home": arguments.home}
    flags["server.bind"] = getattr(arguments, "bind", None)
    flags["server.workers"] = getattr(arguments, "workers", None)
    return Settings.load(arguments.config, os.environ, flags)


# -- commands ---------------------------------------------------------------------------------------------


def _serve(arguments: argparse.Namespace) -> int:
    from deployr import supervisor  # heavy, and of no use to the other commands

    settings = _settings(arguments)
    try:
        with supervisor.only_one(settings):
            with _accounts(settings, upgrade=True) as accounts:
                _refuse_default_passwords(settings, accounts)
            return supervisor.serve(settings)
    except supervisor.AlreadyRunning as ex:
        raise CommandError(str(ex)) from ex


def _refuse_default_passwords(settings: Settings, accounts: Accounts) -> None:
    exposed = doctor.exposed_addresses(settings)
    names = accounts.default_passwords_in_use()
    if exposed and names:
        raise CommandError(
            f"not listening on {', '.join(exposed)}: other machines could log in as {' or '.join(names)} "
            f"with the default password.\n{doctor.how_to_close(names)}"
        )


def _version(_arguments: argparse.Namespace) -> int:
    print(f"deployr {__version__}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    return doctor.report(_settings(arguments))


@contextlib.contextmanager
def _accounts(settings: Settings, *, upgrade: bool = False) -> Iterator[Accounts]:
    """The accounts; the default ones are there from the first command on.

    Args:
        upgrade: no server is using the database, which may have the schema of an earlier one.
    """
    settings.prepare_home()
    migrate(settings.database_url, upgrade=upgrade)
    database = Database(settings.database_url)
    try:
        accounts = Accounts(database, settings)
        accounts.ensure_default_accounts()
        yield accounts
    finally:
        database.close()


def _user_add(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        password = _read_password(arguments.password_stdin)
        accounts.create(arguments.username, password, displayname=arguments.displayname, roles=arguments.role)
    return 0


def _user_passwd(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        accounts.get(arguments.username)
        accounts.change_password(arguments.username, _read_password(arguments.password_stdin))
    return 0


def _user_list(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        rows = [("USERNAME", "DISPLAY NAME", "STATUS", "ROLES", "VOUCHED FOR BY")]
        rows += [_columns(user) for user in accounts.list_users()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _columns(user: User) -> tuple[str, str, str, str, str]:
    states = {"disabled": not user.enabled, "locked": user.locked, "expired": user.expired}
    status = ",".join(name for name, applies in states.items() if applies) or "enabled"
    return user.username, user.displayname, status, ",".join(sorted(user.roles)) or "-", user.issuer or "-"


def _user_change(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        changes = {
            "disable": accounts.disable,
            "enable": accounts.enable,
            "expire-password": accounts.expire_password,
        }
        changes[arguments.change](arguments.username)
    return 0


def _user_roles(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        accounts.set_roles(arguments.username, arguments.roles)
    return 0


def _role_add(arguments: argparse.Namespace) -> int:
    with _accounts(_settings(arguments)) as accounts:
        accounts.create_role(arguments.name, arguments.descr)
    return 0


def _token_rotate_key(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    settings.prepare_home()
    print(SigningKeys(settings.keys_directory, settings.tokens.access_lifetime).rotate())
    return 0


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise CommandError("the two passwords differ")
    return password

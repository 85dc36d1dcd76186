"""The server's settings: one immutable object, built from defaults < TOML file < environment < flags.

``python -m deployr.settings`` prints ``docs/configuration.md``.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec

from deployr.grid.protocol import Purpose

PREFIX = "DEPLOYR_"
FILE_NAME = "deployr.toml"
_DIRECTORY_MODE = 0o700
_SESSIONS_MODE_OF_ROOT = 0o711


class SettingsError(ValueError):
    """A setting is unknown or has a bad value; the text begins with the setting's full name."""


def _about(text: str, unit: str = "", **limits: Any) -> msgspec.Meta:
    """What a field means, in which unit, and within which limits."""
    return msgspec.Meta(description=text, extra={"unit": unit}, **limits)


def _positive(text: str, unit: str = "") -> msgspec.Meta:
    return _about(text, unit, ge=1)


def _natural(text: str, unit: str = "") -> msgspec.Meta:
    return _about(text, unit, ge=0)


class _Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the groups of settings."""


class ServerSettings(_Group, frozen=True, kw_only=True):
    """HTTP, web workers and HTTP sessions."""

    bind: Annotated[tuple[str, ...], _about("Addresses to listen on, each `host:port`.", min_length=1)] = (
        "127.0.0.1:8050",
        "127.0.0.1:12800",
    )
    workers: Annotated[int, _positive("Web worker processes.", "processes")] = 2
    context_url: Annotated[
        str | None,
        _about("Base of absolute URLs in replies, e.g. `https://host/deployr`; unset: taken from each request's Host."),
    ] = None
    relative_urls: Annotated[bool, _about("URLs in replies are relative.")] = False
    cors_origins: Annotated[
        tuple[str, ...], _about("Origins whose browser pages may call the API; empty: cross-origin calls are off.")
    ] = ()
    csrf: Annotated[
        Literal["required", "issued", "off"],
        _about(
            "`required`: authenticated POSTs without the token are refused (8.0.5); `issued`: tokens are sent but not "
            "asked for, so that older clients work; `off`: no tokens."
        ),
    ] = "issued"
    session_timeout: Annotated[int, _positive("Idle time after which an HTTP session ends.", "seconds")] = 1800
    body_timeout: Annotated[int, _positive("Longest pause of a client while it sends a body.", "seconds")] = 60
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _about("Least level that is logged.")] = "info"

    @property
    def address(self) -> str:
        """``host:port`` by which the server is known: of the base of its URLs, else the first that it listens on."""
        url = urlsplit(self.context_url or f"http://{self.bind[0]}")
        return url.netloc if re.search(r":\d+$", url.netloc) else f"{url.netloc}:{443 if url.scheme == 'https' else 80}"


class DatabaseSettings(_Group, frozen=True, kw_only=True):
    """Where rows are kept."""

    url: Annotated[
        str | None,
        _about(
            "`postgresql://…`, see [database.md](database.md); "
            "unset: the SQLite file `deployr.db` in the home directory."
        ),
    ] = None


class LimitSettings(_Group, frozen=True, kw_only=True):
    """What callers may use."""

    max_upload: Annotated[int, _positive("Largest uploaded file.", "bytes")] = 268435456
    live_projects: Annotated[int, _positive("Live projects of one user.", "projects")] = 170
    anonymous_executions: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        _about("Live anonymous executions of one HTTP session; unset: no limit.", "executions"),
    ] = None
    running_jobs: Annotated[int, _positive("Jobs that run at once; further ones stay queued.", "jobs")] = 8
    running_jobs_per_user: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        _about("Jobs of one user that run at once; further ones stay queued; unset: no limit.", "jobs"),
    ] = None
    job_delay: Annotated[
        int,
        _natural(
            "Time from the submission of a job until it may run: one that is cancelled sooner never ran.",
            "milliseconds",
        ),
    ] = 500
    anonymous_time: Annotated[int, _natural("Longest time of one anonymous execution; 0: no limit.", "seconds")] = 300
    blackbox_idle: Annotated[int, _positive("Idle time after which an HTTP blackbox project ends.", "seconds")] = 900
    history_depth: Annotated[int, _positive("Executions kept in a project's history.", "executions")] = 250
    history_storage: Annotated[
        int,
        _positive("Unnamed plots kept in a project's history; beyond it those of the oldest executions go.", "bytes"),
    ] = 16777216
    file_type_blacklist: Annotated[
        tuple[str, ...], _about("File name extensions that only administrators may upload, write, load or preload.")
    ] = ("exe", "sh", "bat", "bash", "csh", "tcsh")


class ProjectSettings(_Group, frozen=True, kw_only=True):
    """Project persistence and downloads."""

    autosave_temporary: Annotated[
        bool, _about("Temporary projects too are saved at close, logout and timeout when the session's autosave is on.")
    ] = False
    open_urls: Annotated[
        bool,
        _about(
            "Whoever has the URL of a file or plot of a live project or of an execution may fetch it without login, "
            "see [repository.md](repository.md#downloads)."
        ),
    ] = False


class SecuritySettings(_Group, frozen=True, kw_only=True):
    """Passwords and locking of accounts."""

    lock_failures: Annotated[int, _natural("Consecutive failed logins that lock an account; 0: never.", "failures")] = (
        10
    )
    lock_timeout: Annotated[
        int, _natural("Time until a locked account unlocks by itself; 0: only an administrator unlocks it.", "seconds")
    ] = 1800
    password_min_characters: Annotated[int, _positive("Shortest new password.", "characters")] = 8
    password_upper_case: Annotated[bool, _about("New passwords need an upper-case letter.")] = True
    password_alphanumeric: Annotated[bool, _about("New passwords need a letter and a digit.")] = True


class TokenSettings(_Group, frozen=True, kw_only=True):
    """Bearer tokens of the 9.x API."""

    access_lifetime: Annotated[int, _positive("Life of an access token.", "seconds")] = 3600
    refresh_lifetime: Annotated[int, _positive("Time until an unused refresh token expires.", "seconds")] = 1209600
    renewal_limit: Annotated[int, _positive("Time after a login beyond which nothing is renewed.", "seconds")] = 7776000


_Entry = Annotated[str, msgspec.Meta(pattern="^[^=]+=[^=]+$")]


class LdapSettings(_Group, frozen=True, kw_only=True):
    """Users and groups of a directory that speaks LDAP, Active Directory among them."""

    url: Annotated[
        Annotated[str, msgspec.Meta(pattern="^ldaps?://[^/]+$")] | None,
        _about("`ldap://host` or `ldaps://host`, with a port when it is another; unset: no directory."),
    ] = None
    start_tls: Annotated[bool, _about("Encrypt a connection of `ldap://`.")] = False
    ca_file: Annotated[
        str | None, _about("PEM file of the authorities that certify the directory; unset: the system's.")
    ] = None
    timeout: Annotated[int, _positive("Longest time that the directory may take to answer.", "seconds")] = 5
    bind_dn: Annotated[str | None, _about("Who looks users up; unset: nobody, if the directory allows that.")] = None
    bind_password: Annotated[str | None, _about("Password of `bind_dn`.")] = None
    user_dn: Annotated[
        str | None,
        _about(
            "Users look themselves up: name by which they bind, `{0}` is the user name, "
            "e.g. `uid={0},ou=users,dc=example,dc=com` or `{0}@example.com`."
        ),
    ] = None
    search_base: Annotated[str, _about("Below which users are looked for.")] = ""
    search_filter: Annotated[str, _about("Finds a user; `{0}` is the user name.", pattern=r"\{0\}")] = "(uid={0})"
    username_attribute: Annotated[str, _about("Attribute with the user name.", min_length=1)] = "uid"
    displayname_attribute: Annotated[str, _about("Attribute with the name for people.", min_length=1)] = "cn"
    group_search_base: Annotated[str | None, _about("Below which groups are looked for; unset: `search_base`.")] = None
    group_search_filter: Annotated[
        str, _about("Finds the groups of a user; `{0}` is the user's DN.", pattern=r"\{0\}")
    ] = "(uniqueMember={0})"
    group_attribute: Annotated[str, _about("Attribute with the name of a group.", min_length=1)] = "cn"
    roles: Annotated[
        tuple[_Entry, ...],
        _about("Roles of this server by groups, each `group=ROLE`; other groups give no role."),
    ] = ()
    default_role: Annotated[str | None, _about("Role of users whose groups give none; unset: none.")] = None


class OidcSettings(_Group, frozen=True, kw_only=True):
    """Access tokens for the 9.x API from an OpenID Connect issuer, e.g. Azure Active Directory."""

    issuer: Annotated[str | None, _about("URL of the issuer, as in its tokens; unset: no such tokens.")] = None
    audience: Annotated[str | None, _about("Audience that tokens must have; required with an issuer.")] = None
    jwks_url: Annotated[str | None, _about("URL of the issuer's keys; unset: found by discovery.")] = None
    username_claim: Annotated[str, _about("Claim that holds the user name.", min_length=1)] = "preferred_username"
    roles_claim: Annotated[str, _about("Claim that holds the user's groups or roles.", min_length=1)] = "roles"
    roles: Annotated[
        tuple[_Entry, ...],
        _about("Roles of this server by values of that claim, each `value=ROLE`; other values give no role."),
    ] = ()


class MlServerSettings(_Group, frozen=True, kw_only=True):
    """The API of R Server and Machine Learning Server 9.x."""

    compat: Annotated[Literal["9.0.1", "9.1.0", "9.2.0", "9.2.1", "9.3.0"], _about("Release whose API is spoken.")] = (
        "9.3.0"
    )
    owner: Annotated[tuple[str, ...], _about("Roles that make an Owner.")] = ("ADMINISTRATOR",)
    contributor: Annotated[tuple[str, ...], _about("Roles that make a Contributor.")] = ("POWER_USER",)
    reader: Annotated[
        tuple[str, ...],
        _about(
            "Roles that make a Reader; where none is named, all other users are Readers (Contributors where no "
            "contributors are named either), else they may do nothing."
        ),
    ] = ()
    reader_sessions: Annotated[
        bool,
        _about("Readers may open sessions and run code of their own in them, as in 9.x; `BASIC_USER`s are Readers."),
    ] = False
    max_body: Annotated[
        int,
        _positive(
            "Largest JSON body of a call; parsing one delays other calls by some 10 milliseconds a mebibyte.", "bytes"
        ),
    ] = 16777216
    session_timeout: Annotated[int, _positive("Idle time after which a session ends.", "seconds")] = 3600
    cpu_limit: Annotated[
        int, _natural("CPU time of each process of a session or of a service's call; 0: no limit.", "seconds")
    ] = 0
    batch_parallel: Annotated[
        int, _positive("Most items of batches that run at a time, of all and of one whatever it asks for.", "items")
    ] = 100
    batch_kept: Annotated[int, _positive("Time that a batch is kept after its end.", "seconds")] = 604800
    warm_services: Annotated[
        int, _natural("Most services with a warm parent; others run in plain sessions, more slowly.", "services")
    ] = 16
    service_idle: Annotated[float, _positive("Time without calls after which a warm parent is stopped.", "seconds")] = (
        600
    )
    service_calls: Annotated[int, _positive("Calls of one service that run at one time.", "calls")] = 100
    service_time_limit: Annotated[float, _positive("Longest time of one call of a service.", "seconds")] = 3600
    service_memory_reserve: Annotated[
        int, _natural("Memory of the machine that warm parents leave free; the least used are stopped.", "bytes")
    ] = 268435456


class RepositorySettings(_Group, frozen=True, kw_only=True):
    """Repository and its download policies."""

    external: Annotated[
        str | None,
        _about("Directory of the external repository; unset: `external_repository/` of the home, with samples."),
    ] = None
    file_author_only_download: Annotated[bool, _about("Only authors download files that are not scripts.")] = False
    file_anonymous_download: Annotated[bool, _about("Published files are downloaded without login.")] = False
    script_author_only_download: Annotated[bool, _about("Only authors download scripts (`.R`, `.Rmd`).")] = False
    script_anonymous_download: Annotated[bool, _about("Published scripts are downloaded without login.")] = False
    script_list_authenticate: Annotated[bool, _about("Listing scripts requires login.")] = False
    transfer_allowed: Annotated[
        tuple[str, ...],
        _about("Hosts (names, addresses, networks) with private addresses that URLs may be fetched from."),
    ] = ()
    transfer_timeout: Annotated[int, _positive("Longest time that fetching a URL may take.", "seconds")] = 300


class ShellSettings(_Group, frozen=True, kw_only=True):
    """Shell scripts of the repository that administrators own (``/r/repository/shell/execute``)."""

    enabled: Annotated[bool, _about("Authenticated callers may run those that they may see, on this machine.")] = False
    time_limit: Annotated[int, _positive("Longest time of one script.", "seconds")] = 60
    output_limit: Annotated[int, _positive("Most that one script prints.", "bytes")] = 1048576


class EventSettings(_Group, frozen=True, kw_only=True):
    """The event stream."""

    anonymous_streams: Annotated[bool, _about("Callers who are not logged in may open event streams.")] = True
    authenticated_roles: Annotated[
        tuple[str, ...], _about("Roles one of which a user needs for an event stream; empty: none is needed.")
    ] = ()
    management_roles: Annotated[
        tuple[str, ...], _about("Roles one of which a user needs for a management event stream.", min_length=1)
    ] = ("ADMINISTRATOR",)
    streams_per_caller: Annotated[
        int, _positive("Event streams that one user, or one anonymous HTTP session, has on one web worker.", "streams")
    ] = 50
    streams: Annotated[
        int, _positive("Event streams of one web worker, of which half may be anonymous.", "streams")
    ] = 5000
    keep_alive: Annotated[float, _about("Silence after which a stream gets a sign of life.", "seconds", gt=0)] = 15
    heartbeat: Annotated[float, _about("Time between two heartbeats of the grid.", "seconds", gt=0)] = 10
    idle_timeout: Annotated[int, _natural("Time without an event after which a stream ends; 0: never.", "seconds")] = (
        14400
    )


class NodeSettings(_Group, frozen=True, kw_only=True):
    """A node of the grid, written as `[[grid.nodes]]`."""

    name: Annotated[str, _about("Unique name.", min_length=1)]
    description: Annotated[str, _about("Free text.")] = ""
    purposes: Annotated[
        tuple[Purpose, ...], _about("What it serves; a node that serves all three takes overflow.", min_length=1)
    ] = get_args(Purpose)
    cluster: Annotated[str | None, _about("Cluster it belongs to, matched without case.")] = None
    slots: Annotated[int, _positive("Most live sessions.", "sessions")] = 100


DEFAULT_NODE = NodeSettings(name="DeployR Default Node", description="Default R processing node, mixed function.")


class GridSettings(_Group, frozen=True, kw_only=True):
    """R sessions and Python sessions."""

    sessions_directory: Annotated[
        str | None,
        _about(
            "Directory below which sessions have their working directories; unset: `sessions` in the home directory, "
            "or, for a server run as root, `/var/lib/deployr/<hash of the home>`, which session users can traverse."
        ),
    ] = None
    warm_min: Annotated[int, _natural("Forks kept ready on an idle node.", "sessions")] = 2
    warm_max: Annotated[int, _natural("Most forks kept ready on a busy node.", "sessions")] = 8
    console_limit: Annotated[int, _positive("Most console text of one execution.", "bytes")] = 524288
    memory_limit: Annotated[int, _natural("Address space of one session; 0: no limit.", "bytes")] = 0
    cpu_limit: Annotated[
        int, _natural("R boundary: CPU time of each process of a session of the legacy API; 0: no limit.", "seconds")
    ] = 1740
    interrupt_grace: Annotated[
        float, _natural("Time that interrupted code may take to stop before its session is killed.", "seconds")
    ] = 5
    stateless_keep: Annotated[int, _natural("Time that files of a stateless execution stay readable.", "seconds")] = 300
    uid_base: Annotated[
        int,
        _positive("First user id of sessions of a server run as root; each Rserve parent takes 2000 ids.", "user id"),
    ] = 200000
    max_value: Annotated[int, _positive("Largest R value relayed.", "bytes")] = 2147483648
    python: Annotated[
        str | None,
        _about(
            "Interpreter of Python sessions, 3.11 or later, which session users can read; unset: the server's own. "
            "numpy, pandas and matplotlib are loaded ahead when it has them, dill saves objects."
        ),
    ] = None
    nodes: Annotated[tuple[NodeSettings, ...], _about("The nodes, see below.", min_length=1)] = (DEFAULT_NODE,)


class ExternalDataSettings(_Group, frozen=True, kw_only=True):
    """Data that R code reaches with `deployrExternal()`; by default in the home, or with root beside the sessions."""

    public: Annotated[
        str | None, _about("Data that all code can read; made read-only, `chmod 1777` lets code write there.")
    ] = None
    private: Annotated[
        str | None, _about("Directory with a directory of each user, for code of that user's sessions alone.")
    ] = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings.

    Attributes:
        home: directory of everything the server keeps.
    """

    home: Path
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    limits: LimitSettings = LimitSettings()
    projects: ProjectSettings = ProjectSettings()
    security: SecuritySettings = SecuritySettings()
    repository: RepositorySettings = RepositorySettings()
    shell: ShellSettings = ShellSettings()
    ldap: LdapSettings = LdapSettings()
    tokens: TokenSettings = TokenSettings()
    oidc: OidcSettings = OidcSettings()
    mlserver: MlServerSettings = MlServerSettings()
    events: EventSettings = EventSettings()
    external_data: ExternalDataSettings = ExternalDataSettings()
    grid: GridSettings = GridSettings()

    @classmethod
    def load(
        cls,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
    ) -> Settings:
        """Build the settings.

        Args:
            config: TOML file; ``None`` for ``DEPLOYR_CONFIG``, else ``deployr.toml`` in the home directory if there.
            environ: environment, e.g. ``os.environ``; only names beginning with ``DEPLOYR_`` are looked at.
            flags: values by full name, e.g. ``{"server.workers": 4}``; ``None`` values are taken as not given.

        Raises:
            SettingsError: a name is unknown, a value is bad, or the file cannot be read.
        """
        given = {name: value for name, value in (flags or {}).items() if value is not None}
        texts = {k: v for k, v in (environ or {}).items() if k.startswith(PREFIX)}
        path = config or _config_path(texts.pop(PREFIX + "CONFIG", None), given, texts)
        values = _from_file(path) if path else {}
        values.update(_from_environment(texts))
        for name, value in given.items():
            values[name] = _convert(name, value)
        return _build(cls, values)

    def to_json(self) -> bytes:
        """The settings as handed from the supervisor to the processes it starts."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def from_json(cls, data: bytes) -> Settings:
        """The settings that :meth:`to_json` wrote."""
        return msgspec.json.decode(data, type=cls, dec_hook=lambda kind, value: kind(value))

    # -- places -------------------------------------------------------------------------------------------

    @property
    def run_directory(self) -> Path:
        """Sockets and process ids."""
        return self.home / "run"

    @property
    def grid_socket(self) -> Path:
        """Unix socket of the grid process."""
        return self.run_directory / "grid.sock"

    @property
    def blobs_directory(self) -> Path:
        """File contents of the repository."""
        return self.home / "blobs"

    @property
    def keys_directory(self) -> Path:
        """Keys that sign access tokens."""
        return self.home / "keys"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database.url or f"sqlite:///{self.home / 'deployr.db'}"

    @property
    def external_repository(self) -> Path:
        """Base of the external repository."""
        if self.repository.external:
            return Path(self.repository.external).expanduser()
        return self.home / "external_repository"

    @property
    def sessions_directory(self) -> Path:
        """Parent of the sessions' directories; with root it lies outside of the closed home directory."""
        if self.grid.sessions_directory:
            return Path(self.grid.sessions_directory).expanduser()
        if os.geteuid() == 0:
            return Path("/var/lib/deployr") / hashlib.sha256(bytes(self.home)).hexdigest()[:12]
        return self.home / "sessions"

    @property
    def public_data_directory(self) -> Path:
        """External data of all."""
        return self._external_data(self.external_data.public, "public")

    @property
    def private_data_directory(self) -> Path:
        """Parent of the users' own external data."""
        return self._external_data(self.external_data.private, "private")

    def _external_data(self, configured: str | None, name: str) -> Path:
        if configured:
            return Path(configured).expanduser()
        base = self.sessions_directory if os.geteuid() == 0 else self.home
        return base / "external_data" / name

    @property
    def library_directory(self) -> Path:
        """R library of the server's own packages; session users read it, so it is beside the sessions."""
        return self.sessions_directory / "library"

    def prepare_home(self) -> None:
        """Make the directories, closed to other users; the sessions directory stays traversable with root."""
        for directory in (self.home, self.run_directory, self.blobs_directory):
            _make_directory(directory, _DIRECTORY_MODE)
        mode = _SESSIONS_MODE_OF_ROOT if os.geteuid() == 0 else _DIRECTORY_MODE
        _make_directory(self.sessions_directory, mode)

    def secret_key(self) -> bytes:
        """The server's 32 secret bytes, made once; several processes may ask at the same time."""
        path = self.home / "secret.key"
        if not path.exists():
            _make_secret(path)
        return path.read_bytes()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[ipv6]:port``.

    Raises:
        ValueError: it is neither.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"`{address}` is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _make_directory(directory: Path, mode: int) -> None:
    """Make a directory and its missing parents with this mode, whatever the umask; existing ones stay as they are."""
    if not directory.exists():
        _make_directory(directory.parent, mode)
        directory.mkdir(mode=mode, exist_ok=True)
        directory.chmod(mode)


def _make_secret(path: Path) -> None:
    """Write beside and link: whoever links first wins, and nobody reads half a key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


# -- layers -----------------------------------------------------------------------------------------------

_GROUPS: dict[str, type[_Group]] = {
    name: hint for name, hint in get_type_hints(Settings).items() if isinstance(hint, type) and issubclass(hint, _Group)
}


def _fields(group: type[_Group]) -> Iterator[tuple[str, Any, msgspec.Meta, Any]]:
    """Name, annotated type, meaning and default of each field."""
    hints = get_type_hints(group, include_extras=True)
    for field in msgspec.structs.fields(group):
        hint = hints[field.name]
        yield field.name, hint, hint.__metadata__[0], field.default


_TYPES: dict[str, Any] = {
    f"{group}.{name}": hint for group, kind in _GROUPS.items() for name, hint, _, _ in _fields(kind)
}


def _convert(name: str, value: Any, *, strict: bool = True) -> Any:
    """The value of a setting in its type."""
    if name == "home":
        if not isinstance(value, str | Path) or not str(value):
            raise SettingsError("home: expected a directory")
        return Path(value).expanduser().absolute()
    if name not in _TYPES:
        raise SettingsError(f"{name}: there is no such setting")
    try:
        return msgspec.convert(value, _TYPES[name], strict=strict)
    except msgspec.ValidationError as ex:
        raise SettingsError(f"{name}: {ex}") from None


def _config_path(named: str | None, flags: Mapping[str, Any], texts: Mapping[str, str]) -> Path | None:
    if named:
        return Path(named)
    path = Path(flags.get("home") or texts.get(PREFIX + "HOME") or _default_home()) / FILE_NAME
    return path if path.exists() else None


def _default_home() -> Path:
    return Path("~/.deployr").expanduser()


def _from_file(path: Path) -> dict[str, Any]:
    """Values by full name."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as ex:
        raise SettingsError(f"{path}: {ex}") from ex
    values = {}
    for key, value in document.items():
        if key in _GROUPS and isinstance(value, dict):
            values.update({f"{key}.{name}": _convert(f"{key}.{name}", part) for name, part in value.items()})
        else:
            values[key] = _convert(key, value)
    return values


def _from_environment(texts: Mapping[str, str]) -> dict[str, Any]:
    """Values by full name; the texts all begin with the prefix."""
    values = {}
    for variable, text in texts.items():
        name = variable.removeprefix(PREFIX).lower().replace("_", ".", 1)
        try:
            values[name] = _convert(name, _parse(name, text), strict=False)
        except SettingsError as ex:
            raise SettingsError(f"{ex} (environment variable {variable})") from None
    return values


def _parse(name: str, text: str) -> Any:
    """Text of the environment as a value: lists are comma-separated or JSON, empty text unsets."""
    kind = str(_TYPES.get(name, ""))
    if "tuple[" in kind and text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as ex:
            raise SettingsError(f"{name}: {ex}") from None
    if "tuple[" in kind:
        return [part.strip() for part in text.split(",") if part.strip()]
    return None if text == "" and "None" in kind else text


def _build(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    groups: dict[str, Any] = {}
    for group, kind in _GROUPS.items():
        prefix = group + "."
        groups[group] = kind(**{k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)})
    settings = cls(home=values.get("home", _default_home()), **groups)
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """What a single field's type cannot say."""
    for address in settings.server.bind:
        try:
            split_address(address)
        except ValueError as ex:
            raise SettingsError(f"server.bind: {ex}") from None
    if settings.ldap.url and not settings.ldap.search_base:
        raise SettingsError("ldap.search_base: required with ldap.url")
    if settings.oidc.issuer and not settings.oidc.audience:
        raise SettingsError("oidc.audience: required with oidc.issuer")
    if settings.grid.warm_max < settings.grid.warm_min:
        raise SettingsError("grid.warm_max: less than grid.warm_min")
    names = [node.name for node in settings.grid.nodes]
    if len(set(names)) < len(names):
        raise SettingsError("grid.nodes: two nodes have the same name")


# -- documentation ----------------------------------------------------------------------------------------

_INTRODUCTION = f"""# Configuration

This file is generated: `python -m deployr.settings > docs/configuration.md`.

A setting comes from, later wins: its default, the TOML file, the environment, a flag of the command line. The file is
the one named by `--config` or `{PREFIX}CONFIG`, else `{FILE_NAME}` in the home directory. In the environment lists are
separated by commas (or JSON), and an empty text unsets. Unknown names and bad values stop the start.

| key | environment | default | meaning |
|---|---|---|---|
| `home` | `{PREFIX}HOME` | `~/.deployr` | Directory of all the server keeps: database, blobs, sockets, secret key. |
"""


def document() -> str:
    """The reference of all settings, in Markdown."""
    parts = [_INTRODUCTION]
    parts += [_section(f"[{group}]", kind, f"{PREFIX}{group.upper()}_") for group, kind in _GROUPS.items()]
    parts.append(_section("[[grid.nodes]]", NodeSettings, None))
    return "\n".join(parts)


def _section(title: str, kind: type[_Group], prefix: str | None) -> str:
    lines = [f"## {title}", "", str(kind.__doc__), "", "| key | default | unit | meaning |", "|---|---|---|---|"]
    for name, _, meta, default in _fields(kind):
        unit = (meta.extra or {})["unit"]
        key = f"`{name}`" if prefix is None else f"`{name}`<br>`{prefix}{name.upper()}`"
        lines.append(f"| {key} | {_shown(default)} | {unit} | {meta.description} |")
    return "\n".join([*lines, ""])


def _shown(default: Any) -> str:
    """A default as written in TOML."""
    if default is msgspec.NODEFAULT:
        return "required"
    if default is None:
        return "unset"
    if default == (DEFAULT_NODE,):
        return "one node"
    return f"`{msgspec.json.encode(default).decode()}`"


if __name__ == "__main__":
    print(document(), end="")

"""Settings: layers, refusals, places, reference."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deployr import settings as module
from deployr.settings import NodeSettings, ServerSettings, Settings, SettingsError, split_address


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "conf.toml"
    path.write_text(text)
    return path


def test_defaults_are_complete() -> None:
    settings = Settings.load()
    assert settings.home == Path("~/.deployr").expanduser()
    assert settings.server.bind == ("127.0.0.1:8050", "127.0.0.1:12800")
    assert settings.limits.live_projects == 170
    assert [node.name for node in settings.grid.nodes] == ["DeployR Default Node"]
    assert settings.grid.nodes[0].purposes == ("authenticated", "anonymous", "asynchronous")


def test_a_later_layer_wins(tmp_path: Path) -> None:
    config = _write(tmp_path, "[server]\nworkers = 3\nbody_timeout = 7\n[limits]\nhistory_depth = 9")
    environ = {"DEPLOYR_SERVER_WORKERS": "4", "DEPLOYR_LIMITS_HISTORY_DEPTH": "10"}
    settings = Settings.load(config, environ, {"server.workers": 5, "server.bind": None})
    assert (settings.server.workers, settings.limits.history_depth, settings.server.body_timeout) == (5, 10, 7)


def test_nodes_are_tables(tmp_path: Path) -> None:
    config = _write(
        tmp_path, '[[grid.nodes]]\nname = "a"\npurposes = ["anonymous"]\n[[grid.nodes]]\nname = "b"\nslots = 4'
    )
    nodes = Settings.load(config).grid.nodes
    assert nodes == (NodeSettings(name="a", purposes=("anonymous",)), NodeSettings(name="b", slots=4))


def test_the_file_of_the_home_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "deployr.toml").write_text('[server]\nlog_level = "debug"')
    assert Settings.load(environ={"DEPLOYR_HOME": str(tmp_path)}).server.log_level == "debug"
    other = _write(tmp_path, "")
    named = {"DEPLOYR_HOME": str(tmp_path), "DEPLOYR_CONFIG": str(other)}
    assert Settings.load(environ=named).server.log_level == "info"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("DEPLOYR_SERVER_BIND", "0.0.0.0:80, [::1]:81", ("0.0.0.0:80", "[::1]:81")),
        ("DEPLOYR_SERVER_RELATIVE_URLS", "TRUE", True),
        ("DEPLOYR_SERVER_CONTEXT_URL", "", None),
        ("DEPLOYR_LIMITS_ANONYMOUS_EXECUTIONS", "3", 3),
        ("DEPLOYR_LIMITS_FILE_TYPE_BLACKLIST", "", ()),
        ("DEPLOYR_GRID_NODES", '[{"name":"a"}]', (NodeSettings(name="a"),)),
    ],
)
def test_environment_texts_become_values(variable: str, text: str, expected: Any) -> None:
    settings = Settings.load(environ={variable: text, "PATH": "/bin"})
    group, key = variable.removeprefix("DEPLOYR_").lower().split("_", 1)
    assert getattr(getattr(settings, group), key) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[server]\nwrokers = 3", "server.wrokers"),
        ("[sever]\nworkers = 3", "sever"),
        ('[server]\nworkers = "3"', "server.workers"),
        ("[server]\nworkers = 0", "server.workers"),
        ('[server]\ncsrf = "maybe"', "server.csrf"),
        ('[server]\nbind = ["8050"]', "server.bind"),
        ("[grid]\nwarm_min = 9", "grid.warm_max"),
        ('[[grid.nodes]]\nname = "a"\nslot = 3', "grid.nodes"),
        ('[[grid.nodes]]\nname = "a"\n[[grid.nodes]]\nname = "a"', "grid.nodes"),
        ("home = 3", "home"),
        ("server = 3", "server"),
        ("not toml", ""),
    ],
)
def test_a_bad_file_is_refused_with_the_full_name(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}"):
        Settings.load(_write(tmp_path, text))


@pytest.mark.parametrize("variable", ["DEPLOYR_SERVER_WROKERS", "DEPLOYR_WORKERS", "DEPLOYR_GRID_NODES"])
def test_a_bad_variable_is_refused_with_its_name(variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.load(environ={variable: "[1]"})


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        Settings.load(tmp_path / "none.toml")


def test_settings_survive_the_way_to_another_process(tmp_path: Path) -> None:
    settings = Settings.load(flags={"home": str(tmp_path), "server.workers": 3})
    assert Settings.from_json(settings.to_json()) == settings


def test_home_is_closed_to_others(tmp_path: Path) -> None:
    settings = Settings.load(flags={"home": tmp_path / "home", "grid.sessions_directory": str(tmp_path / "sessions")})
    settings.prepare_home()
    settings.prepare_home()
    for directory in (settings.home, settings.run_directory, settings.blobs_directory):
        assert directory.stat().st_mode & 0o777 == 0o700
    assert settings.sessions_directory.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_session_users_of_a_server_run_as_root_can_traverse_to_their_directories(tmp_path: Path) -> None:
    sessions = tmp_path / "made" / "sessions"
    settings = Settings.load(flags={"home": tmp_path / "home", "grid.sessions_directory": str(sessions)})
    umask = os.umask(0o077)
    settings.prepare_home()
    os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in (sessions, sessions.parent)] == [0o711, 0o711]


def test_two_homes_have_two_sessions_directories(tmp_path: Path) -> None:
    first, second = (Settings.load(flags={"home": tmp_path / name}).sessions_directory for name in "ab")
    assert first != second


def test_the_secret_key_is_made_once_and_by_one(tmp_path: Path) -> None:
    settings = Settings.load(flags={"home": tmp_path})
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: settings.secret_key(), range(8)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert [(p.name, p.stat().st_mode & 0o777) for p in tmp_path.iterdir()] == [("secret.key", 0o600)]


def test_addresses_are_split() -> None:
    assert split_address("[::1]:8050") == ("::1", 8050)
    assert split_address("localhost:80") == ("localhost", 80)
    for bad in ("8050", ":8050", "host:", "host:x", "host:65536"):
        with pytest.raises(ValueError, match="host:port"):
            split_address(bad)


@pytest.mark.parametrize(
    ("context_url", "address"),
    [
        (None, "127.0.0.1:8050"),
        ("https://r.example/deployr", "r.example:443"),
        ("http://[::1]:8000/deployr", "[::1]:8000"),
    ],
)
def test_a_server_is_known_by_the_base_of_its_urls_else_by_where_it_listens(
    context_url: str | None, address: str
) -> None:
    assert ServerSettings(context_url=context_url).address == address


def test_the_reference_is_current() -> None:
    written = Path(__file__).parent.parent / "docs" / "configuration.md"
    assert written.read_text() == module.document(), "run python -m deployr.settings > docs/configuration.md"

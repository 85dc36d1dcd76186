"""The first start fills the home, later ones leave it alone; exposed servers need passwords of their own."""

from __future__ import annotations

import shutil
from typing import Any

from bench.waiting import free_port
from tests.crash.processes import MakeServer, WholeServer
from tests.server import PASSWORD

NEW_PASSWORD = "Changed1ByItsOwner"


def content(server: WholeServer) -> tuple[str, list[dict[str, Any]]]:
    """Accounts, and the sample repository without what names the address."""
    client = server.login()
    files = client.succeed("/r/repository/file/list")["repository"]["files"]
    client.http.close()
    return server.run("user", "list").stdout, [{**file, "url": None} for file in files]


def test_the_first_start_fills_the_home_and_the_second_changes_nothing(new_server: MakeServer) -> None:
    server = new_server()
    shutil.rmtree(server.settings.library_directory)
    server.start()
    users, files = content(server)
    assert (server.settings.library_directory / "deployrUtils" / "DESCRIPTION").is_file()
    assert {line.split()[0] for line in users.splitlines()[1:]} >= {"admin", "testuser"}
    assert {"DeployR - Hello World.R", "hipStar.dat", "rtScore.R"} <= {file["filename"] for file in files}
    assert server.stop() == 0
    server.start()
    assert content(server) == (users, files)


def test_other_machines_are_let_in_once_the_default_passwords_are_changed(new_server: MakeServer) -> None:
    server = new_server(SERVER_BIND=f"0.0.0.0:{free_port()}")
    refused = server.run("serve")
    assert refused.returncode == 1
    names = [name for name in ("admin", "testuser") if name in refused.stderr]
    assert "testuser" in names
    for name in names:
        assert f"deployr user passwd {name}" in refused.stderr
        assert server.run("user", "passwd", name, "--password-stdin", text=NEW_PASSWORD).returncode == 0
    server.start()
    server.client().fail("/r/user/login", username="testuser", password=PASSWORD, error_code=940)
    assert server.login(password=NEW_PASSWORD).logout()["success"]

"""An account that is disabled, or gets another password: what its logins on both APIs held on the grid ends."""

from __future__ import annotations

import httpx

from tests.crash.processes import LiveProject, WholeServer, is_alive
from tests.server import Client
from tests.waiting import wait_until

PASSWORD = "Sesame42"


class Login:
    """A user of the running server, logged in on both APIs, with a project and a session."""

    def __init__(self, server: WholeServer, username: str) -> None:
        assert (
            server.run(
                "user", "add", username, "--role", "POWER_USER", "--password-stdin", text=f"{PASSWORD}\n"
            ).returncode
            == 0
        )
        self.username = username
        self.legacy: Client = server.login(username, PASSWORD)
        self.project = LiveProject(self.legacy)
        root = server.url.removesuffix("/deployr")
        login = httpx.post(f"{root}/login", json={"username": username, "password": PASSWORD}).json()
        bearer = {"Authorization": f"Bearer {login['access_token']}"}
        self.api = httpx.Client(base_url=root, headers=bearer, timeout=60)
        self.session = self.api.post("/sessions", json={}).raise_for_status().json()["sessionId"]
        self.session_pid = int(self.run("cat(Sys.getpid())"))

    def run(self, code: str) -> str:
        """Console text of code in the session."""
        reply = self.api.post(f"/sessions/{self.session}/execute", json={"code": code}).raise_for_status()
        return str(reply.json()["consoleOutput"])

    def is_refused(self) -> bool:
        """Neither login is worth anything."""
        assert self.project.failure() == 401
        return self.api.get("/sessions").status_code == 401


def test_what_a_disabled_user_has_on_the_grid_ends(whole_server: WholeServer) -> None:
    login = Login(whole_server, "disabled1")
    assert whole_server.run("user", "disable", login.username).returncode == 0
    assert login.is_refused()
    wait_until(lambda: not is_alive(login.project.pid) and not is_alive(login.session_pid))


def test_a_new_password_ends_logins_and_leaves_what_is_private_to_the_user(whole_server: WholeServer) -> None:
    login = Login(whole_server, "renewed1")
    assert whole_server.run("user", "passwd", login.username, "--password-stdin", text="Sesame43\n").returncode == 0
    assert login.is_refused()
    wait_until(lambda: not is_alive(login.project.pid))
    assert is_alive(login.session_pid)

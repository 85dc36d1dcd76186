"""Scripts of the repository, published as services."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.v9.conftest import Api, InProcess
from tests.server import PASSWORD, Client, Server


@pytest.fixture
def repository(server: Server) -> Client:
    """A client of the legacy API, the power user's."""
    return server.login()


@pytest.fixture
def service(api: Api) -> Iterator[str]:
    """Path of a service to publish."""
    path = f"/services/{uuid.uuid4()}/1"
    yield path
    api.http.delete(path)


def _write(repository: Client, filename: str, text: str, **params: Any) -> str:
    """Write a script; its address."""
    name = f"{uuid.uuid4()}{filename}"
    repository.succeed("/r/repository/file/write", filename=name, text=text, **params)
    return f"testuser/root/{name}"


def _published(api: Api, path: str) -> tuple[str, str]:
    (service,) = api.expect(200, "GET", path)
    return service["runtimeType"], service["code"]


@pytest.mark.parametrize(("filename", "runtime"), [("s.R", "R"), ("s.py", "Python")])
def test_a_script_is_published_in_its_language(
    api: Api, repository: Client, service: str, filename: str, runtime: str
) -> None:
    api.expect(201, "POST", service, json={"repositoryScript": _write(repository, filename, "y = 1")})
    assert _published(api, service) == (runtime, "y = 1")


def test_a_service_keeps_the_code_until_it_is_changed(api: Api, repository: Client, service: str) -> None:
    script = _write(repository, "s.R", "y <- 1")
    api.expect(201, "POST", service, json={"repositoryScript": f"/{script}"})
    repository.succeed("/r/repository/file/write", filename=script.rpartition("/")[2], text="y <- 2", newversion=True)
    assert _published(api, service) == ("R", "y <- 1")
    api.expect(200, "PATCH", service, json={"repositoryScript": script})
    assert _published(api, service) == ("R", "y <- 2")


def test_a_version_of_a_script_can_be_named(api: Api, repository: Client, service: str) -> None:
    script = _write(repository, "s.R", "y <- 1")
    filename = script.rpartition("/")[2]
    repository.succeed("/r/repository/file/write", filename=filename, text="y <- 2", newversion=True)
    files = repository.succeed("/r/repository/file/list", filename=filename)["repository"]["files"]
    former = files[1]["version"]
    api.expect(201, "POST", service, json={"repositoryScript": f"{script}/{former}"})
    assert _published(api, service) == ("R", "y <- 1")


def test_what_is_no_script_for_the_publisher_is_refused(api: Api, owner: Api, repository: Client, service: str) -> None:
    private = _write(repository, "s.R", "1")
    for script in ("s.R", "a/b/c/d/e", "testuser/root/", "testuser/root/unknown.R"):
        error = api.expect(400, "POST", service, json={"repositoryScript": script})
        assert "repositoryScript" in error["message"]
    owner.expect(400, "POST", service, json={"repositoryScript": private})
    api.expect(400, "POST", service, json={"repositoryScript": private, "code": "1"})
    api.expect(400, "POST", service, json={"repositoryScript": private, "runtimeType": "Python"})


async def test_a_script_whose_code_is_hidden_is_not_published(root: InProcess) -> None:
    async with root(repository__script_author_only_download=True) as client:
        login = {"username": "testuser", "password": PASSWORD, "format": "json"}
        (await client.post("/deployr/r/user/login", data=login)).raise_for_status()
        script = {"filename": "s.R", "text": "1", "published": True, "format": "json"}
        assert (await client.post("/deployr/r/repository/file/write", data=script)).status_code == 200
        tokens = (await client.post("/login", json={"username": "admin", "password": PASSWORD})).json()
        response = await client.post(
            "/services/s/1",
            json={"repositoryScript": "testuser/root/s.R"},
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        assert response.status_code == 403, response.text

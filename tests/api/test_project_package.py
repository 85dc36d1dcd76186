"""``/r/project/package/*``."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import Client, Server

KEYS = {"name", "version", "descr", "repo", "attached", "status"}
CALLS = ("list", "attach", "detach")


@pytest.fixture
def project(testuser: Client) -> str:
    return testuser.project()


@pytest.fixture(scope="module")
def repository() -> Iterator[str]:
    """URL of a repository with one package, where sessions with user ids of their own can read it."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _make_repository(root)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        yield root.as_uri()


def _make_repository(root: Path) -> None:
    source, packages = root / "tinyone", root / "src" / "contrib"
    for path in (source, packages):
        path.mkdir(parents=True)
    (source / "DESCRIPTION").write_text(
        "Package: tinyone\nVersion: 0.1\nTitle: Tiny\nDescription: Tiny.\nAuthor: A\n"
        "Maintainer: A <a@b.c>\nLicense: MIT\n"
    )
    (source / "NAMESPACE").write_text("")
    for command in (
        ["R", "CMD", "build", str(source)],
        ["Rscript", "-e", "tools::write_PACKAGES('.', type = 'source')"],
    ):
        subprocess.run(command, cwd=packages, check=True, capture_output=True)


def call(client: Client, what: str, project: str, **sent: str) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = client.succeed(f"/r/project/package/{what}", project=project, **sent)["packages"]
    assert all(set(package) == KEYS for package in packages)
    return packages


def attached(client: Client, project: str) -> set[str]:
    return {package["name"] for package in call(client, "list", project, installed="false")}


def test_list_tells_what_is_installed(testuser: Client, project: str) -> None:
    packages = {package["name"]: package for package in call(testuser, "list", project)}
    assert {package["status"] for package in packages.values()} == {"ok"}
    assert packages["stats"]["attached"] is True
    splines = packages["splines"]
    assert (splines["attached"], splines["version"], splines["descr"]) == (
        False, packages["base"]["version"], "Regression Spline Functions and Classes",
    )  # fmt: skip


def test_list_tells_what_is_attached(testuser: Client, project: str) -> None:
    assert {"base", "stats", "methods"} <= attached(testuser, project)
    assert "splines" not in attached(testuser, project)
    testuser.execute(project, "library(splines)")
    assert "splines" in attached(testuser, project)


def test_packages_are_attached_and_detached(testuser: Client, project: str) -> None:
    packages = call(testuser, "attach", project, name="splines,tools")
    assert [(package["name"], package["status"], package["attached"]) for package in packages] == [
        ("splines", "success", True), ("tools", "success", True),
    ]  # fmt: skip
    testuser.execute(project, "stopifnot(is.function(bs), is.function(toTitleCase))")
    [splines] = call(testuser, "detach", project, name="splines")
    assert (splines["name"], splines["status"], splines["attached"]) == ("splines", "success", False)
    assert {"splines", "tools"} & attached(testuser, project) == {"tools"}
    call(testuser, "detach", project, name="splines,tools")
    assert not {"splines", "tools"} & attached(testuser, project)


def test_the_calls_leave_no_trace_in_the_project(testuser: Client, project: str) -> None:
    call(testuser, "list", project)
    call(testuser, "attach", project, name="splines")
    testuser.fail("/r/project/package/attach", project=project, name="nosuchpackage")
    testuser.execute(project, "n <- ls(all.names = TRUE)", phantom="true")
    [names] = testuser.succeed("/r/project/workspace/get", project=project, name="n")["workspace"]["objects"]
    assert names.get("value") in ([], None)
    assert testuser.succeed("/r/project/execute/history", project=project)["execution"]["history"] == []


def test_an_installed_package_does_not_need_its_repository(testuser: Client, project: str) -> None:
    [splines] = call(testuser, "attach", project, name="splines", repo="http://127.0.0.1:9/nowhere")
    assert splines["attached"] is True


def test_a_missing_package_is_installed_from_the_repository(testuser: Client, project: str, repository: str) -> None:
    assert "tinyone" in testuser.fail("/r/project/package/attach", project=project, name="tinyone")["error"]
    [tiny] = call(testuser, "attach", project, name="tinyone", repo=repository)
    assert (tiny["version"], tiny["attached"]) == ("0.1", True)


def test_who_may_not_install_attaches_what_is_there(server: Server, repository: str) -> None:
    basic = server.login("basic", "Password1")
    project = basic.project()
    call(basic, "attach", project, name="splines", repo=repository)
    basic.fail("/r/project/package/attach", status=403, project=project, name="tinyone", repo=repository)
    basic.logout()


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("attach", "nosuchpackage"),
        ("attach", "splines,nosuchpackage"),
        ("detach", "nosuchpackage"),
        ("detach", "splines"),
    ],
)
def test_what_is_missing_is_an_error_and_nothing_changes(
    testuser: Client, project: str, name: str, package: str
) -> None:
    error = testuser.fail(f"/r/project/package/{name}", project=project, name=package)["error"]
    assert package.split(",")[-1] in error
    assert "splines" not in attached(testuser, project)


def test_the_workspace_does_not_get_in_the_way(testuser: Client, project: str) -> None:
    testuser.execute(project, "search <- library <- get <- assign <- function(...) stop('mine')")
    [splines] = call(testuser, "attach", project, name="splines")
    assert splines["attached"] is True


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_are_for_authors_and_no_blackboxes(testuser: Client, server: Server, name: str) -> None:
    project, blackbox = testuser.project(), testuser.project(blackbox="true")
    other = server.login("basic", "Password1")
    for client, target in ((other, project), (testuser, blackbox), (testuser, "PROJECT-none")):
        client.fail(f"/r/project/package/{name}", status=403, project=target, name="splines")
    testuser.fail(f"/r/project/package/{name}", status=400)
    server.client().fail(f"/r/project/package/{name}", status=401)
    other.logout()


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_answer_in_xml(testuser: Client, project: str, name: str) -> None:
    testuser.execute(project, "library(splines)")
    reply = testuser.post(f"/r/project/package/{name}", project=project, name="splines", format="xml").text
    assert "<success>true</success>" in reply
    assert "<name>splines</name>" in reply

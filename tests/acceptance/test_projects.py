"""Projects in the order in which the Java suite calls (client-wire-facts 16, projects; 7x-facts 23).

More of each call: ``tests/api/test_project*.py``; whole lives of projects: ``tests/scenarios``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import JavaClient
from tests.waiting import wait_until


@pytest.fixture
def named(user: JavaClient, unique: str) -> Iterator[str]:
    """A persistent project, which goes with the test."""
    project = user.project(projectname=unique, projectdescr="what it is")
    yield project
    user.send("/r/project/delete", {"project": project})


def listed(client: JavaClient) -> set[str]:
    """Ids of the caller's projects."""
    return {
        project["project"] for project in client.ask("/r/project/list", isordered="false", ispublic="false")["projects"]
    }


def test_a_new_temporary_project_is_empty(either: JavaClient) -> None:
    project = either.project()
    assert (either.directory(project), either.objects(project), either.history(project)) == ([], [], [])
    about = either.ask("/r/project/about", project=project)["project"]
    assert (about["name"], about["descr"], about["longdescr"], about["live"]) == (None, None, None, True)
    assert project.startswith("PROJECT")


def test_temporary_projects_are_gone_after_logout(login: Login) -> None:
    client, other = login(), login()
    projects = {client.project() for _ in range(3)}
    assert projects <= listed(other)
    client.ask("/r/user/logout", usercookie=None)
    wait_until(lambda: not projects & listed(other))


def test_a_pool_of_three_lives_beside_other_projects(either: JavaClient) -> None:
    others = {either.project(), either.project()}
    options = {"preloadbydirectory": "tutorial-rbroker", "cluster": None, "blackbox": "false", "poolsize": "3"}
    reply = either.ask("/r/project/pool", **options)
    pool = {project["project"] for project in reply["projects"]}
    assert (len(pool), reply.get("error")) == (3, None)
    assert others | pool <= listed(either)
    for project in pool:
        assert len(either.directory(project)) == 3
    for project in pool | others:
        either.close(project)
    assert not (others | pool) & listed(either)


def test_a_saved_project_without_a_name_is_named(user: JavaClient) -> None:
    project = user.project()
    unset = dict.fromkeys(("name", "descr", "longdescr", "projectcookie"))
    saved = user.ask("/r/project/save", project=project, shared="false", **unset)["project"]
    assert saved["name"].startswith("Project: Autosave")
    assert (saved["descr"], saved["longdescr"]) == (None, None)
    user.ask("/r/project/delete", project=project)
    assert project not in listed(user)


@pytest.mark.parametrize("call", ["/r/project/about/update", "/r/project/save"])
def test_descriptions_are_kept_to_the_letter(either: JavaClient, named: str, call: str) -> None:
    texts = {"name": "new name é", "descr": "new descr & <more>", "longdescr": "long descr\nof two lines"}
    either.ask(call, project=named, shared="false", projectcookie="ck", **texts)
    about = either.ask("/r/project/about", project=named)["project"]
    assert {key: about[key] for key in texts} == texts


def test_what_is_dropped_at_save_is_gone(user: JavaClient, named: str) -> None:
    user.execute(named, "x <- 1; cat('text', file = 'a.txt')")
    unset = dict.fromkeys(("name", "descr", "longdescr", "projectcookie"))
    drops = dict.fromkeys(("dropworkspace", "dropdirectory", "drophistory"), "true")
    user.ask("/r/project/save", project=named, shared="false", **unset, **drops)
    user.close(named, disableautosave="true")
    assert (user.history(named), user.directory(named), user.objects(named)) == ([], [], [])


def test_a_phantom_execution_leaves_the_history_as_it_is(either: JavaClient, named: str) -> None:
    either.execute(named, "x <- 1")
    before = either.history(named)
    either.execute(named, "x <- 2", phantom="true")
    assert either.history(named) == before


def test_a_persistent_project_is_read_after_its_close(user: JavaClient, named: str) -> None:
    user.execute(named, "x <- 1; plot(x)", tag="tagged")
    user.close(named)
    about = user.ask("/r/project/about", project=named)["project"]
    assert (about["live"], about["descr"]) == (False, "what it is")
    [execution] = user.history(named)
    assert (execution["tag"], execution["code"], execution["success"]) == ("tagged", "x <- 1; plot(x)", True)
    assert user.ask("/r/project/execute/console", project=named)["execution"]["console"]
    assert len(user.ask("/r/project/execute/result/list", project=named, execution=None)["execution"]["results"]) == 1
    assert user.ask("/r/project/ping", project=named)["project"]["live"] is False


def test_a_closed_project_is_adopted(user: JavaClient, named: str) -> None:
    user.execute(named, "x <- 10; library(splines); cat('text', file = 'a.txt')")
    user.close(named)
    adopted = user.project(adoptworkspace=named, adoptdirectory=named, adoptpackages=named)
    assert [entry["name"] for entry in user.objects(adopted)] == ["x"]
    assert [file["filename"] for file in user.directory(adopted)] == ["a.txt"]
    packages = user.ask("/r/project/package/list", project=adopted, installed="false")["packages"]
    assert {"splines"} <= {package["name"] for package in packages if package["status"] == "ok"}


def test_an_export_is_imported_with_its_history(user: JavaClient, named: str) -> None:
    user.execute(named, "x <- 1")
    user.execute(named, "y <- 2; plot(y)")
    session = user.http.cookies["JSESSIONID"]
    archive = user.http.get(f"/r/project/export/{named};jsessionid={session}?project={named}").content
    assert archive.startswith(b"PK")
    imported = user.upload("/r/project/import", archive, descr="imported")["project"]
    name = user.ask("/r/project/about", project=named)["project"]["name"]
    assert (imported["name"], imported["descr"]) == (f"{name} (Import)", "imported")
    codes = [execution["code"] for execution in user.history(imported["project"])]
    assert codes == [execution["code"] for execution in user.history(named)] == ["x <- 1", "y <- 2; plot(y)"]
    user.ask("/r/project/delete", project=imported["project"])


@pytest.mark.parametrize(("preserved", "left"), [("preserveworkspace", (1, 0)), ("preservedirectory", (0, 1))])
def test_a_recycled_project_keeps_what_is_preserved(user: JavaClient, preserved: str, left: tuple[int, int]) -> None:
    project = user.project()
    user.execute(project, "x <- 1; cat('text', file = 'a.txt')")
    options = {"preserveworkspace": "false", "preservedirectory": "false", preserved: "true"}
    user.ask("/r/project/recycle", project=project, **options)
    assert (len(user.objects(project)), len(user.directory(project))) == left
    user.ask("/r/project/recycle", project=project)
    assert (user.objects(project), user.directory(project)) == ([], [])


def test_a_copy_saved_under_another_name_is_another_project(user: JavaClient, named: str) -> None:
    user.execute(named, "x <- 1")
    copy = user.ask("/r/project/saveas", project=named, name="a copy")["project"]
    assert (copy["project"] != named, copy["name"]) == (True, "a copy")
    assert {named, copy["project"]} <= listed(user)
    user.ask("/r/project/delete", project=copy["project"])

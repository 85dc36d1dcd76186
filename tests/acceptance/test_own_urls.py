"""The server's own URLs as sources, as clients spell them (client-wire-facts 1, 3 and 16, network; 7x-facts 2.7, 23).

More spellings, rights, and redirects: ``tests/api/test_transfers.py``, ``tests/api/test_execution_model.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.java import EXECUTION, JOB, JavaClient, Params, ended
from tests.server import Server

CODE = "x <- 42\nplot(x)\n"
Spelling = Callable[[dict[str, Any], str, str], str]
"""Makes a URL of a file's record, the session id, and the server's address."""


def in_query(file: dict[str, Any], session: str, base: str) -> str:
    query = f"filename={file['filename']}&directory={file['directory']}&author=testuser"
    return f"{base}/r/repository/file/download?{query}".replace(" ", "%20")


SPELLINGS: dict[str, Spelling] = {
    "as given": lambda file, session, base: str(file["url"]),
    "session after the url": lambda file, session, base: f"{file['url']};jsessionid={session}",
    "query": in_query,
    "session after the query": lambda file, session, base: f"{in_query(file, session, base)};jsessionid={session}",
    "session before the query": lambda file, session, base: in_query(file, session, base).replace(
        "?", f";jsessionid={session}?"
    ),
}


@pytest.fixture(params=SPELLINGS)
def url(request: pytest.FixtureRequest, user: JavaClient, directory: str, suite_server: Server) -> str:
    """URL of a script of the repository."""
    given = {"filename": "my script.R", "directory": directory, "text": CODE, "newversion": "false"}
    file = user.ask("/r/repository/file/write", **given)["repository"]["file"]
    return SPELLINGS[request.param](file, user.http.cookies["JSESSIONID"], suite_server.url)


def test_it_is_an_external_source_of_executions_and_jobs(user: JavaClient, url: str) -> None:
    script: Params = dict.fromkeys(("filename", "directory", "author", "version"))
    options: Params = {**EXECUTION, **script, "robjects": "x", "externalsource": url}
    for reply in (
        user.ask("/r/project/execute/script", project=user.project(), **options),
        user.ask("/r/repository/script/execute", **options, blackbox="false", recycle="false", cluster=None),
    ):
        assert [entry["value"] for entry in reply["workspace"]["objects"]] == [42.0]
        assert len(reply["execution"]["results"]) == 1
    job = user.ask("/r/job/submit", name="n", descr="d", **{**JOB, "externalsource": url, "storenoproject": "true"})
    assert ended(user, job["job"]["job"])["status"] == "Completed"


def test_it_is_transferred_to_projects_and_to_the_repository(user: JavaClient, url: str, directory: str) -> None:
    project = user.project()
    given = {"filename": "got.R", "descr": "d", "overwrite": "true", "url": url}
    assert user.ask("/r/project/directory/transfer", project=project, **given)["directory"]["file"]["length"] == len(
        CODE
    )
    options = {"filename": "copy.R", "directory": directory, "newversion": "false", "published": "false"}
    copy = user.ask("/r/repository/file/transfer", url=url, **options)["repository"]["file"]
    assert (copy["filename"], copy["length"]) == ("copy.R", len(CODE))


@pytest.mark.parametrize("spelling", ["{url}", "{url};jsessionid={session}"])
def test_files_of_projects_are_transferred_between_projects(user: JavaClient, spelling: str) -> None:
    source, target = user.project(), user.project()
    user.execute(source, "x <- 42; y <- 'text'; save(x, y, file = 'x y.rData'); cat('text', file = 'a.txt'); plot(1)")
    files = {file["filename"]: file for file in user.directory(source)}
    [plot] = user.ask("/r/project/execute/result/list", project=source, execution=None)["execution"]["results"]

    def url(file: dict[str, Any]) -> str:
        return spelling.format(url=file["url"], session=user.http.cookies["JSESSIONID"])

    user.ask("/r/project/workspace/transfer", project=target, name="label", url=url(files["x y.rData"]))
    assert [entry["name"] for entry in user.objects(target)] == ["x", "y"]
    for name, file in (("a.txt", files["a.txt"]), ("plot.png", plot)):
        user.ask("/r/project/directory/transfer", project=target, filename=name, url=url(file), overwrite="false")
    assert {file["filename"]: file["length"] for file in user.directory(target)} == {
        "a.txt": 4, "plot.png": plot["length"],
    }  # fmt: skip


def test_a_path_in_a_working_directory_is_an_external_source(user: JavaClient) -> None:
    project = user.project()
    found = user.execute(project, "cat('x <- 42', file = 'a.R'); p <- normalizePath('a.R')", robjects="p")
    script: Params = dict.fromkeys(("filename", "directory", "author", "version"))
    options: Params = {**script, "robjects": "x", "externalsource": found["workspace"]["objects"][0]["value"]}
    reply = user.ask("/r/project/execute/script", project=project, **{**EXECUTION, **options})
    assert [entry["value"] for entry in reply["workspace"]["objects"]] == [42.0]


def test_urls_of_results_are_opened_with_the_session_in_the_path_alone(user: JavaClient, suite_server: Server) -> None:
    user_session = user.http.cookies["JSESSIONID"]
    reply = user.execute(user.project(), "plot(1); cat('text', file = 'a b.txt')")["execution"]
    stranger = JavaClient(suite_server.url)
    for file in (*reply["results"], *reply["artifacts"]):
        assert stranger.http.get(f"{file['url']};jsessionid={user_session}").status_code == 200
        stranger.http.cookies.clear()
        assert stranger.http.get(file["url"]).status_code in (401, 403)

"""The standard execution model: the same parameters on all calls that run code (7x-facts 7 and 23)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.server import BASIC_USER, Client, Server, record_of

CODE = "/r/project/execute/code"
SCRIPT = "/r/project/execute/script"
EXECUTE = "/r/repository/script/execute"
CREATE = "/r/project/create"
CALLS = (CODE, SCRIPT, EXECUTE)
HELLO: dict[str, Any] = {
    "filename": "DeployR - Hello World",
    "author": "testuser",
    "csvinputs": "input_randomNum,3",
}

MakeFile = Callable[..., str]
Run = Callable[..., httpx.Response]


@pytest.fixture
def make(testuser: Client) -> Iterator[MakeFile]:
    """Makes files of testuser's repository, that go with the test; returns the name."""
    made = []

    def write(filename: str, content: bytes | str, **params: str) -> str:
        testuser.succeed("/r/repository/file/upload", filename=filename, files={"file": content}, **params)
        made.append(filename)
        return filename

    yield write
    for filename in made:
        testuser.post("/r/repository/file/delete", filename=filename)


@pytest.fixture
def rdata(testuser: Client) -> bytes:
    """An rData file with the objects ``a`` = 1 and ``b`` = 2."""
    project = testuser.project()
    testuser.execute(project, "a <- 1; b <- 2; save(a, b, file = 'ab.rData')")
    content = testuser.http.get(f"/r/project/directory/download/{project}/ab.rData").content
    testuser.succeed("/r/project/close", project=project)
    return content


@pytest.fixture
def run(testuser: Client, make: MakeFile) -> Run:
    """Runs code by a call, in a new project or none."""

    def run(call: str, code: str, **params: str) -> httpx.Response:
        if call != CODE:
            make("model.R", code)
            params |= {"filename": "model", "author": "testuser"}
        if call != EXECUTE:
            params |= {"project": testuser.project()}
        return testuser.post(call, **({"code": code} if call == CODE else {}), **params)

    return run


def values(response: httpx.Response) -> dict[str, Any]:
    """Values of the objects of a reply that is a success."""
    record = record_of(response)
    assert record["success"], record
    return {entry["name"]: entry.get("value") for entry in record["workspace"]["objects"]}


def listed(client: Client, project: str) -> list[str]:
    """Names of the files of a working directory."""
    files = client.succeed("/r/project/directory/list", project=project)["directory"]["files"]
    return [file["filename"] for file in files]


# -- before -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
def test_files_and_objects_are_there_before_the_code(run: Run, make: MakeFile, rdata: bytes, call: str) -> None:
    make("first.csv", "1")
    make("second.csv", "2")
    make("ab.rData", rdata)
    code = "x <- paste0(readLines('first.csv'), readLines('second.csv'), a, b, c)"
    sent = {"preloadfilename": "first.csv,second.csv", "preloadfileauthor": ",testuser", "preloadfiledirectory": ""}
    objects = {"preloadobjectname": "ab.rData", "preloadobjectauthor": "testuser", "csvinputs": "c,5"}
    response = run(call, code, robjects="x", **sent, **objects)
    assert values(response) == {"x": "12125"}
    assert record_of(response)["execution"]["artifacts"] == []


def test_inputs_win_over_preloaded_objects(run: Run, make: MakeFile, rdata: bytes) -> None:
    make("ab.rData", rdata)
    response = run(CODE, "x <- a + b", robjects="x", preloadobjectname="ab.rData", csvinputs="a,10")
    assert values(response) == {"x": 12.0}


def test_whole_directories_are_preloaded(testuser: Client) -> None:
    project = testuser.project(preloadbydirectory="example-data-io,example-fraud-score")
    assert listed(testuser, project) == [
        "ccFraudScore.R",
        "dataIO.R",
        "fraudModel.rData",
        "hipStar.dat",
        "hipStar.rData",
    ]


def test_the_list_of_directories_of_fluent_r_is_empty(run: Run) -> None:
    assert values(run(CODE, "x <- length(dir())", robjects="x", preloadbydirectory="[]")) == {"x": 0}


def test_a_version_may_be_preloaded(run: Run, make: MakeFile, testuser: Client) -> None:
    make("versions.csv", "old")
    make("versions.csv", "new", newversion="true")
    listing = testuser.succeed("/r/repository/file/list", filename="versions.csv")["repository"]["files"]
    sent: dict[str, Any] = {"preloadfilename": "versions.csv", "preloadfileversion": listing[1]["version"]}
    assert values(run(CODE, "x <- readLines('versions.csv', warn = FALSE)", robjects="x", **sent)) == {"x": "old"}


@pytest.mark.parametrize(
    "bad",
    [
        {"preloadfilename": "no such file.csv"},
        {"preloadfilename": "ccFraudScore.R", "preloadfiledirectory": "no such directory"},
        {"preloadobjectname": "no such file.rData"},
        {"preloadobjectname": "DeployR - Hello World.R"},
        {"preloadbydirectory": "root,no such directory"},
        {"storefile": "a.txt", "storedirectory": "no such directory"},
        {"storefile": "../a.txt"},
        {"storefile": "a.sh"},
    ],
)
@pytest.mark.parametrize("call", CALLS)
def test_what_cannot_be_done_fails_before_any_code_runs(run: Run, testuser: Client, call: str, bad: Any) -> None:
    response = run(call, "cat('ran', file = 'ran.txt')", **bad)
    assert response.status_code == 200
    record = record_of(response)
    assert (record["success"], record["errorCode"], "execution" in record) == (False, 900, False)
    assert record["error"]
    for project in testuser.succeed("/r/project/list")["projects"]:
        if project["live"]:
            assert "ran.txt" not in listed(testuser, project["project"])


@pytest.mark.parametrize(
    "bad",
    [{"preloadfilename": "none.csv"}, {"preloadobjectname": "DeployR - Hello World.R"}, {"preloadbydirectory": "none"}],
)
def test_a_project_that_cannot_be_preloaded_is_not_made(testuser: Client, bad: Any) -> None:
    before = testuser.projects()
    testuser.fail(CREATE, **bad)
    assert testuser.projects() <= before


def test_files_of_others_are_preloaded_as_far_as_they_may_be_seen(server: Server, make: MakeFile) -> None:
    make("private.csv", "1")
    make("shared.csv", "2", shared="true")
    make("published.csv", "3", published="true")
    admin, anonymous = server.login("admin"), server.client()

    def preloads(client: Client, filename: str) -> bool:
        sent: dict[str, Any] = {"preloadfilename": filename, "preloadfileauthor": "testuser", **HELLO}
        return bool(record_of(client.post(EXECUTE, **sent))["success"])

    names = ("private.csv", "shared.csv", "published.csv")
    assert [preloads(admin, name) for name in names] == [False, True, True]
    assert [preloads(anonymous, name) for name in names] == [False, False, True]


def test_black_listed_files_are_preloaded_by_administrators_only(server: Server, testuser: Client) -> None:
    admin = server.login("admin")
    admin.succeed("/r/repository/file/upload", filename="tool.sh", shared="true", files={"file": "echo"})
    sent: dict[str, Any] = {"preloadfilename": "tool.sh", "preloadfileauthor": "admin"}
    assert listed(admin, admin.project(**sent)) == ["tool.sh"]
    assert "not allowed" in testuser.fail(CREATE, **sent)["error"]
    admin.succeed("/r/repository/file/delete", filename="tool.sh")
    admin.logout()


# -- adoption ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["live", "closed"])
def source(request: pytest.FixtureRequest, testuser: Client) -> Iterator[str]:
    """A project with an object, a file and an attached package."""
    project = testuser.project(projectname="Source")
    testuser.execute(project, "hidden <- 5; .dot <- 1; library(splines); cat('text', file = 'file.txt')")
    if request.param == "closed":
        testuser.succeed("/r/project/close", project=project)
    yield project
    testuser.succeed("/r/project/delete", project=project)


@pytest.mark.parametrize("call", CALLS)
def test_objects_files_and_packages_of_other_projects_are_adopted(run: Run, source: str, call: str) -> None:
    sent: dict[str, Any] = {f"adopt{part}": source for part in ("workspace", "directory", "packages")}
    code = "x <- list(hidden, .dot, readLines('file.txt', warn = FALSE), 'package:splines' %in% search())"
    response = run(call, code, robjects="x", **sent)
    assert [entry["value"] for entry in values(response)["x"]] == [5.0, 1.0, "text", True]
    assert record_of(response)["execution"]["artifacts"] == []


@pytest.mark.parametrize("source", ["closed"], indirect=True)
def test_adoption_does_not_make_a_project_live(testuser: Client, source: str) -> None:
    testuser.project(**{f"adopt{part}": source for part in ("workspace", "directory", "packages")})
    assert testuser.succeed("/r/project/ping", project=source)["project"]["live"] is False


def test_each_part_is_adopted_by_itself(testuser: Client, source: str) -> None:
    by_directory = testuser.project(adoptdirectory=source)
    assert listed(testuser, by_directory) == ["file.txt"]
    assert testuser.succeed("/r/project/workspace/list", project=by_directory)["workspace"]["objects"] == []
    by_workspace = testuser.project(adoptworkspace=source)
    assert listed(testuser, by_workspace) == []
    assert testuser.execute(by_workspace, "x <- hidden", robjects="x")["workspace"]["objects"]


def test_projects_of_a_pool_adopt_one_after_the_other(testuser: Client, source: str) -> None:
    sent = {f"adopt{part}": source for part in ("workspace", "directory", "packages")}
    pool = testuser.succeed("/r/project/pool", poolsize="4", **sent)["projects"]
    assert [listed(testuser, project["project"]) for project in pool] == [["file.txt"]] * 4


def test_a_project_may_name_itself(testuser: Client) -> None:
    project = testuser.project()
    testuser.execute(project, "x <- 1; cat('a', file = 'a.txt')")
    sent: dict[str, Any] = {f"adopt{part}": project for part in ("workspace", "directory", "packages")}
    assert testuser.execute(project, "x", robjects="x", **sent)["workspace"]["objects"][0]["value"] == 1.0


@pytest.mark.parametrize("part", ["workspace", "directory", "packages"])
def test_only_projects_that_the_caller_may_read_are_adopted(
    server: Server, testuser: Client, source: str, part: str
) -> None:
    admin = server.login("admin")
    adopt: dict[str, Any] = {f"adopt{part}": source}
    admin.fail(CREATE, status=403, **adopt)
    testuser.succeed("/r/project/about/update", project=source, shared="true")
    admin.succeed(CREATE, **adopt)
    adopt[f"adopt{part}"] = "PROJECT-of-nobody"
    admin.fail(CREATE, status=403, **adopt)
    admin.logout()


def test_an_anonymous_blackbox_ignores_adoptions(anonymous: Client) -> None:
    anonymous.succeed(EXECUTE, blackbox="true", adoptworkspace="PROJECT-bad", **HELLO)
    anonymous.fail(EXECUTE, status=401, adoptworkspace="PROJECT-bad", **HELLO)


# -- after ------------------------------------------------------------------------------------------------


@pytest.fixture
def tidy(testuser: Client) -> Iterator[None]:
    """Removes what tests store in the root directory."""
    yield
    for filename in ("out.txt", "x.rData", "y.rData", "all.rData"):
        testuser.post("/r/repository/file/delete", filename=filename)


STORE = {"storefile": "out.txt", "storeobject": "x,y", "storeworkspace": "all"}


@pytest.mark.parametrize("call", CALLS)
def test_files_objects_and_the_workspace_are_stored(run: Run, testuser: Client, tidy: None, call: str) -> None:
    response = run(call, "x <- 1; y <- 2; z <- 3; cat('text', file = 'out.txt')", **STORE)
    stored = record_of(response)["repository"]["files"]
    assert [file["filename"] for file in stored] == ["out.txt", "x.rData", "y.rData", "all.rData"]
    assert {(file["directory"], file["author"], file["access"]) for file in stored} == {("root", "testuser", "Private")}
    assert testuser.http.get(stored[0]["url"]).content == b"text"
    loaded = run(CODE, "n <- ls()", robjects="n", preloadobjectname="x.rData")
    assert values(loaded) == {"n": "x"}
    loaded = run(CODE, "n <- x + y + z", robjects="n", preloadobjectname="all.rData")
    assert values(loaded) == {"n": 6.0}


def test_stored_files_are_published_and_versioned_when_asked(run: Run, testuser: Client, tidy: None) -> None:
    for text, params in (("1", {}), ("2", {}), ("3", {"storenewversion": "true", "storepublic": "true"})):
        response = run(CODE, f"cat({text}, file = 'out.txt')", storefile="out.txt", **params)
        [stored] = record_of(response)["repository"]["files"]
    assert (stored["published"], stored["access"]) == (True, "Public")
    versions = testuser.succeed("/r/repository/file/list", filename="out.txt")["repository"]["files"]
    assert [testuser.http.get(file["url"]).content for file in versions] == [b"3", b"2"]


def test_files_are_stored_in_a_directory_that_exists(run: Run, testuser: Client) -> None:
    response = run(CODE, "cat(1, file = 'kept.txt')", storefile="kept.txt", storedirectory="tutorial-rbroker")
    assert record_of(response)["repository"]["files"][0]["directory"] == "tutorial-rbroker"
    testuser.succeed("/r/repository/file/delete", filename="kept.txt", directory="tutorial-rbroker")


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_stored_when_the_code_fails(run: Run, testuser: Client, call: str) -> None:
    response = run(call, "x <- 1; y <- 2; cat('text', file = 'out.txt'); stop('broken')", **STORE)
    assert (record_of(response)["error"], record_of(response)["repository"]["files"]) == ("broken", [])
    testuser.fail("/r/repository/file/fetch", filename="out.txt", author="testuser")


@pytest.mark.parametrize("call", CALLS)
def test_what_is_not_there_is_not_stored_nor_anything_else(run: Run, testuser: Client, call: str) -> None:
    response = run(call, "x <- 1; cat('text', file = 'out.txt')", robjects="x", **STORE)
    record = record_of(response)
    assert (record["success"], record["errorCode"], record["repository"]["files"]) == (False, 900, [])
    assert "y" in record["error"]
    assert record["workspace"]["objects"][0]["value"] == 1.0
    testuser.fail("/r/repository/file/fetch", filename="out.txt", author="testuser")


def test_a_basic_user_stores_too(server: Server) -> None:
    basic = server.login(BASIC_USER, "Password1")
    [stored] = basic.succeed(EXECUTE, storeobject="x", **HELLO)["repository"]["files"]
    assert (stored["filename"], stored["author"]) == ("x.rData", BASIC_USER)
    basic.succeed("/r/repository/file/delete", filename="x.rData")
    basic.logout()


def test_artifacts_of_a_stateless_run_stay_readable_after_it_stored(run: Run, testuser: Client, tidy: None) -> None:
    response = run(EXECUTE, "plot(1); cat('text', file = 'out.txt')", storefile="out.txt")
    execution = record_of(response)["execution"]
    assert testuser.http.get(execution["artifacts"][0]["url"]).content == b"text"
    assert testuser.http.get(execution["results"][0]["url"]).content[:4] == b"\x89PNG"


# -- external sources -------------------------------------------------------------------------------------

EXTERNAL = (SCRIPT, EXECUTE)


def external(client: Client, call: str, source: str, **params: Any) -> dict[str, Any]:
    """The reply of a run of code from elsewhere that goes well."""
    if call == SCRIPT:
        params |= {"project": client.project()}
    return client.succeed(call, externalsource=source, **params)


@pytest.mark.parametrize("call", EXTERNAL)
@pytest.mark.parametrize("ending", ["", ";jsessionid=of-nobody", "/;jsessionid=of-nobody"])
def test_own_urls_are_sources_also_without_credentials(
    testuser: Client, make: MakeFile, call: str, ending: str
) -> None:
    make("a b.R", "x <- 5")
    url = testuser.succeed("/r/repository/file/fetch", filename="a b.R", author="testuser")["repository"]["file"]["url"]
    assert external(testuser, call, url + ending, robjects="x")["workspace"]["objects"][0]["value"] == 5.0
    relative = url.partition("://")[2].partition("/")[2]
    assert external(testuser, call, f"/{relative}{ending}", robjects="x")["workspace"]["objects"][0]["value"] == 5.0


@pytest.mark.parametrize("call", EXTERNAL)
def test_files_of_live_projects_are_sources_by_url_and_path(testuser: Client, call: str) -> None:
    project = testuser.project()
    code = "cat('x <- 6', file = 'code.R'); path <- normalizePath('code.R')"
    reply = testuser.execute(project, code, robjects="path")
    places = [reply["execution"]["artifacts"][0]["url"], reply["workspace"]["objects"][0]["value"]]
    for place in places:
        assert external(testuser, call, place, robjects="x")["workspace"]["objects"][0]["value"] == 6.0
    sent = {"project": project, "externalsource": ",".join(places), "robjects": "x"}
    assert testuser.succeed(SCRIPT, **sent)["execution"]["code"] == "x <- 6\nx <- 6"


def test_scripts_of_the_repository_come_before_external_sources(testuser: Client, make: MakeFile) -> None:
    make("first.R", "x <- 1")
    make("second.R", "x <- x + 1")
    url = testuser.succeed("/r/repository/file/fetch", filename="second.R", author="testuser")
    sent = {"filename": "first", "robjects": "x"}
    reply = external(testuser, EXECUTE, url["repository"]["file"]["url"], **sent)
    assert reply["workspace"]["objects"][0]["value"] == 2.0


def test_only_power_users_run_external_sources(server: Server, testuser: Client, make: MakeFile) -> None:
    make("open.R", "x <- 1", published="true")
    url = testuser.succeed("/r/repository/file/fetch", filename="open.R", author="testuser")["repository"]["file"][
        "url"
    ]
    server.client().fail(EXECUTE, status=401, externalsource=url)
    basic = server.login(BASIC_USER, "Password1")
    basic.fail(EXECUTE, status=403, externalsource=url)
    basic.fail(SCRIPT, status=403, project=basic.project(), externalsource=url)
    basic.logout()


def test_the_rights_are_the_callers(server: Server, testuser: Client, make: MakeFile) -> None:
    make("mine.R", "x <- 1")
    url = testuser.succeed("/r/repository/file/fetch", filename="mine.R", author="testuser")["repository"]["file"][
        "url"
    ]
    reply = testuser.execute(testuser.project(), "cat('1', file = 'a.R'); p <- normalizePath('a.R')", robjects="p")
    file_url, path = reply["execution"]["artifacts"][0]["url"], reply["workspace"]["objects"][0]["value"]
    admin = server.login("admin")
    admin.fail(EXECUTE, externalsource=url)
    admin.fail(EXECUTE, status=403, externalsource=f"{file_url};jsessionid={testuser.http.cookies['JSESSIONID']}")
    admin.fail(EXECUTE, externalsource=path)
    admin.logout()


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "file:///etc/passwd", "relative.R", "/deployr/r/user/logout", "ftp://a/b"]
)
def test_other_places_are_no_sources(testuser: Client, place: str) -> None:
    testuser.fail(EXECUTE, externalsource=place)
    testuser.succeed("/r/user/about")


def test_private_hosts_are_closed(testuser: Client) -> None:
    testuser.fail(EXECUTE, status=403, externalsource="http://127.0.0.1:1/a.R")


# -- all together -----------------------------------------------------------------------------------------

DEMO = """
demo("graphics")
x <- length(list.files()) + a
png("named.png")
plot(x)
"""
"""Draws the pages of R's demonstration, then a named plot whose device stays open."""


@pytest.fixture
def everything(testuser: Client, make: MakeFile, rdata: bytes) -> Iterator[dict[str, Any]]:
    """All kinds of preloads, adoptions, inputs and stores at once."""
    make("given.txt", "text", published="true")
    make("ab.rData", rdata, published="true")
    source = testuser.project(projectname="Source")
    testuser.execute(source, "adopted <- 1; library(splines); cat('text', file = 'adopted.txt')")
    yield {
        **{f"adopt{part}": source for part in ("workspace", "directory", "packages")},
        **{"preloadfilename": "given.txt", "preloadfileauthor": "testuser"},
        **{"preloadobjectname": "ab.rData", "preloadobjectauthor": "testuser"},
        **{"inputs": '{"i": {"type": "primitive", "value": 5.0}}', "csvinputs": "c,TRUE", "robjects": "x,adopted"},
        **{"storefile": "named.png,given.txt", "storeobject": "x,adopted", "storeworkspace": "all"},
        **{"storedirectory": "root", "storenewversion": "true", "storepublic": "true", "graphicswidth": "500"},
    }
    testuser.succeed("/r/project/delete", project=source)
    for filename in ("named.png", "x.rData", "adopted.rData", "all.rData"):
        testuser.post("/r/repository/file/delete", filename=filename)


@pytest.mark.parametrize("call", CALLS)
def test_everything_at_once(run: Run, everything: dict[str, Any], call: str) -> None:
    directories = {"preloadbydirectory": "example-data-io"}
    record = record_of(run(call, DEMO, **directories, **everything))
    assert record["success"], record["error"]
    execution, files = record["execution"], record["repository"]["files"]
    assert (len(execution["results"]), [file["filename"] for file in execution["artifacts"]]) == (11, ["named.png"])
    # The files of the directory, the preloaded and the adopted one, and `a` = 1.
    assert [entry["value"] for entry in record["workspace"]["objects"]] == [6.0, 1.0]
    assert [file["filename"] for file in files] == [
        "named.png", "given.txt", "x.rData", "adopted.rData", "all.rData",
    ]  # fmt: skip
    assert all(file["published"] for file in files)


def test_everything_at_once_in_an_anonymous_blackbox(
    anonymous: Client, make: MakeFile, everything: dict[str, Any]
) -> None:
    make("demo.R", DEMO, published="true")
    script = {"filename": "demo", "author": "testuser", "blackbox": "true"}
    record = anonymous.succeed(EXECUTE, **script, **everything)
    execution = record["execution"]
    assert (len(execution["results"]), execution["artifacts"], record["repository"]["files"]) == (11, [], [])
    assert execution["console"] is not None
    assert [entry["name"] for entry in record["workspace"]["objects"]] == ["x"]

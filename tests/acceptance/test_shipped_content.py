"""Content that the suites expect on a new server, in both repositories (client-wire-facts 16; 7x-facts 23).

That the scripts do what they say: ``tests/samples/test_scripts.py``.
"""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Login
from tests.acceptance.java import JavaClient, directory_listing, file_listing, names

FRAUD = ["ccFraudScore.R", "fraudModel.rData"]
OWN = "external:root:example-fraud-score"
PUBLIC = "external:public:testuser"
HISTOGRAM = "Histogram of Auto Sales.R"


@pytest.mark.parametrize(
    ("directory", "external"), [("example-fraud-score", "false"), (OWN, "true")], ids=["default", "external"]
)
def test_the_fraud_example_has_exactly_two_files(either: JavaClient, directory: str, external: str) -> None:
    where = {"directory": directory, "external": external}
    files = either.list_files(**where)
    assert names(files) == FRAUD
    assert {(file["directory"], file["author"]) for file in files} == {(directory, "testuser")}
    [listed] = either.list_directories(**where)["user"]
    assert (listed["directory"], names(listed["files"])) == (directory, FRAUD)


@pytest.mark.parametrize(
    ("category", "expected"), [("R", FRAUD[1:]), ("script", FRAUD[:1]), ("plot", []), ("text", [])]
)
@pytest.mark.parametrize(
    ("directory", "external"), [("example-fraud-score", "false"), (OWN, "true")], ids=["default", "external"]
)
def test_a_category_is_all_that_is_listed(
    either: JavaClient, directory: str, external: str, category: str, expected: list[str]
) -> None:
    where = {"directory": directory, "external": external, "categoryFilter": category}
    assert names(either.list_files(**where)) == expected
    [listed] = either.list_directories(**where)["user"]
    assert names(listed["files"]) == expected


def test_categories_are_told_of_the_two_files(either: JavaClient) -> None:
    for where in ({"directory": "example-fraud-score"}, {"directory": OWN, "external": "true"}):
        categories = {file["filename"]: file["category"] for file in either.list_files(**where)}
        assert categories == {"ccFraudScore.R": "script", "fraudModel.rData": "R"}


def test_the_private_external_part_is_the_fraud_example_alone(either: JavaClient) -> None:
    # Own public files are listed with the private ones: all are the caller's (docs/external-repository.md).
    private = [file for file in either.list_files(external="true") if file["access"] == "Private"]
    assert (names(private), {file["directory"] for file in private}) == (FRAUD, {OWN})
    scripts = [script["filename"] for script in either.list_scripts(external="true") if script["access"] == "Private"]
    assert scripts == FRAUD[:1]
    directories = either.list_directories(external="true")["user"]
    assert [entry["directory"] for entry in directories if "root" in entry["directory"]] == ["external:root", OWN]
    assert {str(entry["files"]) for entry in directories} == {"[]"}


def test_everything_of_the_external_repository_has_the_files_of_others_under_public(either: JavaClient) -> None:
    shown = {"userfiles": "true", "shared": "true", "published": "true"}
    found = either.list_directories(external="true", **shown)
    assert {entry["directory"]: names(entry["files"]) for entry in found["system"]} == {
        "Shared": [], "Public": ["echo.bat", "echo.sh"],
    }  # fmt: skip
    assert {entry["directory"]: len(entry["files"]) for entry in found["user"]}.items() >= {OWN: 2}.items()


def test_the_public_external_part_of_testuser_holds_the_histogram(login: Login) -> None:
    for username in ("testuser", "admin"):
        files = login(username).list_files(external="true", directory=PUBLIC)
        assert HISTOGRAM in names(files)
        assert {(file["directory"], file["author"], file["access"]) for file in files} == {
            (PUBLIC, "testuser", "Public")
        }


def test_the_public_external_part_of_testuser_is_listed_by_category(either: JavaClient) -> None:
    where = {"external": "true", "directory": PUBLIC}
    assert HISTOGRAM in names(either.list_files(**where, categoryFilter="script"))
    assert either.list_files(**where, categoryFilter="R") == []


def test_others_see_and_run_the_public_external_histogram(login: Login) -> None:
    admin = login("admin")
    found = [(file["filename"], file["author"]) for file in admin.list_files(external="true", published="true")]
    assert (HISTOGRAM, "testuser") in found
    script = {"filename": HISTOGRAM, "directory": PUBLIC, "author": "testuser", "version": None, "externalsource": None}
    reply = admin.ask("/r/repository/script/execute", **script)
    assert len(reply["execution"]["results"]) == 1


def test_the_public_external_part_of_admin_holds_the_shell_scripts(either: JavaClient) -> None:
    where = {"external": "true", "directory": "external:public:admin"}
    assert names(either.list_files(**where)) == ["echo.bat", "echo.sh"]
    assert names(either.list_files(**where, categoryFilter="shell")) == ["echo.bat", "echo.sh"]
    assert either.list_files(**where, categoryFilter="script") == []


@pytest.mark.parametrize(
    ("directory", "external"),
    [("no such directory", "false"), ("external:root:nothing", "true"), ("external:public:testuser:nothing", "true")],
)
@pytest.mark.parametrize("category", [None, "script"])
def test_a_directory_that_does_not_exist_is_an_error(
    either: JavaClient, directory: str, external: str, category: str | None
) -> None:
    where = {"directory": directory, "external": external, "categoryFilter": category}
    either.refused("/r/repository/file/list", **file_listing(**where))
    either.refused("/r/repository/directory/list", **directory_listing(**where))


def test_the_histogram_is_a_published_script_of_root(either: JavaClient) -> None:
    scripts = {script["filename"]: script for script in either.list_scripts(filename=HISTOGRAM, directory="root")}
    script = scripts[HISTOGRAM]
    assert (script["author"], script["directory"], script["published"]) == ("testuser", "root", True)


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("root", {HISTOGRAM, "DeployR - Hello World.R"}),
        ("tutorial-rbroker", {"5SecondNoOp.R", "rtScore.R", "insurModel.rData"}),
        ("example-data-io", {"dataIO.R", "hipStar.dat", "hipStar.rData"}),
    ],
)
def test_the_tutorials_find_their_files(user: JavaClient, directory: str, expected: set[str]) -> None:
    assert expected <= set(names(user.list_files(directory=directory)))


def test_files_that_tutorials_use_anonymously_are_published(user: JavaClient) -> None:
    published = {file["filename"] for file in user.list_files() if file["published"]}
    assert {HISTOGRAM, "DeployR - Hello World.R", "5SecondNoOp.R"} <= published

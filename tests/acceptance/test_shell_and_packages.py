"""Shell scripts of 7.4 and packages (client-wire-facts 16; 7x-facts 16 and 23; recording of the Java client 7.4.8).

Rights and limits of shell scripts, and that they are off by default: ``tests/api/test_repository_shell.py``. Installing
packages: ``tests/api/test_project_package.py``.
"""

from __future__ import annotations

import pytest

from tests.acceptance.java import JavaClient, Params

SHELL = "/r/repository/shell/execute"
MIRROR = "http://cran.example.invalid/"
"""A host that cannot be there."""


def echo(filename: str) -> Params:
    """Parameters of the sample script as the Java client 7.4.8 sends them."""
    place: Params = {"filename": filename, "directory": "external:public:admin", "author": "admin"}
    return place | {"version": "", "args": "Hello World!"}


def test_the_sample_shell_script_prints_two_lines(user: JavaClient) -> None:
    assert user.ask(SHELL, **echo("echo.sh"))["repository"]["shell"]["console"] == ["echo.sh", "Hello World!"]


def test_scripts_of_other_kinds_and_owners_are_refused(either: JavaClient) -> None:
    either.refused(SHELL, **{**echo("echo.sh"), "filename": "none.sh"})
    histogram = {"filename": "Histogram of Auto Sales.R", "directory": "root", "author": "testuser"}
    either.refused(SHELL, **histogram, version="", args="")


@pytest.mark.parametrize("installed", ["true", "false"])
def test_listed_packages_are_ok(either: JavaClient, installed: str) -> None:
    packages = either.ask("/r/project/package/list", project=either.project(), installed=installed)["packages"]
    assert {package["status"] for package in packages} == {"ok"}
    assert ("deployrUtils" in [package["name"] for package in packages]) or installed == "false"


@pytest.mark.parametrize("repo", [MIRROR, None])
@pytest.mark.parametrize("name", ["deployrUtils", "stats4,tools"])
def test_what_is_installed_is_attached_whatever_the_mirror(either: JavaClient, repo: str | None, name: str) -> None:
    project, wanted = either.project(), set(name.split(","))
    for call, is_attached in (("attach", True), ("detach", False)):
        given: Params = {"name": name, "repo": repo} if is_attached else {"name": name}
        packages = either.ask(f"/r/project/package/{call}", project=project, **given)["packages"]
        assert {(package["name"], package["status"]) for package in packages} == {(each, "success") for each in wanted}
        listed = either.ask("/r/project/package/list", project=project, installed="false")["packages"]
        assert (wanted <= {package["name"] for package in listed}) is is_attached


def test_plots_demonstrations_and_data_sets_need_no_display(user: JavaClient) -> None:
    code = "stopifnot(dim(mtcars) == c(32, 11)); demo('graphics')"
    reply = user.execute(user.project(), code, preloadbydirectory=None)
    assert len(reply["execution"]["results"]) == 11
    assert {result["type"] for result in reply["execution"]["results"]} == {"image/png"}


def test_server_and_sessions_are_in_one_zone_whose_name_r_reads(user: JavaClient) -> None:
    code = "zone <- format(Sys.time(), '%Z'); same <- !is.na(as.POSIXct('2011-02-01 10:30:30', tz = zone))"
    found = user.execute(user.project(), code, robjects="zone,same")["workspace"]["objects"]
    assert [entry["value"] for entry in found] == ["UTC", True]

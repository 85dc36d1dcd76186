"""Repository files and scripts as the JavaScript client uses them, with and without login."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def value(reply: dict[str, Any]) -> Any:
    [found] = reply["workspace"]["objects"]
    return found["value"]


def test_repository_files_are_uploaded_listed_downloaded_and_deleted(
    node: Callable[..., Any], unique: str, tmp_path: Path
) -> None:
    seen = node("repository.js", f"{unique}.txt", tmp_path)
    file = seen["uploaded"]["repository"]["file"]
    assert (file["filename"], file["directory"], file["author"]) == (f"{unique}.txt", "root", "testuser")
    assert (file["descr"], file["length"], file["access"]) == ("Counts.", 4, "Private")
    assert f"{unique}.txt" in [listed["filename"] for listed in seen["listed"]]
    assert [(tmp_path / name).read_text() for name in ("one", "two")] == ["one\n", "two\n"]
    assert seen["versions"][0]["versionmsg"] == "counted on"
    assert len(seen["versions"]) == 2
    assert seen["foreign"]["success"] is False
    assert f"{unique}.txt" not in [left["filename"] for left in seen["left"]]


def test_a_script_is_run_by_its_author_in_a_project_and_by_anybody(node: Callable[..., Any], unique: str) -> None:
    seen = node("scripts.js", unique)
    runs = [seen[kind] for kind in ("authenticated", "withoutExtension", "inProject", "anonymous")]
    assert [value(run) for run in runs] == [42, 42, 42, 42]
    for run in runs:
        assert [result["filename"] for result in run["execution"]["results"]] == ["unnamedplot001.png"]
        assert [artifact["filename"] for artifact in run["execution"]["artifacts"]] == ["made.txt"]
        assert "working" in run["execution"]["console"]
    assert seen["hidden"]["success"] is False
    assert seen["published"]["repository"]["file"]["published"] is True
    assert f"{unique}.R" in [script["filename"] for script in seen["scripts"]["repository"]["scripts"]]
    assert "non-numeric argument" in seen["broken"]["error"]
    assert seen["deleted"]["success"] is False


def test_a_blackbox_remembers_until_it_is_recycled(node: Callable[..., Any], unique: str) -> None:
    seen = node("blackbox.js", f"{unique}.R")
    assert [value(reply) for reply in seen["replies"]] == [1, 2, 1, 2, 1]
    assert value(seen["stranger"]) == 1
    assert [reply["execution"]["artifacts"] for reply in seen["replies"][:4]] == [[], [], [], []]
    assert not any(reply["execution"]["code"] for reply in seen["replies"][:4])


def names(files: list[dict[str, Any]]) -> list[str]:
    return [file["filename"] for file in files]


def test_scripts_of_r_and_python_are_listed_run_and_downloaded_by_version(
    node: Callable[..., Any], unique: str, tmp_path: Path
) -> None:
    seen = node("stored.js", unique, tmp_path)
    assert names(seen["scripts"]) == ["model.R", "model.py"]
    assert [version["versionmsg"] for version in seen["versions"]] == ["doubles", None]
    assert [value(run) for run in seen["runs"]] == [42, 22, 63]
    downloaded = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert downloaded == {"latest.R": "y <- x * 2\n", "former.R": "y <- x + 1\n", "model.py": "y = x * 3\n"}


def test_lists_are_narrowed_cut_into_pages_and_reach_the_external_repository(
    node: Callable[..., Any], unique: str, tmp_path: Path
) -> None:
    seen = node("stored.js", unique, tmp_path)
    assert names(seen["tagged"]) == ["model.R", "model.py"]
    assert (seen["page"]["total"], names(seen["page"]["files"])) == (3, ["model.py", "plain.txt"])
    assert names(seen["data"]) == ["plain.txt"]
    assert "echo.sh" in names(seen["external"])
    assert {file["directory"] for file in seen["external"]} == {"external:public:admin"}
    assert seen["refused"]["errorCode"] == 900

"""Projects as the JavaScript client uses them: workspace, plots, files, history, interrupts."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXT = "first line\nsecond: äöü\n"


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG image."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[12:16] == b"IHDR"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def names(files: list[dict[str, Any]]) -> list[str]:
    return sorted(file["filename"] for file in files)


def test_objects_are_pushed_listed_read_and_deleted(node: Callable[..., Any]) -> None:
    seen = node("workspace.js")
    listed = {found["name"]: found for found in seen["listed"]["workspace"]["objects"]}
    assert seen["empty"]["workspace"]["objects"] == []
    assert sorted(listed) == ["f", "pushed", "sum", "text"]
    assert (listed["pushed"]["type"], listed["pushed"]["rclass"]) == ("vector", "numeric")
    assert not any("value" in found for found in listed.values())
    assert seen["one"]["workspace"]["object"]["value"] == 3.5
    assert [found["value"] for found in seen["several"]["workspace"]["objects"]] == ["hi", [1.5, 2]]
    assert sorted(found["name"] for found in seen["left"]["workspace"]["objects"]) == ["pushed", "sum"]
    assert seen["missing"]["errorCode"] == 900


def test_plots_and_files_of_an_execution_are_real(node: Callable[..., Any], tmp_path: Path) -> None:
    seen = node("files.js", tmp_path)
    results = seen["drawn"]["execution"]["results"]
    assert names(results) == ["unnamedplot001.png", "unnamedplot002.png"]
    assert names(seen["resultList"]["execution"]["results"]) == names(results)
    for name, result in zip(("one.png", "two.png"), results, strict=True):
        content = (tmp_path / name).read_bytes()
        assert png_size(content) == (640, 400)
        assert len(content) == result["length"]
    assert seen["byUrl"] == {"status": 200, "type": "image/png"}
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert all(png_size(archive.read(name)) == (640, 400) for name in archive.namelist())
        assert len(archive.namelist()) == 2
    assert names(seen["drawn"]["execution"]["artifacts"]) == ["named.png", "table.csv"]
    assert seen["artifactByUrl"]["status"] == 200
    assert len((tmp_path / "artifact").read_bytes()) == seen["drawn"]["execution"]["artifacts"][0]["length"]


def test_the_directory_takes_lists_gives_and_deletes_files(node: Callable[..., Any], tmp_path: Path) -> None:
    seen = node("files.js", tmp_path)
    file = seen["uploaded"]["directory"]["file"]
    assert (file["filename"], file["descr"]) == ("my file.txt", "A text of mine.")
    assert (file["length"], file["type"]) == (len(TEXT.encode()), "text/plain")
    assert seen["again"]["errorCode"] == 900
    assert seen["overwritten"]["success"] is True
    assert names(seen["listed"]["directory"]["files"]) == ["my file.txt", "named.png", "table.csv"]
    assert (tmp_path / "my file.txt").read_text() == TEXT
    assert names(seen["left"]["directory"]["files"]) == ["named.png"]


def test_history_and_console_tell_what_ran(node: Callable[..., Any]) -> None:
    seen = node("history.js")
    history = seen["all"]["execution"]["history"]
    assert [entry["tag"] for entry in history] == ["first", "second", None, None, None]
    assert history[0]["code"] == "x <- 41"
    assert seen["quiet"]["execution"]["console"] == "silent\n"
    assert "> x + 1\n[1] 42\n" in seen["console"]["execution"]["console"]
    assert "careful" in history[-1]["warnings"][0]
    assert [entry["tag"] for entry in seen["tagged"]["execution"]["history"]] == ["first"]
    assert [entry["execution"] for entry in seen["newest"]["execution"]["history"]] == [history[-1]["execution"]]


def test_an_r_error_reaches_the_client_and_keeps_the_session(node: Callable[..., Any]) -> None:
    seen = node("history.js")
    assert seen["error"]["call"] == "/r/project/execute/code"
    assert seen["error"]["errorCode"] in (900, 950)
    assert "out of cheese" in seen["error"]["error"]
    assert seen["syntax"]["errorCode"] in (900, 950)
    assert [found["value"] for found in seen["survivors"]["workspace"]["objects"]] == [41, 1]
    failed = seen["all"]["execution"]["history"][2]
    assert (failed["success"], "out of cheese" in failed["error"]) == (False, True)
    assert seen["closed"]["errorCode"] == 403


def test_a_loop_is_interrupted_from_another_connection(node: Callable[..., Any]) -> None:
    seen = node("interrupt.js")
    interrupted = seen["interrupted"]
    assert (interrupted["success"], interrupted["error"]) == (False, "The execution was interrupted.")
    assert seen["busy"]["errorCode"] == 409
    assert seen["idle"]["success"] is True
    assert seen["after"]["workspace"]["objects"][0]["value"] == [False, False]


def test_a_named_project_is_kept_until_it_is_deleted(node: Callable[..., Any], unique: str) -> None:
    seen = node("persistent.js", unique)
    [closed], [live] = seen["closed"], seen["live"]
    assert (closed["name"], closed["descr"], closed["live"], live["live"]) == (unique, "Kept.", False, True)
    assert seen["pinged"]["project"]["live"] is False
    assert seen["restored"]["workspace"]["objects"][0]["value"] == [1, 2, 3]
    assert names(seen["files"]["directory"]["files"]) == ["kept.txt"]
    assert seen["deleted"] == []


def test_executions_of_one_session_run_side_by_side(node: Callable[..., Any], unique: str, meeting_place: Path) -> None:
    assert node("parallel.js", f"{unique}.R", meeting_place) == [10, 20, 30, 40]

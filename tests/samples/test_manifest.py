"""The manifest of the sample repository names the files that are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def manifest(samples: Path) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = json.loads((samples / "manifest.json").read_text(encoding="utf-8"))
    return entries


def test_the_manifest_names_exactly_the_files_of_the_sample_repository(
    manifest: list[dict[str, str]], samples: Path
) -> None:
    repository = samples / "repository"
    named = sorted(f"{entry['user']}/{entry['directory']}/{entry['filename']}" for entry in manifest)
    assert named == sorted(str(file.relative_to(repository)) for file in repository.rglob("*") if file.is_file())


def test_every_entry_says_who_may_see_the_file_and_what_it_is(manifest: list[dict[str, str]]) -> None:
    assert {entry["access"] for entry in manifest} <= {"private", "shared", "public"}
    assert all(entry["descr"] for entry in manifest)
    assert {frozenset(entry) for entry in manifest} == {frozenset({"user", "directory", "filename", "access", "descr"})}


@pytest.mark.parametrize(
    ("directory", "public"),
    [
        (
            "root",
            {
                "Histogram of Auto Sales.R",
                "DeployR - Hello World.R",
                "DeployR - ReadCSV.R",
                "DeployR - Simple Regression.R",
            },
        ),
        ("example-fraud-score", set()),
        ("tutorial-rbroker", {"5SecondNoOp.R"}),
        ("example-data-io", {"dataIO.R", "hipStar.dat", "hipStar.rData"}),
    ],
)
def test_what_anonymous_clients_use_is_public(manifest: list[dict[str, str]], directory: str, public: set[str]) -> None:
    listed = {e["filename"] for e in manifest if e["directory"] == directory and e["access"] == "public"}
    assert listed == public


def test_the_fraud_example_consists_of_exactly_two_files(testuser: Path) -> None:
    assert {file.name for file in (testuser / "example-fraud-score").iterdir()} == {
        "ccFraudScore.R",
        "fraudModel.rData",
    }

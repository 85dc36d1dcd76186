"""The sample external repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

EXTERNAL = Path(__file__).parents[2] / "external_repository"


def files_of(directory: Path) -> set[str]:
    return {str(file.relative_to(directory)) for file in directory.rglob("*")}


def test_the_private_part_of_testuser_is_the_fraud_example_alone() -> None:
    expected = {"example-fraud-score", "example-fraud-score/ccFraudScore.R", "example-fraud-score/fraudModel.rData"}
    assert files_of(EXTERNAL / "testuser") == expected


def test_the_public_part_holds_sample_scripts_and_the_shell_scripts_of_admin() -> None:
    assert files_of(EXTERNAL / "public/testuser") == {"Histogram of Auto Sales.R", "DeployR - Hello World.R"}
    assert files_of(EXTERNAL / "public/admin") == {"echo.sh", "echo.bat"}


@pytest.mark.parametrize(
    ("external", "sample"),
    [
        ("testuser/example-fraud-score/ccFraudScore.R", "example-fraud-score/ccFraudScore.R"),
        ("testuser/example-fraud-score/fraudModel.rData", "example-fraud-score/fraudModel.rData"),
        ("public/testuser/Histogram of Auto Sales.R", "root/Histogram of Auto Sales.R"),
        ("public/testuser/DeployR - Hello World.R", "root/DeployR - Hello World.R"),
    ],
)
def test_the_copies_agree_with_the_sample_repository(testuser: Path, external: str, sample: str) -> None:
    assert (EXTERNAL / external).read_bytes() == (testuser / sample).read_bytes()


@pytest.mark.parametrize("arguments", [["Hello World!"], ["Hello", "World!"]])
def test_echo_prints_two_lines(arguments: list[str]) -> None:
    done = subprocess.run([EXTERNAL / "public/admin/echo.sh", *arguments], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["echo.sh", "Hello World!"]


def test_no_readme_lies_where_a_listing_would_show_it() -> None:
    assert [str(file.relative_to(EXTERNAL)) for file in EXTERNAL.rglob("README*")] == ["README.md"]

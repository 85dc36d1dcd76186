"""The commands of the README, run as they stand there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ADDRESS = "http://localhost:8050"
ADDRESS_9X = "http://localhost:12800"
START_SECONDS = 120


@pytest.fixture
def blocks() -> dict[str, list[str]]:
    """Fenced blocks of the README by the heading they stand under."""
    sections = re.split(r"^## (.+)$", (ROOT / "README.md").read_text(), flags=re.M)
    return {
        heading: re.findall(r"^```(?:sh|js)\n(.+?)^```$", text, flags=re.M | re.S)
        for heading, text in zip(sections[1::2], sections[2::2], strict=True)
    }


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory to run commands in, with the virtual environment where `bin/serve` makes it."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(command: str, directory: Path, **environment: str) -> str:
    """Run a block in a shell; what it prints."""
    done = subprocess.run(
        ["sh", "-eu", "-c", command],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def replies(output: str) -> list[dict[str, Any]]:
    """The replies in a text of JSON documents, one after the other."""
    found, decoder = [], json.JSONDecoder()
    while output := output.lstrip():
        document, end = decoder.raw_decode(output)
        found.append(document["deployr"]["response"])
        output = output[end:]
    return found


def test_no_section_has_commands_without_a_test(blocks: dict[str, list[str]]) -> None:
    assert {heading: len(found) for heading, found in blocks.items() if found} == {
        "Start": 2,
        "First calls with curl": 2,
        "First calls with the JavaScript client": 3,
        "First calls of the 9.x API": 1,
        "Accounts": 1,
    }


def test_anybody_runs_the_published_script(blocks: dict[str, list[str]], here: Path, host: str) -> None:
    anonymous, _ = blocks["First calls with curl"]
    [reply] = replies(run(anonymous.replace(ADDRESS, host), here))
    assert reply["success"] is True
    assert len(reply["workspace"]["objects"][0]["value"]) == 10


def test_a_project_runs_code_and_a_script_is_published(blocks: dict[str, list[str]], here: Path, host: str) -> None:
    _, authenticated = blocks["First calls with curl"]
    login, executed, uploaded, logout, published = replies(run(authenticated.replace(ADDRESS, host), here))
    assert login["user"]["username"] == "testuser"
    assert executed["workspace"]["objects"][0]["value"] == pytest.approx(3.932409)
    assert uploaded["repository"]["file"]["access"] == "Public"
    assert logout["success"] is True
    assert published["workspace"]["objects"][0]["value"] == [1, 4, 9]
    assert (here / "cars.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_javascript_program_runs(blocks: dict[str, list[str]], here: Path, host: str) -> None:
    install, program, start = blocks["First calls with the JavaScript client"]
    run(install, here)
    name = re.match(r"// (\S+)\n", program)
    assert name is not None
    (here / name[1]).write_text(program.replace(ADDRESS, host))
    values, url = run(start, here).splitlines()
    assert values == "[ 2, 4, 6 ]"
    assert url.startswith(f"{host}/deployr/r/project/execute/result/download/PROJECT-")


def test_a_service_is_published_and_consumed(blocks: dict[str, list[str]], here: Path, host: str) -> None:
    [commands] = blocks["First calls of the 9.x API"]
    output = run(commands.replace(ADDRESS_9X, host), here)
    assert '"answer":22.3' in output.replace(" ", ""), output


def test_the_account_commands_close_the_default_passwords(blocks: dict[str, list[str]], here: Path) -> None:
    [commands] = blocks["Accounts"]
    listed = run(commands, here, DEPLOYR_HOME=str(here / "home"))
    accounts = {line.split()[0]: line for line in listed.splitlines()}
    assert "enabled" in accounts["admin"]
    assert "disabled" in accounts["testuser"]


@pytest.fixture
def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A virtual environment that the scripts of ``bin/`` find complete."""
    directory = tmp_path / "venv"
    directory.mkdir()
    (directory / "bin").symlink_to(Path(sys.prefix) / "bin")
    stamp = run("cksum <setup.py", ROOT)
    (directory / ".installed-server").write_text(stamp)
    return directory


@pytest.fixture
def started(
    blocks: dict[str, list[str]], installed: Path, free_address: str, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The process that the README's first command has become."""
    environment = {
        "SERVER_VENV": str(installed),
        "DEPLOYR_HOME": str(tmp_path / "home"),
        "DEPLOYR_SERVER_BIND": free_address,
    }
    server = subprocess.Popen(["sh", "-c", f"exec {blocks['Start'][0]}"], cwd=ROOT, env={**os.environ, **environment})
    yield server
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=90)


def test_the_first_command_starts_a_server(started: subprocess.Popen[bytes], free_address: str) -> None:
    info = wait_for_info(started, free_address)
    assert info["success"] is True
    started.send_signal(signal.SIGTERM)
    assert started.wait(timeout=90) == 0


def wait_for_info(server: subprocess.Popen[bytes], address: str) -> dict[str, Any]:
    """The first answer of a server that is starting."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/deployr/r/server/info") as reply:
            [info] = replies(reply.read().decode())
            return info
        time.sleep(0.1)
    raise AssertionError(f"no answer from {address}; exit status {server.poll()}")


def test_the_second_command_is_the_one_that_runs_these_tests(blocks: dict[str, list[str]]) -> None:
    script = (ROOT / blocks["Start"][1].strip()).read_text()
    assert script.rstrip().splitlines()[-1].startswith('exec "$venv/bin/pytest"')
    assert blocks["Start"][1].strip() in (ROOT / ".ci" / "run").read_text()

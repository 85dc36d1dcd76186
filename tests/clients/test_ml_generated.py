"""Clients that a generator made of the documents this server serves: of the core API's, and of a service's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.installing import npm_packages
from tests.server import PASSWORD

NODE = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.lstrip("v")
pytestmark = pytest.mark.skipif(int(NODE.partition(".")[0] or 0) < 20, reason="the generator needs Node.js 20")

GENERATED = Path(__file__).parent / "generated"
SECONDS = 120


@pytest.fixture(scope="session")
def generator(request: pytest.FixtureRequest) -> Path:
    """Programs of the npm packages of ``generated/package-lock.json``."""
    return npm_packages(request.config, "deployr-client-generator", GENERATED) / ".bin"


def test_generated_clients_log_in_publish_and_consume(
    generator: Path, api: httpx.Client, host: str, unique: str, tmp_path: Path
) -> None:
    name = unique.replace(" ", "-")
    core = _generate(generator, api, "/swagger.json", tmp_path / "core")
    published = _use(core, host, name)
    assert published == {"a": [{"name": "a", "value": 2}], "status": 201, "versions": ["1"]}
    service = _generate(generator, api, f"/api/{name}/1/swagger.json", tmp_path / "service")
    consumed = _use(core, host, name, service)
    assert consumed == {"outputs": {"y": 42, "z": {"n": [21]}}, "status": 202, "results": [2, 4], "deleted": []}
    api.delete(f"/services/{name}/1").raise_for_status()


def _generate(generator: Path, api: httpx.Client, path: str, directory: Path) -> Path:
    """A CommonJS module of the client that is generated from a document."""
    directory.mkdir()
    document = directory / "swagger.json"
    document.write_bytes(api.get(path).raise_for_status().content)
    generate = ["swagger-typescript-api", "generate", "-p", document, "-o", directory, "-n", "api.ts"]
    bundle = ["esbuild", directory / "api.ts", "--format=cjs", f"--outfile={directory / 'api.cjs'}"]
    for program, *arguments in (generate, bundle):
        _run([generator / str(program), *arguments])
    return directory / "api.cjs"


def _use(core: Path, host: str, name: str, *service: Path) -> Any:
    return json.loads(_run(["node", GENERATED / "use.js", core, host, "testuser", PASSWORD, name, *service]))


def _run(command: list[str | Path]) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout

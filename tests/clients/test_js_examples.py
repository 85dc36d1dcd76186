"""The examples that the npm package ``deployr`` brings, run as they are.

Left out are those that need other packages, leave files behind, or wait.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server import PASSWORD

EXAMPLES = {
    "js-api/agency.js": "agent3-HTTP COOKIE:: JSESSIONID=",
    "js-api/chain.js": "call: '/r/user/logout'",
    "js-api/code.js": "histogram.png",
    "js-api/ensure.js": "after that then we are done.",
    "js-api/entity.js": "displayname: 'DeployR API Test Account'",
    "js-api/filter.js": "Last request finished.",
    "js-api/pipeline.js": "call: '/r/user/logout'",
    "js-api/promise.js": "finally cleanup...",
    "js-api/response.js": "histogram.png",
    "js-api/rinputs.js": "status: 200",
    "js-api/script-auth.js": "histogram.png",
    "js-api/script.js": "histogram.png",
    "js-api/self-signed-cert.js": "Successfully executed",
    "js-api/sugar.js": "histogram.png",
    "tutorial/authentication/authenticate.js": "connection, rUser=testuser",
    "tutorial/connection/connection.js": "using endpoint=http://",
    "tutorial/services/project/auth-project-create.js": "session, rProject=PROJECT-",
    "tutorial/services/project/auth-project-directory.js": "deleted file name=hello.txt, type=text/plain, size=12",
    "tutorial/services/project/auth-project-execute-code.js": "completed, rProjectExecution=EXEC-",
    "tutorial/services/project/auth-project-execute-script.js": "completed, rProjectExecution=EXEC-",
    "tutorial/services/project/auth-project-packages.js": "package name=stats,",
    "tutorial/services/project/auth-project-pool-create.js": "created pool of 4 temporary R sessions",
    "tutorial/services/project/auth-project-workspace.js": "retrieved object y from workspace",
}
"""What each prints when all went well."""


@pytest.fixture
def examples(node_modules: Path, host: str, tmp_path: Path) -> Path:
    """The examples, told of the server."""
    copied = shutil.copytree(node_modules / "deployr", tmp_path / "deployr") / "examples"
    config = {"endpoint": host, "credentials": {"username": "testuser", "password": PASSWORD}}
    (copied / "config.json").write_text(json.dumps(config))
    return copied


def test_the_examples_of_the_package_get_what_they_print(examples: Path, printed: Callable[..., str]) -> None:
    with ThreadPoolExecutor(4) as threads:
        outputs = threads.map(printed, [examples / name for name in EXAMPLES])
    for (name, expected), output in zip(EXAMPLES.items(), outputs, strict=True):
        assert expected in output, (name, output)
        assert "errorCode" not in output, (name, output)

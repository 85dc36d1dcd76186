"""Eleven pages of R's graphics demonstration and one named plot, with every option set (7x-facts 23, standard model).

With both kinds of preloads, inputs and adoptions checked one by one, and the anonymous blackbox:
``tests/api/test_execution_model.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.java import EXECUTION, JOB, JavaClient, ended, names

CODE = """
demo("graphics")
x <- c(number, age, adopted, saved)
y <- "text"
png("histogram.png")
hist(x)
"""
"""Leaves the device of its own plot open."""

STORED = ["all.rData", "data.csv", "histogram.png", "x.rData", "y.rData"]
"""As many files as asked for, as many objects, and the workspace."""


@pytest.fixture
def options(user: JavaClient, directory: str) -> Iterator[dict[str, str | None]]:
    """Everything that the Java client can set, but what would change the counts."""
    project = user.project(projectname=f"{directory} source")
    user.execute(project, "adopted <- 1; saved <- 2; library(splines); cat('text', file = 'adopted.txt')")
    user.ask("/r/project/workspace/store", project=project, name="saved", descr=None, version="false")
    where = {"filename": "data.csv", "directory": directory}
    user.upload("/r/repository/file/upload", b"a,b\n1,2\n", **where, published="true", newversion="false")
    yield {
        **EXECUTION,
        **{f"adopt{part}": project for part in ("workspace", "directory", "packages")},
        **{"preloadfilename": "data.csv", "preloadfiledirectory": directory, "preloadfileauthor": "testuser"},
        **{"preloadobjectname": "saved.rData", "preloadobjectdirectory": "root", "preloadobjectauthor": "testuser"},
        **{"preloadfileversion": "", "preloadobjectversion": "", "preloadbydirectory": "tutorial-rbroker"},
        **{
            "inputs": '{"number":{"rclass":"numeric","type":"primitive","value":3.0}}',
            "csvinputs": "name,George,age,45",
        },
        **{"storefile": "histogram.png,data.csv", "storeobject": "x,y", "storeworkspace": "all.rData"},
        **{"storedirectory": directory, "storenewversion": "true", "storepublic": "true", "robjects": "x,y"},
        **{
            "graphics": "png",
            "graphicswidth": "400",
            "graphicsheight": "300",
            "tag": "my tag",
            "artifactsoff": "false",
        },
        **{"nan": "NaN", "infinity": "Inf", "enableConsoleEvents": "true"},
    }
    user.ask("/r/project/delete", project=project)
    user.ask("/r/repository/file/delete", filename="saved.rData", directory="root")


@pytest.fixture
def script(user: JavaClient, directory: str) -> dict[str, str | None]:
    """The code as a script."""
    user.upload("/r/repository/file/upload", CODE.encode(), filename="model.R", directory=directory)
    place = {"filename": "model.R", "directory": directory, "author": "testuser"}
    return {**place, "version": None, "externalsource": None}


def of_execution(reply: dict[str, Any]) -> None:
    """Checks what the reply of an execution says of it."""
    execution = reply["execution"]
    assert len(execution["results"]) == 11
    assert {result["filename"][:11] for result in execution["results"]} == {"unnamedplot"}
    assert names(execution["artifacts"]) == ["histogram.png"]
    assert [entry["value"] for entry in reply["workspace"]["objects"]] == [[3.0, 45.0, 1.0, 2.0], "text"]
    assert names(reply["repository"]["files"]) == STORED
    assert execution["console"]


def stored(client: JavaClient, directory: str) -> list[str]:
    """Names of the published files of the directory, without those of the test."""
    files = client.list_files(directory=directory)
    return names([file for file in files if file["published"] and file["filename"] != "model.R"])


def test_code_in_a_project(user: JavaClient, directory: str, options: dict[str, str | None]) -> None:
    of_execution(user.ask("/r/project/execute/code", project=user.project(), code=CODE, **options))
    assert stored(user, directory) == STORED


def test_a_script_in_a_project(
    user: JavaClient, directory: str, options: dict[str, str | None], script: dict[str, str | None]
) -> None:
    of_execution(user.ask("/r/project/execute/script", project=user.project(), **options, **script))
    assert stored(user, directory) == STORED


def test_a_script_alone(
    user: JavaClient, directory: str, options: dict[str, str | None], script: dict[str, str | None]
) -> None:
    alone = {"cluster": None, "blackbox": "false", "recycle": "false"}
    of_execution(user.ask("/r/repository/script/execute", **options, **script, **alone))
    assert stored(user, directory) == STORED


def test_an_external_source_in_a_project(
    user: JavaClient, directory: str, options: dict[str, str | None], script: dict[str, str | None]
) -> None:
    file = user.ask(
        "/r/repository/file/fetch", **{key: script[key] for key in ("filename", "directory", "author", "version")}
    )
    url = f"{file['repository']['file']['url']};jsessionid={user.http.cookies['JSESSIONID']}"
    unset = dict.fromkeys(("filename", "directory", "author", "version"))
    given = {**options, **unset, "externalsource": url}
    of_execution(user.ask("/r/project/execute/script", project=user.project(), **given))
    assert stored(user, directory) == STORED


@pytest.mark.parametrize("kind", ["code", "script"])
def test_a_job(
    user: JavaClient, directory: str, options: dict[str, str | None], script: dict[str, str | None], kind: str
) -> None:
    source = {f"rscript{name.replace('file', '')}": script[name] for name in ("filename", "directory", "author")}
    given = JOB | options | ({"code": CODE} if kind == "code" else source)
    job = user.ask("/r/job/submit", name="all", descr="of it", **given)["job"]["job"]
    record = ended(user, job)
    assert (record["status"], record["statusMsg"]) == ("Completed", "Job successfully executed to completion.")
    project = record["project"]
    assert (
        len(user.ask("/r/project/execute/result/list", project=project, execution=None)["execution"]["results"]) == 11
    )
    assert "histogram.png" in names(user.directory(project))
    assert {"x", "y", "number", "name", "age", "adopted", "saved"} <= {entry["name"] for entry in user.objects(project)}
    assert stored(user, directory) == STORED
    for call, target in (("/r/project/delete", {"project": project}), ("/r/job/delete", {"job": job})):
        user.ask(call, **target)

"""Whether a call did what its client meant: one check a call, on replies that say success."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from deployr.repository.names import ROOT
from tests.recordings import repository_effects
from tests.recordings.pushed import assert_same
from tests.recordings.replay import Exchange, pairs, project_files, script_name
from tests.recordings.stage import LATEST, OLD, file_names, said_by
from tests.server import record_of


def assert_effect(exchange: Exchange) -> None:
    """The call did what its client meant; calls without a check of their own are only looked at by their shape."""
    check = _CHECKS.get(exchange.call)
    if check:
        check(exchange)


# -- users ------------------------------------------------------------------------------------------------


def _login(exchange: Exchange) -> None:
    assert exchange.reply.record["user"]["username"] == exchange.stage.username
    saves = (
        exchange.params.flag("save") if exchange.params.text("save") else not exchange.params.flag("disableautosave")
    )
    assert exchange.stage.has_autosave(exchange.reply.record["httpcookie"]) == saves


def _user_about(exchange: Exchange) -> None:
    assert exchange.reply.record["user"]["username"] == exchange.stage.username


def _logout(exchange: Exchange) -> None:
    assert exchange.session is not None
    assert exchange.client.post("/r/user/about").status_code == 401


def _autosave(exchange: Exchange) -> None:
    assert exchange.session is not None
    assert exchange.stage.has_autosave(exchange.session.session_id) == exchange.params.flag("enable")


def _release(exchange: Exchange) -> None:
    assert exchange.reply.record["whoami"] == exchange.stage.username
    assert not any(project["live"] for project in exchange.client.succeed("/r/project/list")["projects"])


# -- projects ---------------------------------------------------------------------------------------------


def _create(exchange: Exchange) -> None:
    project, params = exchange.reply.record["project"], exchange.params
    assert (project["name"], project["descr"]) == (params.text("projectname"), params.text("projectdescr"))
    assert project["live"]
    if not params.flag("blackbox"):
        _assert_pushed(exchange, project["project"])


def _pool(exchange: Exchange) -> None:
    """All are there and alike; blackboxes take no code, the others have what they were to begin with."""
    projects, params = exchange.reply.record["projects"], exchange.params
    assert len({project["project"] for project in projects if project["live"]}) == int(params.values["poolsize"])
    for project in [project["project"] for project in projects]:
        if params.flag("blackbox"):
            refused = exchange.client.post("/r/project/execute/code", project=project, code="1")
            assert refused.status_code == 403
        else:
            _assert_pushed(exchange, project)
            assert set(params.names("preloadfilename")) <= set(file_names(exchange.client, project))


def _list(exchange: Exchange) -> None:
    assert exchange.reply.record["projects"], "the client's projects are missing"


def _same_project(exchange: Exchange) -> None:
    assert exchange.reply.record["project"]["project"] == exchange.project


def _update(exchange: Exchange) -> None:
    for name in ("name", "descr", "longdescr"):
        if exchange.params.text(name):
            assert exchange.reply.record["project"][name] == exchange.params.text(name)


def _recycle(exchange: Exchange) -> None:
    _same_project(exchange)
    objects = exchange.client.succeed("/r/project/workspace/list", project=exchange.project)["workspace"]["objects"]
    assert bool(objects) == exchange.params.flag("preserveworkspace")
    assert bool(file_names(exchange.client, exchange.project)) == exchange.params.flag("preservedirectory")


def _save(exchange: Exchange) -> None:
    """It has a name, as sent or one of its own, and is without what was dropped."""
    project = exchange.reply.record["project"]
    _same_project(exchange)
    _assert_described(exchange, project)
    if exchange.params.flag("dropworkspace"):
        assert _object_names(exchange, project["project"]) == []


def _save_as(exchange: Exchange) -> None:
    """Another project with the same objects, unless these were dropped."""
    copy = exchange.reply.record["project"]
    assert copy["project"] != exchange.project
    assert copy["origin"].startswith("Project copied from project named,  ")
    _assert_described(exchange, copy)
    objects = [] if exchange.params.flag("dropworkspace") else _object_names(exchange, exchange.project)
    assert _object_names(exchange, copy["project"]) == objects


def _assert_described(exchange: Exchange, project: dict[str, Any]) -> None:
    assert project["name"] == (exchange.params.text("name") or project["name"])
    assert project["name"]
    assert project["descr"] == (exchange.params.text("descr") or project["descr"])
    assert project["shared"] == exchange.params.flag("shared")


def _grant(exchange: Exchange) -> None:
    about = exchange.client.succeed("/r/project/about", project=exchange.project)["project"]
    assert set(about["authors"]) >= {exchange.stage.username, *exchange.params.names("newauthor")}


def _export(exchange: Exchange) -> None:
    """The archive makes a project with the same objects."""
    files = {"file": ("archive.zip", exchange.reply.body)}
    loaded = exchange.client.succeed("/r/project/import", files=files)["project"]["project"]
    assert _object_names(exchange, loaded) == _object_names(exchange, exchange.project)
    exchange.client.succeed("/r/project/delete", project=loaded)


def _close(exchange: Exchange) -> None:
    """A temporary project is gone, a named one rests."""
    named = exchange.reply.record["project"]["name"]
    response = exchange.client.post("/r/project/ping", project=exchange.project)
    assert response.status_code == (200 if named else 403)
    assert not named or not record_of(response)["project"]["live"]


def _delete(exchange: Exchange) -> None:
    assert exchange.client.post("/r/project/about", project=exchange.project).status_code == 403


# -- executions -------------------------------------------------------------------------------------------


def _code(exchange: Exchange) -> None:
    assert exchange.reply.record["execution"]["code"] == exchange.params.values["code"]
    _assert_options(exchange)
    _assert_history(exchange)
    _assert_pushed(exchange, exchange.project)


def _project_script(exchange: Exchange) -> None:
    _assert_script(exchange)
    _assert_options(exchange)
    _assert_history(exchange)
    _assert_pushed(exchange, exchange.project)


def _script(exchange: Exchange) -> None:
    _assert_script(exchange)
    _assert_options(exchange)
    if exchange.params.flag("blackbox"):
        assert exchange.reply.record["execution"]["artifacts"] == []


def _assert_script(exchange: Exchange) -> None:
    """The console tells which script of which directory and version ran, and the objects that it found."""
    params, lines = exchange.params, (exchange.reply.record["execution"]["console"] or "").splitlines()
    if params.flag("consoleoff"):
        return
    for name, directory in pairs(params, "filename", "directory"):
        assert said_by(directory or ROOT, script_name(name), OLD if params.text("version") else LATEST) in lines
    if exchange.call.startswith("/r/repository/"):
        assert {f"object {name}" for name in _inputs(exchange)} <= set(lines)


def _assert_options(exchange: Exchange) -> None:
    record, params = exchange.reply.record, exchange.params
    execution = record["execution"]
    assert [item["name"] for item in record["workspace"]["objects"]] == params.names("robjects", "robject")
    assert execution["tag"] == params.text("tag")
    stored = [*params.names("storefile"), *(f"{name}.rData" for name in params.names("storeobject"))]
    stored += params.names("storeworkspace")
    files = [file["filename"] for file in record["repository"]["files"]]
    assert files == ([] if execution["actor"] == "anonymous" else stored)
    if params.flag("consoleoff"):
        assert not execution["console"]
    elif params.flag("echooff"):
        assert not any(line.startswith("> ") for line in execution["console"].splitlines())
    for result in execution["results"]:
        assert result["filename"].endswith(params.text("graphics") or "png")


def _assert_history(exchange: Exchange) -> None:
    execution = exchange.reply.record["execution"]["execution"]
    history = exchange.client.succeed("/r/project/execute/history", project=exchange.project)["execution"]["history"]
    listed = execution in [item["execution"] for item in history]
    assert listed != exchange.params.flag("phantom")


def _console(exchange: Exchange) -> None:
    latest = exchange.client.succeed("/r/project/execute/history", project=exchange.project, filterdepth="1")
    shown = [item["console"] for item in latest["execution"]["history"]]
    assert [exchange.reply.record["execution"]["console"]] == (shown or [None])


def _history(exchange: Exchange) -> None:
    history, params = exchange.reply.record["execution"]["history"], exchange.params
    starts = [item["timeStart"] for item in history]
    assert starts == sorted(starts, reverse=params.flag("reversed"))
    assert len(history) <= int(params.text("filterdepth") or 250)
    if params.text("filtertag"):
        assert {item["tag"] for item in history} <= {params.text("filtertag")}
    else:
        assert history


def _result_list(exchange: Exchange) -> None:
    results = exchange.reply.record["execution"]["results"]
    assert results
    if exchange.params.text("execution"):
        assert {result["execution"] for result in results} == {exchange.params.text("execution")}


def _result_download(exchange: Exchange) -> None:
    """One plot as it is, several as a zip."""
    if exchange.params.text("filename", "name"):
        assert exchange.reply.body.startswith(b"\x89PNG")
    else:
        assert all(content.startswith((b"\x89PNG", b"<?xml")) for content in _unzipped(exchange).values())


def _results_gone(exchange: Exchange) -> None:
    """After a flush or deletion: of the executions named, or all."""
    found = exchange.client.succeed("/r/project/execute/result/list", project=exchange.project)["execution"]["results"]
    left = {result["execution"] for result in found}
    assert exchange.params.text("execution") not in left if exchange.params.text("execution") else not left


# -- workspace --------------------------------------------------------------------------------------------


def _push(exchange: Exchange) -> None:
    assert _inputs(exchange)
    _assert_pushed(exchange, exchange.project)


def _assert_pushed(exchange: Exchange, project: str) -> None:
    """Inputs read back are what was sent."""
    inputs = _inputs(exchange)
    if inputs:
        names = ",".join(inputs)
        workspace = exchange.client.succeed("/r/project/workspace/get", project=project, name=names)["workspace"]
        for name, item in zip(inputs, workspace["objects"], strict=True):
            assert_same(inputs[name], item, name)


def _inputs(exchange: Exchange) -> dict[str, dict[str, Any]]:
    """Objects that the request assigns; the values of ``csvinputs`` are numbers where they look so."""
    inputs: dict[str, dict[str, Any]] = json.loads(exchange.params.text("inputs") or "{}")
    csv = (exchange.params.text("csvinputs") or "").split(",")
    for name, value in zip(csv[::2], csv[1::2], strict=False):
        inputs[name] = {"value": float(value) if value.isdigit() else value}
    return inputs


def _object_list(exchange: Exchange) -> None:
    names = [item["name"] for item in exchange.reply.record["workspace"]["objects"]]
    if exchange.params.text("root", "filter", "clazz"):
        # All recordings that filter skip more than there is.
        assert names == []
    else:
        assert "x" in names


def _object_names(exchange: Exchange, project: str) -> list[str]:
    listed = exchange.client.succeed("/r/project/workspace/list", project=project)["workspace"]["objects"]
    return sorted(item["name"] for item in listed)


def _object_get(exchange: Exchange) -> None:
    workspace, names = exchange.reply.record["workspace"], exchange.params.names("name")
    assert [item["name"] for item in workspace["objects"]] == names
    assert workspace.get("object", {}).get("name") == (names[0] if len(names) == 1 else None)


def _object_delete(exchange: Exchange) -> None:
    left = exchange.client.succeed("/r/project/workspace/list", project=exchange.project)["workspace"]["objects"]
    assert {item["name"] for item in left}.isdisjoint(exchange.params.names("name"))


def _object_save(exchange: Exchange) -> None:
    """Another file may have taken the name already."""
    file, params = exchange.reply.record["directory"]["file"], exchange.params
    assert file["filename"].startswith(params.values["name"])
    assert file["filename"].endswith(".rData")
    assert file["descr"] == params.text("descr")
    assert _content_of(exchange, file["filename"])


def _object_store(exchange: Exchange) -> None:
    file = exchange.reply.record["repository"]["file"]
    assert (file["filename"], file["directory"]) == (f"{exchange.params.values['name']}.rData", ROOT)
    _assert_given(exchange, file)


def _object_load(exchange: Exchange) -> None:
    """The recorded files hold an object ``x``, which was not there before."""
    objects = exchange.client.succeed("/r/project/workspace/list", project=exchange.project)["workspace"]["objects"]
    assert "x" in [item["name"] for item in objects]


# -- packages ---------------------------------------------------------------------------------------------


def _package_list(exchange: Exchange) -> None:
    """Attached ones, or all that are installed."""
    attached = {package["name"]: package["attached"] for package in exchange.reply.record["packages"]}
    assert attached["base"]
    assert all(attached.values()) != exchange.params.flag("installed")


def _package_attach(exchange: Exchange) -> None:
    _assert_packages(exchange)
    assert set(exchange.params.names("name")) <= _attached(exchange)


def _package_detach(exchange: Exchange) -> None:
    _assert_packages(exchange)
    assert _attached(exchange).isdisjoint(exchange.params.names("name"))


def _assert_packages(exchange: Exchange) -> None:
    told = [(package["name"], package["status"]) for package in exchange.reply.record["packages"]]
    assert told == [(name, "success") for name in exchange.params.names("name")]


def _attached(exchange: Exchange) -> set[str]:
    listed = exchange.client.succeed("/r/project/package/list", project=exchange.project, installed="false")["packages"]
    return {package["name"] for package in listed}


# -- working directory ------------------------------------------------------------------------------------


def _directory_upload(exchange: Exchange) -> None:
    file, params = exchange.reply.record["directory"]["file"], exchange.params
    assert (file["filename"], file["descr"]) == (params.text("filename"), params.text("descr"))
    assert _content_of(exchange, file["filename"]) == params.file


def _directory_write(exchange: Exchange) -> None:
    content = _content_of(exchange, exchange.params.values["filename"])
    assert content == exchange.params.values["text"].encode()


def _directory_transfer(exchange: Exchange) -> None:
    file, params = exchange.reply.record["directory"]["file"], exchange.params
    assert (file["filename"], file["descr"]) == (params.text("filename"), params.text("descr"))
    assert _content_of(exchange, file["filename"]) == _content_behind(exchange)


def _directory_update(exchange: Exchange) -> None:
    file, params = exchange.reply.record["directory"]["file"], exchange.params
    assert (file["filename"], file["descr"]) == (params.text("rename"), params.text("descr"))
    names = file_names(exchange.client, exchange.project)
    assert file["filename"] in names
    assert params.text("filename", "name") not in names


def _directory_store(exchange: Exchange) -> None:
    file, params = exchange.reply.record["repository"]["file"], exchange.params
    assert (file["filename"], file["directory"]) == (params.text("filename"), params.text("directory") or ROOT)
    _assert_given(exchange, file)
    stored = exchange.stage.versions(file["filename"], file["directory"])[0]
    assert exchange.stage.read(stored) == _content_of(exchange, file["filename"])


def _directory_load(exchange: Exchange) -> None:
    """The version is the oldest one when one is named, else the latest."""
    file, params = exchange.reply.record["directory"]["file"], exchange.params
    versions = exchange.stage.versions(params.values["filename"], params.text("directory") or ROOT)
    wanted = versions[-1] if params.text("version") else versions[0]
    assert (file["filename"], file["descr"], file["length"]) == (wanted.filename, wanted.descr, wanted.length)
    assert _content_of(exchange, file["filename"]) == exchange.stage.read(wanted)


def _assert_given(exchange: Exchange, file: dict[str, Any]) -> None:
    """What the request says of a file of the repository; what it leaves out may have been said before."""
    params = exchange.params
    assert (file["shared"], file["published"]) == (params.flag("shared"), params.flag("published"))
    for name in ("descr", "restricted"):
        assert file[name] == (params.text(name) or file[name]), name


def _content_behind(exchange: Exchange) -> bytes:
    """Of the URL that was sent."""
    response = exchange.client.http.get(exchange.params.values["url"])
    assert response.status_code == 200
    return response.content


def _directory_list(exchange: Exchange) -> None:
    listed = [file["filename"] for file in exchange.reply.record["directory"]["files"]]
    assert listed == file_names(exchange.client, exchange.project)
    assert listed


def _directory_download(exchange: Exchange) -> None:
    names = project_files(exchange.params, exchange.segments)
    if len(names) == 1:
        assert exchange.reply.body == _content_of(exchange, names[0])
    else:
        assert sorted(_unzipped(exchange)) == sorted(names or file_names(exchange.client, exchange.project))


def _directory_delete(exchange: Exchange) -> None:
    assert set(file_names(exchange.client, exchange.project)).isdisjoint(exchange.params.names("filename", "name"))


def _content_of(exchange: Exchange, filename: str) -> bytes:
    response = exchange.client.get("/r/project/directory/download", project=exchange.project, filename=filename)
    assert response.status_code == 200
    return response.content


# -- repository -------------------------------------------------------------------------------------------


def _repository_upload(exchange: Exchange) -> None:
    _assert_stored(exchange, exchange.params.file)


def _repository_write(exchange: Exchange) -> None:
    _assert_stored(exchange, exchange.params.values["text"].encode())


def _repository_transfer(exchange: Exchange) -> None:
    _assert_stored(exchange, _content_behind(exchange))


def _assert_stored(exchange: Exchange, content: bytes | None) -> None:
    params, file = exchange.params, exchange.reply.record["repository"]["file"]
    assert (file["filename"], file["directory"]) == (params.text("filename"), params.text("directory") or ROOT)
    assert (file["shared"], file["published"]) == (params.flag("shared"), params.flag("published"))
    for name in ("descr", "restricted", "inputs", "outputs"):
        assert file[name] == params.text(name), name
    versions = exchange.stage.versions(file["filename"], file["directory"])
    assert exchange.stage.read(versions[0]) == content
    if params.flag("newversion"):
        assert versions[0].versionmsg == params.text("newversionmsg")


def _fetch(exchange: Exchange) -> None:
    params, file = exchange.params, exchange.reply.record["repository"]["file"]
    assert (file["filename"], file["directory"]) == (params.text("filename"), params.text("directory") or ROOT)
    assert file["version"] == params.text("version")


def _repository_update(exchange: Exchange) -> None:
    params, file = exchange.params, exchange.reply.record["repository"]["file"]
    assert (file["shared"], file["published"]) == (params.flag("shared"), params.flag("published"))
    assert (file["descr"], file["restricted"]) == (params.text("descr"), params.text("restricted"))


def _repository_list(exchange: Exchange) -> None:
    files, params = exchange.reply.record["repository"]["files"], exchange.params
    directory = params.text("directory") or (ROOT if params.text("filename") else None)
    category = params.text("categoryFilter")
    for file in files:
        assert file["filename"] == (params.text("filename") or file["filename"])
        assert file["directory"] == (directory or file["directory"])
        assert file["author"] == exchange.stage.username or params.flag("shared") or params.flag("published")
        # .NET sends what is no category.
        assert category is None or "+" in category or file["category"].lower() == category.lower()
    assert files or category


def _repository_directories(exchange: Exchange) -> None:
    """Files are shown when asked for, and a directory that is asked for alone, by the same name."""
    listed, params = exchange.reply.record["repository"]["directories"], exchange.params
    names = {entry["directory"] for entry in listed["user"]}
    directory, archived = params.text("directory"), listed["metadata"]["archived"] if params.flag("archived") else []
    assert names == ({directory} if directory else {*listed["metadata"]["custom"], *archived})
    files = [file for entry in listed["user"] for file in entry["files"]]
    assert directory or bool(files) == params.flag("userfiles")
    assert all(file["author"] == exchange.stage.username for file in files)


def _script_list(exchange: Exchange) -> None:
    scripts, params = exchange.reply.record["repository"]["scripts"], exchange.params
    assert scripts
    for script in scripts:
        assert script["filename"] == (params.text("filename") or script["filename"])
        assert script["category"] == "script"


def _repository_download(exchange: Exchange) -> None:
    """The version is the oldest one when one is named, else the latest."""
    params, segments = exchange.params, exchange.segments
    filename = segments[-1] if segments else params.values["filename"]
    versions = exchange.stage.versions(filename, params.text("directory") or ROOT)
    wanted = versions[-1] if len(segments) == 3 or params.text("version") else versions[0]
    assert exchange.reply.body == exchange.stage.read(wanted)


def _repository_delete(exchange: Exchange) -> None:
    for name, directory in pairs(exchange.params, "filename", "directory"):
        assert exchange.stage.versions(name, directory or ROOT) == []


def _render(exchange: Exchange) -> None:
    """A page with the console; without it the objects asked for are there."""
    page = exchange.reply.body.decode()
    assert "<html" in page
    if not exchange.params.flag("consoleoff"):
        version = OLD if exchange.params.text("version") else LATEST
        assert said_by(exchange.params.values["directory"], exchange.params.values["filename"], version) in page


def _unzipped(exchange: Exchange) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(exchange.reply.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_CHECKS: dict[str, Callable[[Exchange], None]] = {
    "/r/user/login": _login,
    "/r/user/logout": _logout,
    "/r/user/about": _user_about,
    "/r/user/autosave": _autosave,
    "/r/user/release": _release,
    "/r/project/create": _create,
    "/r/project/pool": _pool,
    "/r/project/list": _list,
    "/r/project/about": _same_project,
    "/r/project/about/update": _update,
    "/r/project/ping": _same_project,
    "/r/project/recycle": _recycle,
    "/r/project/save": _save,
    "/r/project/saveas": _save_as,
    "/r/project/grant": _grant,
    "/r/project/export": _export,
    "/r/project/close": _close,
    "/r/project/delete": _delete,
    "/r/project/execute/code": _code,
    "/r/project/execute/script": _project_script,
    "/r/project/execute/interrupt": _same_project,
    "/r/project/execute/console": _console,
    "/r/project/execute/history": _history,
    "/r/project/execute/result/list": _result_list,
    "/r/project/execute/result/delete": _results_gone,
    "/r/project/execute/flush": _results_gone,
    "/r/project/execute/result/download": _result_download,
    "/r/project/workspace/list": _object_list,
    "/r/project/workspace/get": _object_get,
    "/r/project/workspace/push": _push,
    "/r/project/workspace/transfer": _object_load,
    "/r/project/workspace/save": _object_save,
    "/r/project/workspace/store": _object_store,
    "/r/project/workspace/load": _object_load,
    "/r/project/workspace/delete": _object_delete,
    "/r/project/package/list": _package_list,
    "/r/project/package/attach": _package_attach,
    "/r/project/package/detach": _package_detach,
    "/r/project/directory/list": _directory_list,
    "/r/project/directory/upload": _directory_upload,
    "/r/project/directory/transfer": _directory_transfer,
    "/r/project/directory/write": _directory_write,
    "/r/project/directory/update": _directory_update,
    "/r/project/directory/store": _directory_store,
    "/r/project/directory/load": _directory_load,
    "/r/project/directory/download": _directory_download,
    "/r/project/directory/delete": _directory_delete,
    "/r/repository/directory/list": _repository_directories,
    "/r/repository/file/list": _repository_list,
    "/r/repository/file/upload": _repository_upload,
    "/r/repository/file/transfer": _repository_transfer,
    "/r/repository/file/write": _repository_write,
    "/r/repository/file/download": _repository_download,
    "/r/repository/file/fetch": _fetch,
    "/r/repository/file/update": _repository_update,
    "/r/repository/script/render": _render,
    "/r/repository/file/delete": _repository_delete,
    "/r/repository/script/list": _script_list,
    "/r/repository/script/execute": _script,
    **repository_effects.CHECKS,
}

"""Parameters of the standard execution model."""

from __future__ import annotations

import pytest

from deployr.api.execution_params import read_inputs, read_options, read_scripts
from deployr.api.params import MalformedParameter, Params
from deployr.encodings import model
from deployr.errors import DeployrError


async def test_what_clients_send_when_nothing_is_set_is_the_default() -> None:
    params = Params({"graphicswidth": "0", "graphicsheight": "0", "echooff": "False", "robjects": "", "tag": ""})
    options = await read_options(params)
    assert options == await read_options(Params({}))
    assert (options.echo, options.console, options.artifacts, options.graphics) == (True, True, True, "png")


async def test_switches_turn_things_off() -> None:
    params = Params({"echooff": "true", "consoleoff": "true", "artifactsoff": "true", "phantom": "True"})
    options = await read_options(params)
    assert (options.echo, options.console, options.artifacts, options.phantom) == (False, False, False, True)


def test_scripts_pair_with_authors_directories_and_versions() -> None:
    params = Params({"filename": "a,b,c,", "author": "u,,w", "directory": "d", "version": ""})
    scripts = [(script.filename, script.author, script.directory, script.version) for script in read_scripts(params)]
    assert scripts == [("a", "u", "d", None), ("b", None, None, None), ("c", "w", None, None)]


async def test_inputs_and_csv_inputs_are_joined() -> None:
    objects = await read_inputs(Params({"inputs": '{"x": {"type": "primitive", "value": 5.0}}', "csvinputs": "y,TRUE"}))
    assert objects == {"x": model.double(5.0), "y": model.logical(True)}


@pytest.mark.parametrize("inputs", ["{", "[]", '{"x": 5}'])
async def test_inputs_that_are_no_objects_are_a_handled_failure(inputs: str) -> None:
    with pytest.raises(DeployrError) as caught:
        await read_inputs(Params({"inputs": inputs}))
    assert not isinstance(caught.value, MalformedParameter)


@pytest.mark.parametrize("values", [{"graphics": "jpeg"}, {"graphicswidth": "-1"}, {"graphicsheight": "99999"}])
async def test_devices_that_do_not_exist_are_malformed(values: dict[str, str]) -> None:
    with pytest.raises(MalformedParameter):
        await read_options(Params(values))


async def test_preloads_pair_with_authors_directories_and_versions() -> None:
    params = Params(
        {"preloadobjectname": "a.rData,b.rData", "preloadobjectauthor": "u,v", "preloadobjectdirectory": ""}
    )
    preparation = (await read_options(params)).preparation
    objects = [(name.filename, name.author, name.directory) for name in preparation.preloaded_objects]
    assert objects == [("a.rData", "u", None), ("b.rData", "v", None)]
    assert preparation.preloaded_files == []


async def test_directories_of_preloaded_files_may_come_under_the_name_that_dotnet_and_javascript_send() -> None:
    params = Params({"preloadfilename": "a.csv,b.csv", "preloaddirectory": "root,data", "preloadfileauthor": "u,v"})
    files = (await read_options(params)).preparation.preloaded_files
    assert [(name.filename, name.author, name.directory) for name in files] == [
        ("a.csv", "u", "root"),
        ("b.csv", "v", "data"),
    ]


async def test_where_and_how_to_store_is_nothing_to_store() -> None:
    options = await read_options(Params({"storedirectory": "root", "storenewversion": "false", "storepublic": "true"}))
    assert not options.storing
    assert (await read_options(Params({"storeworkspace": "w"}))).storing


def test_an_external_source_stands_for_scripts() -> None:
    assert read_scripts(Params({"externalsource": "http://example.com/a.R"})) == []
    with pytest.raises(MalformedParameter):
        read_scripts(Params({}))

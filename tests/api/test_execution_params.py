"""Parameters of the standard execution model."""

from __future__ import annotations

import pytest

from deployr.api.execution_params import read_inputs, read_options, read_scripts, refuse_unbuilt
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


def test_what_is_not_built_is_refused_only_when_given() -> None:
    refuse_unbuilt(Params({"preloadfilename": "", "storedirectory": "root", "storenewversion": "false"}))
    with pytest.raises(DeployrError, match="preloadfilename"):
        refuse_unbuilt(Params({"preloadfilename": "a.csv"}))


def test_store_options_of_anonymous_callers_are_ignored() -> None:
    refuse_unbuilt(Params({"storeobject": "x"}), anonymous=True)
    with pytest.raises(DeployrError, match="storeobject"):
        refuse_unbuilt(Params({"storeobject": "x"}))

"""The parameters of the standard execution model, common to all calls that run R code (7x-facts 7)."""

from __future__ import annotations

import asyncio
import itertools
from typing import Literal

from deployr.api.params import MalformedParameter, Params
from deployr.encodings import deployr_json, inputs, xml_inputs
from deployr.encodings.errors import EncodingError
from deployr.encodings.model import RValue
from deployr.errors import DeployrError
from deployr.projects.records import ExecutionOptions, ObjectEncoding, ScriptName

_PRE_EXECUTION = (
    "preloadbydirectory",
    "preloadfilename",
    "preloadobjectname",
    "adoptworkspace",
    "adoptdirectory",
    "adoptpackages",
    "externalsource",
)
_LARGE = 256 * 1024
"""Characters of inputs from which on they are decoded in a thread, so that other calls go on."""

_STORE = ("storefile", "storeobject", "storeworkspace")


async def read_options(params: Params) -> ExecutionOptions:
    """On- and post-execution parameters, and inputs.

    Raises:
        MalformedParameter: one cannot be read.
        DeployrError: the inputs do not describe R values.
    """
    return ExecutionOptions(
        inputs=await read_inputs(params),
        robjects=params.names("robjects", "robject"),
        tag=params.text("tag"),
        phantom=params.flag("phantom"),
        echo=not params.flag("echooff"),
        console=not params.flag("consoleoff"),
        artifacts=not params.flag("artifactsoff"),
        graphics=_graphics(params),
        width=_pixels(params, "graphicswidth"),
        height=_pixels(params, "graphicsheight"),
        encoding=read_encoding(params),
    )


def read_encoding(params: Params) -> ObjectEncoding:
    """How objects are encoded in the reply."""
    return ObjectEncoding(
        nan=params.text("nan"),
        infinity=params.text("infinity"),
        data_frame_primitive_as_vector=params.flag("encodeDataFramePrimitiveAsVector"),
    )


async def read_inputs(params: Params) -> dict[str, RValue]:
    """The objects of ``inputs``, which is JSON or XML, then those of ``csvinputs``.

    Raises:
        DeployrError: they do not describe R values.
    """
    text, csv = params.text("inputs") or "", params.text("csvinputs") or ""
    try:
        if len(text) + len(csv) < _LARGE:
            return _decode_inputs(text, csv)
        return await asyncio.to_thread(_decode_inputs, text, csv)
    except EncodingError as ex:
        raise DeployrError(str(ex)) from ex


def _decode_inputs(text: str, csv: str) -> dict[str, RValue]:
    loads = xml_inputs.loads_inputs if text.lstrip().startswith("<") else deployr_json.loads
    objects = inputs.decode_inputs(loads(text)) if text else {}
    return objects | (inputs.parse_csv_inputs(csv) if csv else {})


def read_scripts(params: Params) -> list[ScriptName]:
    """A chain of scripts; author, directory and version are parallel lists, where an empty place is the default.

    Raises:
        MalformedParameter: there is no file name.
    """
    filenames = params.required_names("filename")
    places = (params.places(name) for name in ("author", "directory", "version"))
    rows = itertools.zip_longest(filenames, *places, fillvalue="")
    return [
        ScriptName(filename=filename, author=author or None, directory=directory or None, version=version or None)
        for filename, author, directory, version in itertools.islice(rows, len(filenames))
    ]


def refuse_unbuilt(params: Params, *, anonymous: bool = False) -> None:
    """Refuse what this server cannot do yet, rather than leave it out silently.

    Args:
        anonymous: the caller is, and store options are without effect as documented (7x-facts 7.5).

    Raises:
        DeployrError: such a parameter is given.
    """
    for name in _PRE_EXECUTION if anonymous else (*_PRE_EXECUTION, *_STORE):
        if params.text(name):
            raise DeployrError(f"The parameter {name} is not built yet.")


def _graphics(params: Params) -> Literal["png", "svg"]:
    device = (params.text("graphics") or "png").lower()
    if device == "png":
        return "png"
    if device == "svg":
        return "svg"
    raise MalformedParameter("Parameter graphics is neither png nor svg.")


def _pixels(params: Params, name: str) -> int:
    """Zero means "not given" to Java and .NET."""
    pixels = params.number(name) or 0
    if not 0 <= pixels <= 10000:
        raise MalformedParameter(f"Parameter {name} is not between 0 and 10000.")
    return pixels

"""The parameters of the standard execution model, common to all calls that run R code (7x-facts 7)."""

from __future__ import annotations

import asyncio
from typing import Literal

from deployr.api.file_params import read_names
from deployr.api.params import MalformedParameter, Params
from deployr.encodings import deployr_json, inputs, xml_inputs
from deployr.encodings.errors import EncodingError
from deployr.encodings.model import RValue
from deployr.errors import DeployrError
from deployr.projects.records import ExecutionOptions, ObjectEncoding, Preparation, Storing
from deployr.repository.records import RepositoryName

_LARGE = 256 * 1024
"""Characters of inputs from which on they are decoded in a thread, so that other calls go on."""


async def read_options(params: Params) -> ExecutionOptions:
    """All parameters of an execution but what is executed.

    Raises:
        MalformedParameter: one cannot be read.
        DeployrError: the inputs do not describe R values.
    """
    return ExecutionOptions(
        preparation=read_preparation(params),
        inputs=await read_inputs(params),
        robjects=params.names("robjects", "robject"),
        tag=params.text("tag"),
        phantom=params.flag("phantom"),
        echo=not params.flag("echooff"),
        console=not params.flag("consoleoff"),
        console_events=params.flag("enableConsoleEvents"),
        artifacts=not params.flag("artifactsoff"),
        graphics=_graphics(params),
        width=_pixels(params, "graphicswidth"),
        height=_pixels(params, "graphicsheight"),
        encoding=read_encoding(params),
        storing=_read_storing(params),
    )


def read_preparation(params: Params) -> Preparation:
    """What the session is given before the code runs."""
    return Preparation(
        workspace=params.text("adoptworkspace"),
        files=params.text("adoptdirectory"),
        packages=params.text("adoptpackages"),
        # Fluent R sends the text of its list, and that is always "[]".
        directories=[name for name in params.names("preloadbydirectory") if name != "[]"],
        # .NET at the creation of projects, and the JavaScript broker, leave the "file" out of this one name.
        preloaded_files=read_names(params, "preloadfilename", "preloadfile", "preloaddirectory"),
        preloaded_objects=read_names(params, "preloadobjectname", "preloadobject"),
    )


def _read_storing(params: Params) -> Storing:
    return Storing(
        files=params.names("storefile"),
        objects=params.names("storeobject"),
        workspace=params.text("storeworkspace"),
        directory=params.text("storedirectory"),
        newversion=params.flag("storenewversion"),
        public=params.flag("storepublic"),
    )


def read_encoding(params: Params) -> ObjectEncoding:
    """How objects are encoded in the reply.

    .NET alone writes booleans with a capital, this one in every call that asks for objects, and knows vectors of dates
    by the class ``date`` only; Java wants ``Date`` and ``POSIXct`` (client-wire-facts 3 and 8).
    """
    columns_as_vectors = "encodeDataFramePrimitiveAsVector"
    return ObjectEncoding(
        nan=params.text("nan"),
        infinity=params.text("infinity"),
        data_frame_primitive_as_vector=params.flag(columns_as_vectors),
        date_vector_class="date" if params.text(columns_as_vectors) in ("True", "False") else None,
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


def read_scripts(params: Params) -> list[RepositoryName]:
    """A chain of scripts; it may be empty where there is an external source.

    Raises:
        MalformedParameter: there is neither.
    """
    if not params.names("externalsource"):
        params.required_names("filename")
    return read_names(params, "filename")


def read_job_scripts(params: Params) -> list[RepositoryName]:
    """The chain of scripts of a job; jobs have names of their own for it, and may have none."""
    return read_names(params, "rscriptname", "rscript")


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

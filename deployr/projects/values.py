"""R values on their way to and from a session of the grid."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from deployr.encodings import model, objects, qap1
from deployr.encodings.model import RValue
from deployr.encodings.objects import Record
from deployr.encodings.qap1 import Qap1Error
from deployr.errors import DeployrError, InternalError
from deployr.projects.records import ObjectEncoding

_LARGE = 256 * 1024
"""Bytes of a value from which on it is decoded in a thread, so that other calls go on."""


def arguments(**members: RValue | None) -> bytes:
    """QAP1 of a named list; members that are ``None`` are left out.

    Raises:
        DeployrError: a value cannot travel.
    """
    try:
        return qap1.encode(model.named_list({name: value for name, value in members.items() if value is not None}))
    except Qap1Error as ex:
        raise DeployrError(f"A value cannot be sent to R: {ex}.") from ex


def execution_arguments(inputs: Mapping[str, RValue], robjects: Sequence[str]) -> bytes:
    """Arguments of an execution: what to assign before and what to return after."""
    return arguments(inputs=model.named_list(inputs), robjects=model.character(*robjects))


def members(value: bytes) -> dict[str, RValue]:
    """The members of a named list that a session sent.

    Raises:
        InternalError: it is none; user code can make a session send anything.
    """
    try:
        return model.as_members(qap1.decode(value))
    except (Qap1Error, ValueError, TypeError) as ex:
        raise InternalError("The R session sent a value that cannot be read.") from ex


async def encoded_objects(value: bytes, names: Sequence[str], encoding: ObjectEncoding) -> list[Record]:
    """Object records of a named list that a session sent, in the order of the names; missing ones are left out."""
    if len(value) < _LARGE:
        return _encode(value, names, encoding)
    return await asyncio.to_thread(_encode, value, names, encoding)


def _encode(value: bytes, names: Sequence[str], encoding: ObjectEncoding) -> list[Record]:
    found = members(value)
    return [
        objects.encode_object(
            name,
            found[name],
            nan=encoding.nan,
            infinity=encoding.infinity,
            data_frame_primitive_as_vector=encoding.data_frame_primitive_as_vector,
            date_vector_class=encoding.date_vector_class,
        )
        for name in names
        if name in found
    ]

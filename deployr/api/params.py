"""The parameters of a call, wherever they travel: query, form or multipart (client-wire-facts 3, 7x-facts 2.2).

A missing key, a bare key and an empty value all mean "not given", but for the few that :meth:`Params.given_text` reads.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from falcon import uri
from falcon.asgi import Request

from deployr.api.multipart import Multipart, Read, Upload, parse_options_header
from deployr.errors import InvalidParameter, TooLarge
from deployr.settings import Settings

MAX_FORM = 64 * 1024 * 1024
"""Longest urlencoded body, in bytes."""

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_CHUNK = 64 * 1024
_MAX_FIELDS = 1000
_MAX_ITEMS = 10_000
"""Items of a comma list: each may become a parameter of a query, and databases take so many only."""

_LARGE = 256 * 1024
"""Characters of a form from which on it is parsed in a thread, so that other calls go on."""


class MalformedParameter(InvalidParameter):
    """A required parameter is missing, or one cannot be read: the call itself is malformed (HTTP 400)."""


class Params:
    """Typed access to the parameters of one call. Where several names are given, the first one present counts."""

    def __init__(self, values: Mapping[str, str], file: Upload | None = None) -> None:
        self._values = values
        self._file = file

    @property
    def sent(self) -> Mapping[str, str]:
        """All texts by name, as they were sent."""
        return self._values

    def text(self, *names: str) -> str | None:
        """A text, or ``None`` when it is not given."""
        return next((self._values[name] for name in names if self._values.get(name)), None)

    def given_text(self, *names: str) -> str | None:
        """A text for which "empty" says something else than "not given"; a bare key is empty."""
        return next((self._values[name] for name in names if name in self._values), None)

    def required(self, *names: str) -> str:
        """A text that must be given.

        Raises:
            MalformedParameter: it is not.
        """
        text = self.text(*names)
        if text is None:
            raise MalformedParameter(f"Missing parameter: {names[0]}.")
        return text

    def flag(self, *names: str, default: bool = False) -> bool:
        """A boolean, in any case.

        Raises:
            MalformedParameter: it is neither true nor false.
        """
        text = self.text(*names)
        if text is None:
            return default
        if text.strip().lower() not in ("true", "false"):
            raise MalformedParameter(f"Parameter {names[0]} is neither true nor false.")
        return text.strip().lower() == "true"

    def given_flag(self, *names: str) -> bool | None:
        """A boolean, or ``None`` when it is not given."""
        return self.flag(*names) if self.text(*names) else None

    def number(self, *names: str) -> int | None:
        """An integer, or ``None`` when it is not given.

        Raises:
            MalformedParameter: it is no integer.
        """
        text = self.text(*names)
        if text is None:
            return None
        if not re.fullmatch(r"[+-]?\d{1,18}", text.strip(), re.ASCII):
            raise MalformedParameter(f"Parameter {names[0]} is no integer.")
        return int(text)

    def names(self, *names: str) -> list[str]:
        """A comma list without its empty places."""
        return [item for item in self.places(*names) if item]

    def required_names(self, *names: str) -> list[str]:
        """A comma list with at least one item.

        Raises:
            MalformedParameter: it has none.
        """
        items = self.names(*names)
        if not items:
            raise MalformedParameter(f"Missing parameter: {names[0]}.")
        return items

    def places(self, *names: str) -> list[str]:
        """A comma list that is parallel to another one: empty places stand for defaults, a trailing comma for none.

        Raises:
            MalformedParameter: it is too long.
        """
        text = self.text(*names)
        if text and text.count(",") > _MAX_ITEMS:
            raise MalformedParameter(f"Parameter {names[0]} has more than {_MAX_ITEMS} items.")
        items = [item.strip() for item in text.split(",")] if text else []
        return items[:-1] if items and not items[-1] else items

    def file(self) -> Upload:
        """The uploaded file.

        Raises:
            MalformedParameter: there is none.
        """
        if self._file is None:
            raise MalformedParameter("Missing parameter: file.")
        return self._file

    def close(self) -> None:
        """Throw the uploaded file away."""
        if self._file:
            self._file.close()


async def read_params(request: Request, settings: Settings) -> Params:
    """The parameters of a call; those in the body win over those in the query.

    Raises:
        MalformedParameter: body or query cannot be read, or the body does not come.
        TooLarge: the body is too large.
    """
    values = _parse_urlencoded(request.query_string)
    if request.method == "GET":
        return Params(values)
    kind, options = parse_options_header(request.content_type or _FORM)
    if kind == _FORM:
        form = await _read_form(patient(request, settings.server.body_timeout))
        if len(form) < _LARGE:
            return Params(values | _parse_urlencoded(form))
        return Params(values | await asyncio.to_thread(_parse_urlencoded, form))
    if kind == _MULTIPART:
        body = await read_multipart(request, settings, options.get("boundary") or "")
        return Params(values | body.fields, body.file)
    return Params(values)


async def read_multipart(request: Request, settings: Settings, boundary: str, *, file: str = "file") -> Multipart:
    """A multipart body; to be closed.

    Args:
        file: name of the part that is a file.

    Raises:
        MalformedParameter: it cannot be read, or does not come.
        TooLarge: it is.
    """
    if not boundary:
        raise MalformedParameter("The multipart body has no boundary.")
    body = Multipart(boundary, settings.limits.max_upload, file=file)
    try:
        await body.parse(patient(request, settings.server.body_timeout))
    except BaseException as ex:
        body.close()
        if isinstance(ex, ValueError):
            raise MalformedParameter(f"The multipart body is malformed: {ex}.") from ex
        raise
    return body


def patient(request: Request, timeout: float) -> Read:
    """Reads the body of a request, with a limit in seconds to each pause of the client."""

    async def read(size: int) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                return await request.stream.read(size)
        except TimeoutError:
            raise MalformedParameter("The body of the request did not come in time.") from None

    return read


async def _read_form(read: Read) -> str:
    body = bytearray()
    while chunk := await read(_CHUNK):
        body += chunk
        if len(body) > MAX_FORM:
            raise TooLarge(f"The body is larger than {MAX_FORM} bytes.")
    return body.decode("utf-8", "replace")


def _parse_urlencoded(text: str) -> dict[str, str]:
    """The last value of each name; what cannot be decoded becomes a replacement character.

    Falcon's compiled parser takes little more memory than the text; the standard library's takes eighty times as much
    for a text of percent signs.
    """
    if text.count("&") >= _MAX_FIELDS:
        raise MalformedParameter("The request has too many parameters.")
    found = uri.parse_query_string(text, keep_blank=True, csv=False)
    return {name: value[-1] if isinstance(value, list) else value for name, value in found.items()}

"""What may be published (9x-facts 3, 6 and 7)."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from deployr.errors import InvalidParameter
from deployr.mlserver.service_records import Parameter, Service

MAX_NAME = 200
"""Characters of a name or version, of a parameter or of a file."""

MAX_TEXT = 1 << 20
"""Characters of code or of a description."""

MAX_ITEMS = 1000
"""Inputs, outputs or files of a service."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_R_WORDS = {"if", "else", "repeat", "while", "function", "for", "next", "break", "in", "..."}
_R_VALUES = {"TRUE", "FALSE", "NULL", "Inf", "NaN", "NA", "NA_integer_", "NA_real_", "NA_character_", "NA_complex_"}


def check_name(what: str, name: str) -> None:
    """Check the name or version of a service, which is a part of a path.

    Raises:
        InvalidParameter: it cannot be one; the text says which of the two.
    """
    if not name.strip() or name in (".", "..") or "/" in name or not _is_plain(name):
        raise InvalidParameter(f"Parameter {what} cannot be {name[:MAX_NAME]!r}.")


def check_label(what: str, text: str) -> None:
    """Check the name of something that is found by its id; any text will do that is short and of one line.

    Raises:
        InvalidParameter: it has control characters, or too many.
    """
    if not _is_plain(text):
        raise InvalidParameter(f"Parameter {what} has control characters, or more than {MAX_NAME} characters.")


def check(service: Service) -> None:
    """Check what a service is made of.

    Raises:
        InvalidParameter: a part cannot be used; the text names the parameter.
    """
    if service.runtime != "Realtime" and not service.code.strip():
        raise InvalidParameter("Missing parameter: code.")
    texts = {"code": service.code, "initCode": service.init_code, "description": service.description}
    for what, text in texts.items():
        if len(text) > MAX_TEXT:
            raise InvalidParameter(f"Parameter {what} has more than {MAX_TEXT} characters.")
        if _UNSTORABLE.search(text):
            raise InvalidParameter(f"Parameter {what} has characters that no text can have.")
    if service.operation_id is not None and not _is_plain(service.operation_id):
        raise InvalidParameter("Parameter operationId has control characters, or too many.")
    _check_parameters("inputParameterDefinitions", service.inputs, service.runtime)
    _check_parameters("outputParameterDefinitions", service.outputs, service.runtime)
    _check_files(service.output_files)


def _check_parameters(what: str, parameters: Sequence[Parameter], runtime: str) -> None:
    _check_different(what, [parameter.name for parameter in parameters])
    for position, parameter in enumerate(parameters):
        if not _is_variable(parameter.name, runtime):
            raise InvalidParameter(f"Parameter {what}[{position}].name cannot be {parameter.name[:MAX_NAME]!r}.")


def _check_files(names: Sequence[str]) -> None:
    _check_different("outputFileNames", names)
    for position, name in enumerate(names):
        if not name or name in (".", "..") or re.search(r"[/\\]", name) or not _is_plain(name):
            raise InvalidParameter(f"Parameter outputFileNames[{position}] cannot be {name[:MAX_NAME]!r}.")


def _check_different(what: str, names: Iterable[str]) -> None:
    counts = Counter(names)
    if counts.total() > MAX_ITEMS:
        raise InvalidParameter(f"Parameter {what} has more than {MAX_ITEMS} items.")
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InvalidParameter(f"Parameter {what} has {twice[:MAX_NAME]!r} twice.")


def _is_variable(name: str, runtime: str) -> bool:
    """Whether code can name a variable so; R has quotes for odd names, but not for its own words."""
    if runtime == "Python":
        return name.isidentifier() and not keyword.iskeyword(name) and _is_plain(name)
    return bool(name) and name not in _R_WORDS | _R_VALUES and not re.fullmatch(r"\.\.\d+", name) and _is_plain(name)


def _is_plain(name: str) -> bool:
    return len(name) <= MAX_NAME and not _CONTROL.search(name)

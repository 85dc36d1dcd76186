"""What a file's extension says: category, content type, black list. Case is ignored throughout."""

from __future__ import annotations

from collections.abc import Collection

from deployr.errors import InvalidParameter
from deployr.users.caller import Caller

CATEGORIES = {
    "R": ("rdata",),
    "script": ("r", "py"),
    "data": ("csv", "xls"),
    "plot": ("png", "jpg", "svg"),
    "text": ("txt",),
    "pdf": ("pdf",),
    "shell": ("sh", "bash", "csh", "bat"),
}
"""Extensions by category (7x-facts 3.4); ``py`` is an addition."""

OTHER = "other"
"""Category of all other files; Java clients ask for it as ``file``."""

CATEGORY_OF = {extension: category for category, extensions in CATEGORIES.items() for extension in extensions}
_CATEGORY_NAMED = {name.lower(): name for name in (*CATEGORIES, OTHER)} | {"file": OTHER}

_CONTENT_TYPES = {
    "text/plain": ("r", "rmd", "py", "csv", "txt", "dat", "log", "md", "sh", "bash", "csh", "tcsh", "bat"),
    "text/html": ("html", "htm"),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/svg+xml": ("svg",),
    "application/pdf": ("pdf",),
    "application/json": ("json",),
    "application/xml": ("xml",),
    "application/zip": ("zip",),
}
_CONTENT_TYPE_OF = {extension: kind for kind, extensions in _CONTENT_TYPES.items() for extension in extensions}


def extension(filename: str) -> str:
    """What follows the last dot, in lower case; empty without a dot."""
    return filename.rpartition(".")[2].lower() if "." in filename else ""


def category(filename: str) -> str:
    """The file's category."""
    return CATEGORY_OF.get(extension(filename), OTHER)


def parse_category(text: str) -> str:
    """The category that a ``categoryFilter`` means.

    Raises:
        InvalidParameter: there is no such category.
    """
    try:
        return _CATEGORY_NAMED[text.strip().lower()]
    except KeyError:
        raise InvalidParameter(f"There is no file category {text!r}.") from None


def content_type(filename: str) -> str:
    """The file's ``Content-Type``, without a charset."""
    return _CONTENT_TYPE_OF.get(extension(filename), "application/octet-stream")


def spellings(filename: str) -> list[str]:
    """The files that the name of a script may mean, which may lack its ``.R``; the first that exists counts."""
    return [filename, f"{filename}.R", f"{filename}.r"]


def is_script_source(filename: str) -> bool:
    """Whether download policies take it for a script (7x-facts 13.5)."""
    return extension(filename) in ("r", "rmd", "py")


def is_python(filename: str) -> bool:
    """Whether it is a script of Python, an addition to what DeployR ran."""
    return extension(filename) == "py"


def check_type(filename: str, blacklist: Collection[str], caller: Caller) -> None:
    """Check a file that comes in or is about to be loaded against the black list (7x-facts 7.2).

    Raises:
        InvalidParameter: its type is black-listed and the caller does not bypass the list.
    """
    listed = {entry.lower().lstrip(".") for entry in blacklist}
    if extension(filename) in listed and not caller.bypasses_blacklist:
        raise InvalidParameter(f"Files of the type of {filename!r} are not allowed.")

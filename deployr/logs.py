"""One line a record on stderr, ``key=value``, without secrets.

Every process of the server calls :func:`configure`; passwords, tokens and session ids are taken out of whatever is
logged, tracebacks and other libraries' messages included.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
from typing import Any, TextIO

REDACTED = "***"

# Names that end so; no pattern begins with a repetition, so that long texts are searched in one pass.
_SECRET = r"(?:password|passwd|passphrase|pwd|secret|token|[cx]srf|jsessionid|authorization|cookie|api[_-]?key)"  # noqa: S105
_SECRET_NAME = re.compile(rf".*{_SECRET}", re.IGNORECASE)
# The value of a header lasts to the end of its line; its parts are separated by blanks and semicolons.
_HEADER = re.compile(r"((?:authorization|cookie)[\"']?\s*[:=]\s*)[^\n]+", re.IGNORECASE)
_PAIR = re.compile(
    rf"({_SECRET}[\"']?\s*(?:=|:|%3D)\s*)"
    r"(?:b?\"(?:[^\"\\]|\\.)*\"?|b?'(?:[^'\\]|\\.)*'?|[^\s&;,\"')}\]]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_SESSION_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-F]{64}(?![0-9A-Za-z])")
_WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^@\s]+@")


def redact(text: str) -> str:
    """The text with everything blanked that looks like a password, a token or a session id."""
    text = _HEADER.sub(rf"\g<1>{REDACTED}", text)
    text = _PAIR.sub(rf"\g<1>{REDACTED}", text)
    text = _BEARER.sub(rf"\g<1> {REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\g<1>{REDACTED}@", text)
    return _WEB_TOKEN.sub(REDACTED, _SESSION_ID.sub(REDACTED, text))


class LineFormatter(logging.Formatter):
    """``time=… level=… logger=… message=…``, then the record's own ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        parts = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            parts["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            parts["stack"] = record.stack_info
        return " ".join(f"{name}={_shown(name, value)}" for name, value in parts.items())


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send all records of this level and above to the stream, stderr by default."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def log_request(
    logger: logging.Logger,
    *,
    call: str,
    user: str | None,
    status: int,
    error_code: int | None,
    duration_ms: float,
    correlation: str | None = None,
) -> None:
    """Log a handled request.

    Args:
        call: path below the context, e.g. ``/r/user/login``, without a query.
        user: ``None`` for an anonymous caller.
        status: HTTP status.
        error_code: DeployR's ``errorCode``; ``None`` for a success.
        correlation: id that the caller knows the call by, if any.
    """
    fields = {
        "call": call,
        "user": user or "anonymous",
        "status": status,
        "errorCode": error_code,
        "ms": round(duration_ms, 1),
    }
    if correlation:
        fields["correlation"] = correlation
    logger.info("request", extra={"fields": fields})


def _shown(name: str, value: Any) -> str:
    """A value without secrets and line breaks, quoted when it would not stand alone."""
    if value is None:
        return "-"
    text = REDACTED if _SECRET_NAME.fullmatch(name) else redact(str(value))
    if text.isprintable() and text and not re.search(r"[\s\"=]", text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())

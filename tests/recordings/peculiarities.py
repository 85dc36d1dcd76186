"""Recorded requests that do not succeed, or in which the client does not say what it means. All others must succeed."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Peculiarity:
    """What to expect of a request.

    Attributes:
        kind: ``refused`` when that is what the client counts on or the recording asks for the impossible.
        reason: why, in words.
        status: of the reply.
        succeeds: the call works all the same, as it was sent.
        unparsed: the reply has no envelope: the request is no HTTP, or a WebSocket's handshake.
    """

    kind: Literal["refused", "client fault"]
    reason: str
    status: int = 200
    succeeds: bool = False
    unparsed: bool = False


_JAVA = "java-7.3.0", "java-7.4.8", "java-8.0.6"
_NO_SESSION = Peculiarity("refused", "logout of a client that is not logged in; the client knows it by its 403", 403)
_NO_COOKIE = Peculiarity("client fault", "logs out without the cookie of its login", 403)
_NO_PROJECT = Peculiarity("refused", "the recorded file is no exported project")
_NO_OBJECT = Peculiarity("refused", "the recorded file is no `.rData` file")
_NO_ZIP = Peculiarity("refused", "the recorded file is no zip")
_NOT_OPEN = Peculiarity("refused", "the recorded URL is none of this server's files, and its address is private", 403)
_NO_LOGIN = Peculiarity("refused", "code from outside of the repository needs a power user who is logged in", 401)
_NO_LOGIN_FOR_SHELL = Peculiarity("refused", "shell scripts are for users who are logged in", 401)
_NO_CODE = Peculiarity("client fault", "sends neither code nor source: it loses the code or URL of the task", 400)
_WANTS_JSON = Peculiarity("client fault", "asks for a file and expects JSON: it throws", succeeds=True)
_CATEGORY = Peculiarity(
    "client fault", "sends the name of its own type as category; files of all are listed", succeeds=True
)
_NO_REVOKE = Peculiarity("client fault", "sends the author to revoke as `newauthor`", succeeds=True)
_MISSPELT = Peculiarity("client fault", "misspells `storeobject` as `storeobjct`: no object is stored", succeeds=True)
_NO_SCHEDULE = Peculiarity("client fault", "sends no schedule with a scheduled job: it runs once, now", succeeds=True)
_LOST_COOKIE = Peculiarity("client fault", "sends `[object Object]` as cookie: the stream is anonymous", succeeds=True)
_NO_NAME = Peculiarity("client fault", "sends no `filename`, and the name of the part does not count", 400)
_NO_PROJECT_ID = Peculiarity("client fault", "a plot deletes itself without saying of which project", 400)
_NO_VERSION = Peculiarity("client fault", "reverts to no version", 400)
_NO_ADMINISTRATOR = Peculiarity("refused", "management events are for administrators", 403, unparsed=True)
_BLANKS = Peculiarity("client fault", "blanks in the request line: no HTTP", 400, unparsed=True)

PECULIARITIES: dict[tuple[str, int], Peculiarity] = {
    ("deployr-cli-1.1.2", 4): _NO_COOKIE,
    ("js-8.0.5", 133): _NO_COOKIE,
    ("js-8.0.5", 137): _NO_ADMINISTRATOR,
    ("java-8.0.6", 189): _NO_SESSION,
    ("java-rbroker-8.0.6", 4): _NO_SESSION,
    ("java-7.3.0", 104): _BLANKS,
    ("dotnet-8.0.5", 50): _NO_PROJECT_ID,
    ("js-8.0.5", 89): _NO_NAME,
    **dict.fromkeys(zip(_JAVA, (125, 131, 131), strict=True), _NO_REVOKE),
    **dict.fromkeys(zip(_JAVA, (126, 132, 132), strict=True), _NO_VERSION),
    **dict.fromkeys(zip(_JAVA, (166, 179, 179), strict=True), _MISSPELT),
    **dict.fromkeys((("dotnet-8.0.5", n) for n in (31, 49, 100, 156, 157)), _WANTS_JSON),
    **dict.fromkeys((("dotnet-8.0.5", n) for n in (118, 121, 144, 147)), _CATEGORY),
    **dict.fromkeys((("dotnet-rbroker-8.0.5", n) for n in (4, 15, 16, 17, 24)), _NO_CODE),
    ("java-rbroker-8.0.6", 38): _NO_CODE,
    **dict.fromkeys(zip(_JAVA, (153, 166, 166), strict=True), _NO_SCHEDULE),
    **dict.fromkeys(zip(_JAVA, (156, 169, 169), strict=True), _NO_SCHEDULE),
    ("java-rbroker-8.0.6", 39): _NO_SCHEDULE,
    ("js-8.0.5", 142): _LOST_COOKIE,
    **dict.fromkeys(((client, 30) for client in _JAVA), _NO_PROJECT),
    ("js-8.0.5", 23): _NO_PROJECT,
    ("dotnet-8.0.5", 32): _NO_PROJECT,
    **dict.fromkeys(zip(_JAVA, (86, 87, 87), strict=True), _NO_OBJECT),
    ("js-8.0.5", 71): _NO_OBJECT,
    **dict.fromkeys((("dotnet-8.0.5", n) for n in (84, 85)), _NO_OBJECT),
    **dict.fromkeys(zip(_JAVA, (140, 153, 153), strict=True), _NO_ZIP),
    ("js-8.0.5", 114): _NO_ZIP,
    **dict.fromkeys(((client, 39) for client in _JAVA), _NOT_OPEN),
    **dict.fromkeys(zip(_JAVA, (167, 180, 180), strict=True), _NOT_OPEN),
    **dict.fromkeys(((client, 6) for client in _JAVA), _NO_LOGIN),
    ("dotnet-8.0.5", 5): _NO_LOGIN,
    ("dotnet-8.0.5", 7): _NO_LOGIN_FOR_SHELL,
    **dict.fromkeys((("js-8.0.5", n) for n in (77, 95)), _NOT_OPEN),
}
"""By client and number of the request."""

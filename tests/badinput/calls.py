"""The calls and their least parameters; ids are filled in by :class:`stage.Stage`."""

from __future__ import annotations

Params = dict[str, str]

OWN_URL = "/deployr/r/repository/file/download/testuser/kept.R"
PROJECT_CALLS: dict[str, Params] = {
    "/r/project/about": {},
    "/r/project/about/update": {},
    "/r/project/ping": {},
    "/r/project/recycle": {},
    "/r/project/save": {},
    "/r/project/saveas": {"name": "copy"},
    "/r/project/grant": {"newauthor": "basic"},
    "/r/project/package/list": {},
    "/r/project/package/attach": {"name": "stats4"},
    "/r/project/package/detach": {"name": "stats4"},
    "/r/project/close": {},
    "/r/project/delete": {},
    "/r/project/execute/code": {"code": "1"},
    "/r/project/execute/script": {"filename": "kept.R"},
    "/r/project/execute/interrupt": {},
    "/r/project/execute/console": {},
    "/r/project/execute/history": {},
    "/r/project/execute/flush": {},
    "/r/project/execute/result/list": {},
    "/r/project/execute/result/delete": {},
    "/r/project/execute/result/download": {},
    "/r/project/workspace/list": {},
    "/r/project/workspace/get": {"name": "kept"},
    "/r/project/workspace/push": {"inputs": "{}"},
    "/r/project/workspace/delete": {"name": "kept"},
    "/r/project/workspace/save": {},
    "/r/project/workspace/store": {"name": "kept"},
    "/r/project/workspace/load": {"filename": "kept.R"},
    "/r/project/workspace/transfer": {"url": OWN_URL},
    "/r/project/directory/list": {},
    "/r/project/directory/download": {},
    "/r/project/directory/delete": {"filename": "kept.txt"},
    "/r/project/directory/write": {"filename": "written.txt", "text": "x"},
    "/r/project/directory/update": {"filename": "kept.txt", "rename": "kept.txt"},
    "/r/project/directory/store": {"filename": "kept.txt"},
    "/r/project/directory/load": {"filename": "kept.R"},
    "/r/project/directory/transfer": {"filename": "written.txt", "url": OWN_URL},
}
"""Calls of a project, without the parameter ``project``; uploads need a file and are elsewhere."""

USER_CALLS: dict[str, Params] = {
    "/r/user/about": {},
    "/r/user/autosave": {},
    "/r/user/release": {},
    "/r/project/create": {},
    "/r/project/list": {},
    "/r/project/pool": {"poolsize": "1"},
    "/r/repository/file/list": {},
    "/r/repository/file/fetch": {"filename": "kept.R", "author": "testuser"},
    "/r/repository/file/write": {"filename": "kept.R", "text": ""},
    "/r/repository/file/update": {"filename": "kept.R"},
    "/r/repository/file/delete": {"filename": "kept.R"},
    **{call: {"project": "@project@", **params} for call, params in PROJECT_CALLS.items()},
}
"""Calls that need a login, with all they need."""

REQUIRED: list[tuple[str, Params, str]] = [
    ("/r/user/login", {"username": "testuser", "password": "hunter2"}, "username"),
    ("/r/user/login", {"username": "testuser", "password": "hunter2"}, "password"),
    *(
        (call, {"project": "@project@", **params}, name)
        for call, params in PROJECT_CALLS.items()
        for name in params
        if name not in ("rename", "text")
    ),
    *((call, {"project": "@project@", **params}, "project") for call, params in PROJECT_CALLS.items()),
    ("/r/repository/file/download", {"author": "testuser", "filename": "kept.R"}, "author"),
    ("/r/repository/file/download", {"author": "testuser", "filename": "kept.R"}, "filename"),
    ("/r/repository/file/fetch", {"author": "testuser", "filename": "kept.R"}, "author"),
    ("/r/repository/file/fetch", {"author": "testuser", "filename": "kept.R"}, "filename"),
    ("/r/repository/file/write", {"filename": "kept.R", "text": "1"}, "filename"),
    ("/r/repository/file/update", {"filename": "kept.R"}, "filename"),
    ("/r/repository/file/transfer", {"filename": "written.txt", "url": OWN_URL}, "filename"),
    ("/r/repository/file/transfer", {"filename": "written.txt", "url": OWN_URL}, "url"),
    ("/r/project/pool", {"poolsize": "1"}, "poolsize"),
    ("/r/repository/file/delete", {"filename": "kept.R"}, "filename"),
    ("/r/repository/script/execute", {"filename": "kept.R", "author": "testuser"}, "filename"),
]
"""Calls with good parameters, and one of them that they cannot do without."""

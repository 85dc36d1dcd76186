"""The web application: everything is wired here, by hand."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import App, Response

from deployr.api import errors
from deployr.api.call import Call
from deployr.api.downloads import UnsentContents
from deployr.api.event import EventResource, EventsMiddleware
from deployr.api.facades import Facades
from deployr.api.failed_executions import FailedExecutionsMiddleware
from deployr.api.job import JobResource
from deployr.api.paths import PathsMiddleware
from deployr.api.project import ProjectResource
from deployr.api.project_directory import ProjectDirectoryResource
from deployr.api.project_execute import ProjectExecuteResource
from deployr.api.project_package import ProjectPackageResource
from deployr.api.project_workspace import ProjectWorkspaceResource
from deployr.api.repository_directory import RepositoryDirectoryResource
from deployr.api.repository_file import RepositoryFileResource
from deployr.api.repository_script import RepositoryScriptResource
from deployr.api.repository_shell import RepositoryShellResource
from deployr.api.request_log import RequestLogMiddleware
from deployr.api.server import ServerResource
from deployr.api.sessions import TOKEN, SessionsMiddleware
from deployr.api.urls import CONTEXT
from deployr.api.user import UserResource
from deployr.api.v9 import app as v9
from deployr.backend import Backend
from deployr.settings import Settings

Routes = dict[str, tuple[object, str | None]]
"""Resource and suffix of its responders by URI template below the context."""


def create_app(settings: Settings) -> Facades:
    """The ASGI application of a prepared home (see :mod:`deployr.prepare`)."""
    return create_app_of(Backend(settings))


def create_app_of(backend: Backend) -> Facades:
    """The ASGI application of a domain that is wired already: both APIs on one backend."""
    return Facades(_create_legacy(backend), v9.create_app(backend))


def _create_legacy(backend: Backend) -> PathsMiddleware:
    app: App[Call, Response] = App(request_type=Call)
    for middleware in _middleware(backend):
        app.add_middleware(middleware)
    errors.register(app)
    for path, (resource, suffix) in routes(backend).items():
        app.add_route(CONTEXT + path if path else CONTEXT, resource, suffix=suffix)
    return PathsMiddleware(app)


def routes(backend: Backend) -> Routes:
    """All calls, in the order of the reference."""
    server = ServerResource()
    user = UserResource(
        backend.settings,
        backend.accounts,
        backend.logins,
        backend.sessions,
        backend.projects,
        backend.scripts,
        backend.grid,
    )
    project = ProjectResource(backend.projects, backend.pools, backend.preparing, backend.archives)
    execute = ProjectExecuteResource(backend.executions, backend.project_downloads, backend.external)
    workspace = ProjectWorkspaceResource(backend.workspace, backend.workspace_files, backend.fetcher)
    directory = ProjectDirectoryResource(backend.directory, backend.fetcher, backend.project_downloads)
    package = ProjectPackageResource(backend.packages)
    file = RepositoryFileResource(
        backend.files,
        backend.file_changes,
        backend.external_files,
        backend.repositories,
        backend.downloads,
        backend.blobs,
        backend.fetcher,
    )
    directories = RepositoryDirectoryResource(
        backend.directories, backend.external_files, backend.zip_uploads, backend.downloads
    )
    script = RepositoryScriptResource(
        backend.files, backend.external_files, backend.scripts, backend.project_downloads, backend.external
    )
    shell = RepositoryShellResource(backend.shell_scripts)
    job = JobResource(backend.jobs)
    return {
        "": (server, "root"),
        "/r/server/info": (server, "info"),
        "/r/user/login": (user, "login"),
        "/r/user/logout": (user, "logout"),
        "/r/user/about": (user, "about"),
        "/r/user/autosave": (user, "autosave"),
        "/r/user/release": (user, "release"),
        "/r/project/create": (project, "create"),
        "/r/project/pool": (project, "pool"),
        "/r/project/list": (project, "list"),
        "/r/project/about": (project, "about"),
        "/r/project/ping": (project, "ping"),
        "/r/project/about/update": (project, "about_update"),
        "/r/project/recycle": (project, "recycle"),
        "/r/project/save": (project, "save"),
        "/r/project/saveas": (project, "saveas"),
        "/r/project/close": (project, "close"),
        "/r/project/grant": (project, "grant"),
        "/r/project/import": (project, "import"),
        "/r/project/export": (project, "export"),
        "/r/project/export/{project}": (project, "export"),
        "/r/project/delete": (project, "delete"),
        "/r/project/execute/code": (execute, "code"),
        "/r/project/execute/script": (execute, "script"),
        "/r/project/execute/interrupt": (execute, "interrupt"),
        "/r/project/execute/console": (execute, "console"),
        "/r/project/execute/history": (execute, "history"),
        "/r/project/execute/flush": (execute, "flush"),
        "/r/project/execute/result/list": (execute, "result_list"),
        "/r/project/execute/result/print": (execute, "result_print"),
        "/r/project/execute/result/print/{project}/{execution}": (execute, "result_print"),
        "/r/project/execute/result/delete": (execute, "result_delete"),
        "/r/project/execute/result/download": (execute, "result_download"),
        "/r/project/execute/result/download/{project}": (execute, "result_download"),
        "/r/project/execute/result/download/{project}/{execution}": (execute, "result_download"),
        "/r/project/execute/result/download/{project}/{execution}/{filename}": (execute, "result_download"),
        "/r/project/workspace/list": (workspace, "list"),
        "/r/project/workspace/get": (workspace, "get"),
        "/r/project/workspace/push": (workspace, "push"),
        "/r/project/workspace/upload": (workspace, "upload"),
        "/r/project/workspace/transfer": (workspace, "transfer"),
        "/r/project/workspace/save": (workspace, "save"),
        "/r/project/workspace/store": (workspace, "store"),
        "/r/project/workspace/load": (workspace, "load"),
        "/r/project/workspace/delete": (workspace, "delete"),
        "/r/project/package/list": (package, "list"),
        "/r/project/package/attach": (package, "attach"),
        "/r/project/package/detach": (package, "detach"),
        "/r/project/directory/list": (directory, "list"),
        "/r/project/directory/upload": (directory, "upload"),
        "/r/project/directory/transfer": (directory, "transfer"),
        "/r/project/directory/write": (directory, "write"),
        "/r/project/directory/update": (directory, "update"),
        "/r/project/directory/save": (directory, "store"),
        "/r/project/directory/store": (directory, "store"),
        "/r/project/directory/load": (directory, "load"),
        "/r/project/directory/download": (directory, "download"),
        "/r/project/directory/download/{project}": (directory, "download"),
        "/r/project/directory/download/{project}/{filenames}": (directory, "download"),
        "/r/project/directory/delete": (directory, "delete"),
        "/r/repository/directory/list": (directories, "list"),
        "/r/repository/directory/create": (directories, "create"),
        "/r/repository/directory/rename": (directories, "rename"),
        "/r/repository/directory/copy": (directories, "copy"),
        "/r/repository/directory/move": (directories, "move"),
        "/r/repository/directory/update": (directories, "update"),
        "/r/repository/directory/archive": (directories, "archive"),
        "/r/repository/directory/upload": (directories, "upload"),
        "/r/repository/directory/download": (directories, "download"),
        "/r/repository/directory/delete": (directories, "delete"),
        "/r/repository/file/list": (file, "list"),
        "/r/repository/file/upload": (file, "upload"),
        "/r/repository/file/transfer": (file, "transfer"),
        "/r/repository/file/write": (file, "write"),
        "/r/repository/file/fetch": (file, "fetch"),
        "/r/repository/file/update": (file, "update"),
        "/r/repository/file/publish": (file, "publish"),
        "/r/repository/file/download": (file, "download"),
        "/r/repository/file/download/{author}/{path:path}": (file, "download_path"),
        "/r/repository/file/delete": (file, "delete"),
        "/r/repository/file/diff": (file, "diff"),
        "/r/repository/file/diff/{author}/{path:path}": (file, "diff_path"),
        "/r/repository/file/copy": (file, "copy"),
        "/r/repository/file/move": (file, "move"),
        "/r/repository/file/grant": (file, "grant"),
        "/r/repository/file/revert": (file, "revert"),
        "/r/repository/script/list": (script, "list"),
        "/r/repository/script/execute": (script, "execute"),
        "/r/repository/script/render": (script, "render"),
        "/r/repository/script/interrupt": (script, "interrupt"),
        "/r/repository/shell/execute": (shell, "execute"),
        "/r/repository/script/directory/download/{project}": (script, "download"),
        "/r/repository/script/directory/download/{project}/{filenames}": (script, "download"),
        "/r/event/stream": (EventResource(backend.streams, backend.settings), "stream"),
        "/r/job/list": (job, "list"),
        "/r/job/submit": (job, "submit"),
        "/r/job/schedule": (job, "schedule"),
        "/r/job/query": (job, "query"),
        "/r/job/cancel": (job, "cancel"),
        "/r/job/delete": (job, "delete"),
    }


def _middleware(backend: Backend) -> list[Any]:
    """From the outermost one inwards."""
    origins = backend.settings.server.cors_origins
    cors: falcon.CORSMiddleware[Call, Response] = falcon.CORSMiddleware(
        allow_origins=origins, allow_credentials=origins, expose_headers=[TOKEN]
    )
    sessions = SessionsMiddleware(backend.sessions, backend.settings)
    events = EventsMiddleware(backend.streams, backend.settings.events.keep_alive)
    failed = FailedExecutionsMiddleware(backend.grid)
    return [RequestLogMiddleware(), *([cors] if origins else []), sessions, UnsentContents(), events, failed, backend]

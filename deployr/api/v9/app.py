"""The 9.x application: an application of its own, so that nothing of the legacy API touches its calls."""

from __future__ import annotations

import re
from typing import Any

import falcon
from falcon.asgi import App, Response

from deployr.api.v9 import errors
from deployr.api.v9.batch import BatchResource
from deployr.api.v9.call import Call
from deployr.api.v9.compute_nodes import ComputeNodesResource
from deployr.api.v9.consume import ConsumeResource
from deployr.api.v9.login import LoginResource
from deployr.api.v9.middleware import CORRELATION, BearerMiddleware, CorrelationMiddleware
from deployr.api.v9.operations import OPERATIONS
from deployr.api.v9.pools import PoolsResource
from deployr.api.v9.realtime import RealtimeResource
from deployr.api.v9.services import ServicesResource
from deployr.api.v9.session_content import SessionContentResource
from deployr.api.v9.sessions import SessionsResource
from deployr.api.v9.snapshots import SnapshotsResource
from deployr.api.v9.status import StatusResource
from deployr.api.v9.swagger import KeysResource, SwaggerResource
from deployr.backend import Backend
from deployr.settings import Settings

Routes = dict[str, tuple[object, str | None]]
"""Resource and suffix of its responders by URI template."""


def create_app(backend: Backend) -> App[Call, Response]:
    """The ASGI application."""
    settings = backend.settings
    app: App[Call, Response] = App(request_type=Call)
    app.req_options.strip_url_path_trailing_slash = True
    for middleware in _middleware(backend):
        app.add_middleware(middleware)
    errors.register(app)
    for path, (resource, suffix) in available(routes(backend), settings).items():
        app.add_route(path, resource, suffix=suffix)
    return app


def routes(backend: Backend) -> Routes:
    """All paths of all releases."""
    mlserver = backend.mlserver
    login = LoginResource(backend.logins, backend.tokens)
    sessions = SessionsResource(mlserver.sessions, mlserver.executions, mlserver.snapshots)
    content = SessionContentResource(mlserver.session_content)
    batch = BatchResource(mlserver.batches)
    realtime = RealtimeResource(mlserver.realtime_services)
    snapshots = SnapshotsResource(mlserver.snapshots)
    services = ServicesResource(mlserver.services, mlserver.service_scripts)
    swagger = SwaggerResource()
    return {
        "/login": (login, None),
        "/login/refreshToken": (login, "refresh"),
        "/login/refreshToken/{refresh_token}": (login, "token"),
        "/sessions": (sessions, None),
        "/sessions/{id}": (sessions, "one"),
        "/sessions/{id}/force": (sessions, "force"),
        "/sessions/{id}/execute": (sessions, "execute"),
        "/sessions/{id}/cancel": (sessions, "cancel"),
        "/sessions/{id}/console-output": (sessions, "console"),
        "/sessions/{id}/history": (sessions, "history"),
        "/sessions/{id}/workspace": (content, "workspace"),
        "/sessions/{id}/workspace/{object_name}": (content, "object"),
        "/sessions/{id}/files": (content, "files"),
        "/sessions/{id}/files/{file_name}": (content, "file"),
        "/services": (services, None),
        "/services/{name}": (services, "named"),
        "/services/{name}/{version}": (services, "version"),
        "/services/{name}/{version}/pool": (PoolsResource(mlserver.service_pools), None),
        "/realtime-services/{name}": (realtime, "named"),
        "/realtime-services/{name}/{version}": (realtime, "version"),
        "/api/{name}/{version}": (ConsumeResource(mlserver.services, mlserver.consumption), None),
        "/api/{name}/{version}/batch": (batch, None),
        "/api/{name}/{version}/batch/{execution_id}": (batch, "one"),
        "/api/{name}/{version}/batch/{execution_id}/{index}/files": (batch, "files"),
        "/api/{name}/{version}/batch/{execution_id}/{index}/files/{file_name}": (batch, "file"),
        "/api/{name}/{version}/swagger.json": (services, "document"),
        "/sessions/{id}/snapshot": (snapshots, "of_session"),
        "/sessions/{id}/loadsnapshot/{snapshot_id}": (snapshots, "loading"),
        "/snapshots": (snapshots, None),
        "/snapshots/{id}": (snapshots, "one"),
        "/status": (StatusResource(mlserver.status, mlserver.roles), None),
        "/computenodes": (ComputeNodesResource(mlserver.compute_nodes, mlserver.roles), None),
        "/swagger.json": (swagger, None),
        "/swagger/{file_name}": (swagger, "named"),
        "/.well-known/jwks.json": (KeysResource(backend.signing_keys), None),
    }


def available(all_routes: Routes, settings: Settings) -> Routes:
    """The routes without the paths that came after the release that this server speaks."""
    later = {
        template(item.path)
        for item in OPERATIONS
        if not any(other.path == item.path and other.is_in(settings.mlserver.compat) for other in OPERATIONS)
    }
    return {path: route for path, route in all_routes.items() if path not in later}


def template(path: str) -> str:
    """A documented path as a URI template, with names as Python has them: ``{fileName}`` is ``{file_name}``."""
    return re.sub(r"(?<=[a-z])([A-Z])(?=\w*})", lambda match: f"_{match[1].lower()}", path)


def _middleware(backend: Backend) -> list[Any]:
    """From the outermost one inwards."""
    origins = backend.settings.server.cors_origins
    cors: falcon.CORSMiddleware[Call, Response] = falcon.CORSMiddleware(
        allow_origins=origins, expose_headers=[CORRELATION]
    )
    named = CorrelationMiddleware(backend.settings)
    return [named, *([cors] if origins else []), BearerMiddleware(backend.bearers)]

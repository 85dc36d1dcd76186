"""``/services``: published, listed, changed, deleted, and the document of each (9x-facts 6 and 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from falcon.asgi import Response

from deployr.api.v9.call import Call
from deployr.api.v9.definitions import ParameterDefinition, PublishWebServiceRequest, WebService
from deployr.api.v9.replies import reply, reply_document, reply_empty
from deployr.api.v9.service_documents import service_document
from deployr.api.v9.times import creation_time
from deployr.mlserver.service_records import Definition, Parameter, Service
from deployr.mlserver.service_scripts import ServiceScripts
from deployr.mlserver.services import Services
from deployr.users.caller import Caller


class ServicesResource:
    """Calls of the group of service management, but for models and pools."""

    def __init__(self, services: Services, scripts: ServiceScripts) -> None:
        self._services = services
        self._scripts = scripts

    async def on_get(self, req: Call, resp: Response) -> None:
        """The services of all users."""
        await self._list(req, resp, None)

    async def on_get_named(self, req: Call, resp: Response, name: str) -> None:
        """The versions of a service, none for a name that nobody has used."""
        await self._list(req, resp, name)

    async def on_post_named(self, req: Call, resp: Response, name: str) -> None:
        """Publish with a version of the server's choice."""
        await self.on_post_version(req, resp, name, None)

    async def on_post_version(self, req: Call, resp: Response, name: str, version: str | None) -> None:
        """Publish."""
        service = self._services.publish(req.caller, name, version, await self._definition(req))
        reply(resp, document_path(service), 201)

    async def on_get_version(self, req: Call, resp: Response, name: str, version: str) -> None:
        """A list of the one version."""
        reply(resp, [self._record(req.caller, self._services.find(req.caller, name, version))])

    async def on_patch_version(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Change what the request names."""
        service = self._services.update(req.caller, name, version, await self._definition(req))
        reply(resp, document_path(service))

    async def on_delete_version(self, req: Call, resp: Response, name: str, version: str) -> None:
        """Delete; its batches, which may be long, go with it."""
        await asyncio.to_thread(self._services.delete, req.caller, name, version)
        reply_empty(resp)

    async def on_get_document(self, req: Call, resp: Response, name: str, version: str) -> None:
        """The document that clients of the service are generated from."""
        service = self._services.find(req.caller, name, version)
        reply_document(resp, service_document(service, req.settings.mlserver.compat))

    async def _definition(self, req: Call) -> Definition:
        request = await req.read(PublishWebServiceRequest)
        script = request.repository_script
        return await self._scripts.with_code(req.caller, _said(request), script) if script else _said(request)

    async def _list(self, req: Call, resp: Response, name: str | None) -> None:
        """Long lists take a while, meanwhile other calls are served."""
        reply(resp, await asyncio.to_thread(self._records, req.caller, name))

    def _records(self, caller: Caller, name: str | None) -> list[WebService]:
        return [self._record(caller, service) for service in self._services.list(caller, name)]

    def _record(self, caller: Caller, service: Service) -> WebService:
        """What the caller may know of a service."""
        shown = self._services.may_read_code(caller, service)
        return WebService(
            name=service.name,
            version=service.version,
            owner=service.owner,
            version_published_by=service.owner,
            creation_time=creation_time(service.created),
            snapshot_id=service.snapshot_id,
            runtime_type=service.runtime,
            init_code=(service.init_code or None) if shown else None,
            code=(service.code or None) if shown and service.runtime != "Realtime" else None,
            description=service.description,
            operation_id=service.operation_id,
            input_parameter_definitions=_written(service.inputs),
            output_parameter_definitions=_written(service.outputs),
            output_file_names=list(service.output_files),
            my_permission_on_service=self._services.permission(caller, service),
        )


def document_path(service: Service) -> str:
    """Path of a service's document, which publishing and changing answer with."""
    return f"/api/{quote(service.name, safe='')}/{quote(service.version, safe='')}/swagger.json"


def _said(request: PublishWebServiceRequest) -> Definition:
    return Definition(
        runtime=request.runtime_type,
        code=request.code,
        init_code=request.init_code,
        description=request.description,
        operation_id=request.operation_id,
        inputs=_read(request.input_parameter_definitions),
        outputs=_read(request.output_parameter_definitions),
        output_files=None if request.output_file_names is None else tuple(request.output_file_names),
        snapshot_id=request.snapshot_id,
    )


def _read(parameters: Sequence[ParameterDefinition] | None) -> tuple[Parameter, ...] | None:
    return None if parameters is None else tuple(Parameter(item.name, item.type) for item in parameters)


def _written(parameters: Sequence[Parameter]) -> list[ParameterDefinition]:
    return [ParameterDefinition(name=item.name, type=item.type) for item in parameters]

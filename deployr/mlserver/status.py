"""The status document: a tree of components, the root as bad as its worst one (9x-facts 13)."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from typing import Any, Literal

import sqlalchemy as sa

from deployr.errors import NodeNotResponding
from deployr.grid.client import Grid
from deployr.grid.protocol import GridStatus, NodeStatus
from deployr.mlserver.compute_nodes import ComputeNodes
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.ldap import LdapDirectory

StatusCode = Literal["pass", "warn", "fail"]

_BADNESS: list[StatusCode] = ["pass", "warn", "fail"]
_MAX_BACKENDS = 256
"""Most compute nodes shown: ranges may stand for many that do not exist."""


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """State of a component; a leaf has no components of its own."""

    code: StatusCode
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    components: dict[str, Status] | None = None


class ServerStatus:
    """Looks at all parts of the server."""

    def __init__(
        self,
        database: Database,
        grid: Grid,
        nodes: ComputeNodes,
        directory: LdapDirectory | None,
        settings: Settings,
    ) -> None:
        self._database = database
        self._grid = grid
        self._nodes = nodes
        self._directory = directory
        self._settings = settings

    async def read(self) -> Status:
        """The whole tree."""
        components = {"backends": await self._backends(), "database": await asyncio.to_thread(self._store)}
        components |= self._authentication(await self._ldap())
        return Status(_worst(components), self._log_path(), components)

    async def _backends(self) -> Status:
        """One component a compute node; some may fail before all have failed."""
        try:
            grid = await self._grid.status()
        except NodeNotResponding:
            grid = GridStatus(version="", nodes=[])
        nodes = {
            f"{uri}/": self._backend(uri, grid.nodes) for uri in itertools.islice(self._nodes.uris(), _MAX_BACKENDS)
        }
        codes = {node.code for node in nodes.values()}
        return Status("pass" if codes == {"pass"} else "warn" if "pass" in codes else "fail", {}, nodes)

    def _backend(self, uri: str, nodes: list[NodeStatus]) -> Status:
        position = self._nodes.node_of(uri)
        if position is None:
            return Status("fail", {"message": "This server has no such compute node."})
        if position >= len(nodes):
            return Status("fail", {"message": "The compute node does not respond."})
        node = nodes[position]
        return Status("pass" if node.healthy else "fail", self._pool(node) | {"apiVersion": "1.0"} | self._log_path())

    def _pool(self, node: NodeStatus) -> dict[str, Any]:
        """Details as they were called before 9.1, or since."""
        sizes = node.slots, node.used - node.python_used, node.warm - node.python_warm
        if self._settings.mlserver.compat == "9.0.1":
            can = dict.fromkeys(("can Open Shell", "can Write", "can Read", "can Zip"), node.healthy)
            return can | dict(zip(("max Pool Size", "active Shell Count", "current Pool Size"), sizes, strict=True))
        return _shells("r", node, *sizes) | _shells("python", node, node.slots, node.python_used, node.python_warm)

    def _store(self) -> Status:
        kind = self._database.engine.dialect.name
        typed = {} if self._settings.mlserver.compat == "9.0.1" else {"type": kind}
        try:
            with self._database.reading() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return Status("fail", {**typed, "name": "main", "state": "Closed"})
        return Status("pass", {**typed, "name": "main", "state": "Open"})

    def _authentication(self, ldap: dict[str, Status]) -> dict[str, Status]:
        """Who vouches for users; before 9.1 the directory was a component of its own."""
        oidc = self._settings.oidc
        parts: dict[str, Status] = {}
        if oidc.issuer:
            parts["azureActiveDirectory"] = Status("pass", {"authority": oidc.issuer, "audience": oidc.audience})
        if self._settings.mlserver.compat != "9.0.1":
            parts |= ldap
            ldap = {}
        return {"authentication": Status(_worst(parts), {}, parts or None)} | ldap

    async def _ldap(self) -> dict[str, Status]:
        if not self._directory:
            return {}
        host, port = self._directory.address
        details = {"host": host, "port": port, "version": 3}
        try:
            await asyncio.to_thread(self._directory.check)
        except NodeNotResponding as ex:
            return {"ldap": Status("fail", details | {"message": ex.message})}
        return {"ldap": Status("pass", details)}

    def _log_path(self) -> dict[str, Any]:
        """Unknown before 9.1; all processes of this server log to the standard error of the first."""
        return {} if self._settings.mlserver.compat == "9.0.1" else {"logPath": "/dev/stderr"}


def _shells(runtime: str, node: NodeStatus, most: int, used: int, warm: int) -> dict[str, Any]:
    """Details on the sessions of a runtime."""
    return {
        f"{runtime}MaxPoolSize": most,
        f"{runtime}ActiveShellCount": used,
        f"{runtime}CurrentPoolSize": warm,
        f"{runtime}CanOpenShell": str(node.healthy),
    }


def _worst(components: dict[str, Status]) -> StatusCode:
    return max((part.code for part in components.values()), key=_BADNESS.index, default="pass")

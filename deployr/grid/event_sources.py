"""What the grid itself tells: what happens in executions, which slots are taken and freed, how the nodes are."""

from __future__ import annotations

import asyncio
from typing import Any

from deployr.errors import BoundaryExceeded, GridError
from deployr.events.records import (
    Event,
    ExecutionConsole,
    ExecutionError,
    ExecutionRevo,
    GridActivity,
    GridHeartbeat,
    GridWarning,
    NodeState,
    SlotActivity,
    owner_name,
)
from deployr.grid.client import ConsoleSink
from deployr.grid.events import EventHub
from deployr.grid.protocol import Execution, ExecutionRecord, NodeStatus, SessionSpec, is_mixed

_GATHER_SECONDS = 0.02
"""Console text that follows closer than this goes into one event: R prints in small pieces."""


class ExecutionEvents:
    """Tells what happens in one execution to those who may hear it.

    Args:
        spec: of the session that runs it.
        console: also receives the console text.
    """

    def __init__(self, hub: EventHub, spec: SessionSpec, execution: Execution, console: ConsoleSink | None) -> None:
        self._hub = hub
        self._spec = spec
        self._execution = execution
        self._sink = console
        self._texts: list[str] = []
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    def console(self, text: str) -> None:
        """R has printed."""
        if self._sink is not None:
            self._sink(text)
        self._last = text
        if not self._execution.console_events:
            return
        self._texts.append(text)
        if self._timer is None:
            self._send()

    def published(self, value: bytes) -> None:
        """The code has called ``revoEvent``."""
        self._send_rest()
        self._publish(ExecutionRevo(**self._origin, object=value, output=self._last.lstrip("\n")))

    def finished(self, record: ExecutionRecord) -> None:
        """The code ran to its end, well or not."""
        self._send_rest()
        if record.error is None:
            return
        if record.syntax_error:
            self._publish(ExecutionError(**self._origin, error=record.error))
        elif self._execution.console_events:
            self._publish(ExecutionConsole(**self._origin, output=record.error, error=record.error))

    def failed(self, failure: GridError) -> None:
        """The session was lost."""
        self._send_rest()
        self._publish(ExecutionError(**self._origin, error=failure.message))
        if isinstance(failure, BoundaryExceeded):
            self._publish(warning(failure, self._spec))

    @property
    def _origin(self) -> dict[str, Any]:
        spec = self._spec
        return {"owner": spec.owner, "project": spec.session, "job": spec.job, "http": self._execution.http}

    def _publish(self, event: Event) -> None:
        self._hub.publish(event)

    def _send(self) -> None:
        """Send what was gathered; what comes soon after is gathered."""
        self._timer = None
        if self._texts:
            text, self._texts = "".join(self._texts), []
            self._publish(ExecutionConsole(**self._origin, output=text))
            self._timer = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._send)

    def _send_rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._send()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def activity(spec: SessionSpec, node: str, *, is_live: bool) -> GridActivity:
    """A slot was taken or freed."""
    return GridActivity(
        context=spec.job or spec.session,
        activity=spec.context,
        owner=spec.owner,
        http=spec.http,
        node=node,
        node_type=spec.purpose.capitalize(),
        is_live=is_live,
    )


def warning(failure: GridError, spec: SessionSpec) -> GridWarning:
    """A session could not be opened, or was ended, because of a limit."""
    return GridWarning(error=f"{failure.message} Owner: {owner_name(spec.owner)}.", error_code=failure.code)


def heartbeat(server: str, nodes: list[tuple[NodeStatus, list[SessionSpec]]]) -> GridHeartbeat:
    """The state of the nodes of the server at ``host:port``, each with its live sessions."""
    return GridHeartbeat(server=server, nodes=[_node(status, specs) for status, specs in nodes])


def _node(status: NodeStatus, specs: list[SessionSpec]) -> NodeState:
    return NodeState(
        name=status.name,
        description=status.description,
        type="Mixed Mode" if is_mixed(status.purposes) else ", ".join(map(str.capitalize, status.purposes)),
        active=status.healthy,
        slots=status.slots,
        activity=[_slot(spec) for spec in specs],
    )


def _slot(spec: SessionSpec) -> SlotActivity:
    return SlotActivity(
        owner=spec.owner,
        session=spec.job or spec.session,
        context=spec.context,
        node_type=spec.purpose.capitalize(),
        http=spec.http,
        address=spec.address,
    )

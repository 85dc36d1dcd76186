"""Who listens, and to what: the rules of 7x-facts 18.2."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deployr.events.records import (
    MANAGEMENT,
    Event,
    ExecutionConsole,
    ExecutionError,
    ExecutionRevo,
    JobLifecycle,
    http_label,
    user_label,
)

Kind = Literal["authenticated", "anonymous", "management"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A caller who asks for events.

    Attributes:
        kind: of the stream.
        username: ``None`` for an anonymous stream.
        http_session: digest of the HTTP session's id.
        http_only: executions of this HTTP session alone, and no jobs.
        revo_only: no console text.
        project, job: only what belongs to it; what is not the listener's own stays unheard all the same.
    """

    kind: Kind
    username: str | None
    http_session: str
    http_only: bool = False
    revo_only: bool = False
    project: str | None = None
    job: str | None = None

    @property
    def whoami(self) -> str:
        """The name in the stream's own events."""
        return self.username or "anonymous"

    @property
    def owner(self) -> str:
        """Label of the sessions that are the listener's own."""
        return http_label(self.http_session) if self.username is None else user_label(self.username)

    @property
    def labels(self) -> frozenset[str]:
        """What to ask the grid for: also the end of the own HTTP session, see ``SecurityLogout``."""
        heard = MANAGEMENT if self.kind == "management" else self.owner
        return frozenset((heard, http_label(self.http_session)))

    def hears(self, event: Event) -> bool:
        """Whether the event is for this listener."""
        if isinstance(event, ExecutionConsole | ExecutionRevo | ExecutionError):
            return self._hears_execution(event)
        if isinstance(event, JobLifecycle):
            is_own = self.kind == "authenticated" and event.username == self.username
            return is_own and not self.http_only and self._is_chosen(event.project, event.job)
        return self.kind == "management"

    def _hears_execution(self, event: ExecutionConsole | ExecutionRevo | ExecutionError) -> bool:
        if self.kind == "management" or event.owner != self.owner:
            return False
        if self.revo_only and isinstance(event, ExecutionConsole):
            return False
        # Who is not logged in hears one HTTP session anyway: its label is the owner.
        if self.http_only and event.http != self.http_session:
            return False
        return self._is_chosen(event.project, event.job)

    def _is_chosen(self, project: str | None, job: str | None) -> bool:
        return self.project in (None, project) and self.job in (None, job)

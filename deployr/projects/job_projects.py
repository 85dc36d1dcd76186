"""Projects that jobs leave: persistent ones that never were live under a caller's eyes (7x-facts 17.2)."""

from __future__ import annotations

import sqlalchemy as sa

from deployr.projects import rows, saved_rows
from deployr.projects.persistence import ProjectStates
from deployr.projects.records import ORIGINAL, Project, StateParts
from deployr.projects.saved_rows import SavedState
from deployr.store.database import now_ms


class JobProjects:
    """Makes the projects of jobs."""

    def __init__(self, states: ProjectStates) -> None:
        self._states = states

    async def capture(self, session: str) -> SavedState:
        """The state of a job's session; its contents are blobs, to which no row refers yet.

        Raises:
            SessionLost: it is not live.
        """
        return await self._states.capture(session, StateParts())

    def insert(self, connection: sa.Connection, project: Project, state: SavedState) -> None:
        """Write a project and its state, inside of the caller's transaction."""
        rows.insert(connection, project)
        saved_rows.write(connection, project.project, state)


def job_project(session: str, job_name: str, descr: str | None, owner: str) -> Project:
    """The project of a job's session; the suffix of its name is what the Java suite asks for."""
    return Project(
        project=session,
        name=f"{job_name} (Job)",
        descr=descr,
        longdescr=None,
        author=owner,
        authors=(owner,),
        shared=False,
        cookie=None,
        origin=ORIGINAL,
        lastmodified=now_ms(),
        kind="persistent",
        http_session=None,
        live=False,
    )

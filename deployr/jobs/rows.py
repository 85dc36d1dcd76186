"""The rows of jobs; every function works inside of its caller's transaction.

Every change of state is conditional: it happens when the job is in one of the states before, and, for what a runner
says, when the runner still holds the job. Of two that try the same change one succeeds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from deployr.jobs.records import PRIORITIES, Job
from deployr.jobs.states import BEFORE, RUNNING, State
from deployr.store.database import now_ms
from deployr.store.schema import jobs

_RANK = sa.case({priority: rank for rank, priority in enumerate(PRIORITIES)}, value=jobs.c.priority)
_HELD = jobs.c.runner.is_not(None)
_FREE: dict[str, Any] = {"runner": None, "lease": None, "session": None}


# -- for calls --------------------------------------------------------------------------------------------


def insert(connection: sa.Connection, job: Job, *, parameters: str | None, parameters_blob: str | None) -> None:
    """Write a new job with its parameters, or with the SHA-256 of the blob that they are."""
    queued = job.created if job.status == "Queued" else None
    connection.execute(
        jobs.insert().values(
            job=job.job,
            owner=job.owner,
            name=job.name,
            descr=job.descr,
            tag=job.tag,
            priority=job.priority,
            cluster=job.cluster,
            store_project=job.store_project,
            parameters=parameters,
            parameters_blob=parameters_blob,
            schedstart=job.schedstart,
            schedrepeat=job.schedrepeat,
            schedinterval=job.schedinterval,
            runs=job.runs,
            due=job.due,
            queued=queued,
            status=job.status,
            status_msg=job.status_msg,
            project=job.project,
            time_start=job.time_start,
            time_code=job.time_code,
            time_total=job.time_total,
            created=job.created,
        )
    )


def select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Job]:
    """Jobs in the order in which they were sent."""
    return [_record(row) for row in connection.execute(sa.select(jobs).where(*conditions).order_by(jobs.c.id))]


def find(connection: sa.Connection, job: str) -> Job | None:
    """One job."""
    return next(iter(select(connection, jobs.c.job == job)), None)


def parameters(connection: sa.Connection, job: str) -> tuple[str | None, str | None]:
    """What :func:`insert` was given."""
    row = connection.execute(sa.select(jobs.c.parameters, jobs.c.parameters_blob).where(jobs.c.job == job)).one()
    return row.parameters, row.parameters_blob


def move(connection: sa.Connection, job: str, state: State, **values: Any) -> bool:
    """Change the state of a job; false when it is in none that the new one may follow."""
    return _change(connection, jobs.c.job == job, state, values) == 1


def delete(connection: sa.Connection, job: str) -> None:
    """Remove a job."""
    connection.execute(jobs.delete().where(jobs.c.job == job))


# -- for the scheduler ------------------------------------------------------------------------------------


def next_due(connection: sa.Connection) -> int | None:
    """The next start of all schedules; ``None`` when there is none."""
    start: int | None = connection.scalar(sa.select(sa.func.min(jobs.c.due)).where(jobs.c.status == "Scheduled"))
    return start


def queue_due(connection: sa.Connection, now: int) -> list[Job]:
    """Queue the jobs that are due; those that were."""
    due = jobs.c.status == "Scheduled", jobs.c.due <= now
    found = select(connection, *due)
    _change(connection, jobs.c.job.in_([job.job for job in found]), "Queued", {"queued": jobs.c.due})
    return [job for job in select(connection, jobs.c.job.in_([job.job for job in found])) if job.status == "Queued"]


def forsaken(connection: sa.Connection, now: int) -> list[Job]:
    """Jobs whose runners are gone."""
    return select(connection, _HELD, jobs.c.lease < now)


def free(connection: sa.Connection, job: Job) -> None:
    """Take a job from its runner, whoever that is; it stays in its state."""
    connection.execute(jobs.update().where(jobs.c.job == job.job, jobs.c.session == job.session).values(_FREE))


# -- for runners ------------------------------------------------------------------------------------------


def clusters(connection: sa.Connection) -> list[str | None]:
    """The clusters that waiting jobs ask for."""
    waiting = sa.select(jobs.c.cluster).distinct().where(jobs.c.status == "Queued", ~_HELD)
    return list(connection.scalars(waiting))


def claim(
    connection: sa.Connection,
    runner: str,
    session: str,
    lease: int,
    *,
    sent_before: int,
    full: Collection[str | None],
    user_limit: int | None,
) -> Job | None:
    """Give the next job to a runner; it stays queued until :func:`begin`.

    Args:
        session: id of the session that it will have.
        lease: until when the runner has it, in milliseconds since 1970.
        sent_before: only jobs submitted until then, in milliseconds since 1970.
        full: clusters without a free slot; ``None`` is for jobs that name none.
        user_limit: most jobs of one user that runners have at a time.
    """
    wanted = [jobs.c.status == "Queued", ~_HELD, jobs.c.created <= sent_before]
    if None in full:
        wanted.append(jobs.c.cluster.is_not(None))
    if named := [cluster for cluster in full if cluster is not None]:
        wanted.append(sa.or_(jobs.c.cluster.is_(None), jobs.c.cluster.not_in(named)))
    if user_limit is not None:
        held = sa.select(jobs.c.owner).where(_HELD).group_by(jobs.c.owner).having(sa.func.count() >= user_limit)
        wanted.append(jobs.c.owner.not_in(held))
    query = sa.select(jobs.c.job).where(*wanted).order_by(_RANK, jobs.c.queued, jobs.c.id).limit(1)
    job = connection.scalar(query.with_for_update(skip_locked=True))
    if job is None:
        return None
    mine = jobs.update().where(jobs.c.job == job, jobs.c.status == "Queued", ~_HELD)
    taken = connection.execute(mine.values(runner=runner, session=session, lease=lease))
    return find(connection, job) if taken.rowcount == 1 else None


def renew(connection: sa.Connection, runner: str, lease: int, running: Collection[str]) -> None:
    """Keep the jobs that a runner runs, given their ids."""
    mine = jobs.c.runner == runner, jobs.c.job.in_(running)
    connection.execute(jobs.update().where(*mine).values(lease=lease))


def give_back(connection: sa.Connection, runner: str, job: str) -> None:
    """Let others have a job that has not begun; it keeps its place in the queue."""
    mine = jobs.c.job == job, jobs.c.runner == runner, jobs.c.status.not_in(RUNNING)
    connection.execute(jobs.update().where(*mine).values(_FREE))


def begin(connection: sa.Connection, runner: str, job: str) -> bool:
    """A claimed job runs from now on; false when it was cancelled or taken away."""
    mine = sa.and_(jobs.c.job == job, jobs.c.runner == runner)
    return _change(connection, mine, "Running", {"time_start": now_ms()}) == 1


def end(connection: sa.Connection, job: Job, state: State, **values: Any) -> bool:
    """End the present run of a job; false when its session is no longer the job's, or the state may not follow."""
    mine = sa.and_(jobs.c.job == job.job, jobs.c.session == job.session)
    return _change(connection, mine, state, _FREE | values) == 1


def cancelling(connection: sa.Connection, runner: str) -> set[str]:
    """The jobs of a runner that are to be interrupted."""
    wanted = jobs.c.runner == runner, jobs.c.status == "Cancelling"
    return set(connection.scalars(sa.select(jobs.c.job).where(*wanted)))


def sessions(connection: sa.Connection) -> set[str]:
    """Ids of the sessions that runners have for jobs."""
    return set(connection.scalars(sa.select(jobs.c.session).where(_HELD)))


def _change(connection: sa.Connection, which: sa.ColumnElement[bool], state: State, values: dict[str, Any]) -> int:
    """Change the state of jobs that it may follow; how many there were."""
    change = jobs.update().where(which, jobs.c.status.in_(BEFORE[state]))
    return connection.execute(change.values(status=state, **values)).rowcount


def _record(row: sa.Row[Any]) -> Job:
    return Job(
        job=row.job,
        owner=row.owner,
        name=row.name,
        descr=row.descr,
        tag=row.tag,
        priority=row.priority,
        cluster=row.cluster,
        store_project=row.store_project,
        schedstart=row.schedstart,
        schedrepeat=row.schedrepeat,
        schedinterval=row.schedinterval,
        runs=row.runs,
        due=row.due,
        status=row.status,
        status_msg=row.status_msg,
        project=row.project,
        time_start=row.time_start,
        time_code=row.time_code,
        time_total=row.time_total,
        created=row.created,
        session=row.session,
    )


def all_of(jobs_: Sequence[str]) -> sa.ColumnElement[bool]:
    """Condition: one of these jobs."""
    return jobs.c.job.in_(jobs_)


def owned_by(username: str) -> sa.ColumnElement[bool]:
    """Condition: a job of the user's."""
    return jobs.c.owner == username


def in_states(states: Collection[State]) -> sa.ColumnElement[bool]:
    """Condition: in one of these states."""
    return jobs.c.status.in_(states)

"""The queue as one process sees it: what it has claimed, what it takes over from processes that are gone."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from deployr.jobs import leases, rows
from deployr.jobs.records import Job, Told
from deployr.store.database import Database, now_ms


class JobQueue:
    """Claims jobs for a process and keeps them.

    Args:
        user_limit: most jobs of one user that run at a time; ``None`` for no limit.
        delay: milliseconds after its submission in which a job is not claimed.
        tell: is told of each job whose state has changed.

    Attributes:
        holder: id of the process among those that share the database.
    """

    def __init__(self, database: Database, user_limit: int | None, tell: Told, *, delay: int = 0) -> None:
        self.holder = f"RUNNER-{uuid.uuid4()}"
        self._database = database
        self._user_limit = user_limit
        self._tell = tell
        self._delay = delay

    def clusters(self) -> list[str | None]:
        """The clusters that waiting jobs ask for; ``None`` is for jobs that ask for none."""
        with self._database.reading() as connection:
            return rows.clusters(connection)

    def claim(self, full: Collection[str | None]) -> Job | None:
        """The next job for this process, which waits for :meth:`begin` or :meth:`give_back`.

        Args:
            full: clusters whose jobs have to wait.
        """
        session = f"PROJECT-{uuid.uuid4()}"
        with self._database.transaction() as connection:
            return rows.claim(
                connection,
                self.holder,
                session,
                leases.until(),
                sent_before=now_ms() - self._delay,
                full=full,
                user_limit=self._user_limit,
            )

    def begin(self, job: Job) -> Job | None:
        """Let a claimed job run; ``None`` when it was cancelled or taken away."""
        with self._database.transaction() as connection:
            begun = rows.find(connection, job.job) if rows.begin(connection, self.holder, job.job) else None
        if begun is not None:
            self._tell(begun)
        return begun

    def give_back(self, job: Job) -> None:
        """Let others have a job that has not begun."""
        with self._database.transaction() as connection:
            rows.give_back(connection, self.holder, job.job)

    def renew(self, running: Collection[str]) -> bool:
        """Renew the leases of this process; true when it is the one that schedules.

        Args:
            running: ids of the jobs that it runs: what it has lost sight of is for others to end.
        """
        with self._database.transaction() as connection:
            rows.renew(connection, self.holder, leases.until(), running)
            return leases.take(connection, leases.SCHEDULER, self.holder)

    def retire(self) -> None:
        """Give up scheduling, at the end of the process."""
        with self._database.transaction() as connection:
            leases.drop(connection, leases.SCHEDULER, self.holder)

    def cancelling(self) -> set[str]:
        """Jobs of this process that are to be interrupted."""
        with self._database.reading() as connection:
            return rows.cancelling(connection, self.holder)

    def sessions(self) -> set[str]:
        """Ids of the sessions of all jobs that some process has."""
        with self._database.reading() as connection:
            return rows.sessions(connection)

    # -- for the process that schedules -------------------------------------------------------------------

    def next_due(self) -> int | None:
        """The next start of all schedules, in milliseconds since 1970."""
        with self._database.reading() as connection:
            return rows.next_due(connection)

    def queue_due(self) -> int:
        """Queue what is due, if this process is still the one that schedules; how many jobs that were."""
        with self._database.transaction() as connection:
            is_mine = leases.take(connection, leases.SCHEDULER, self.holder)
            queued = rows.queue_due(connection, now_ms()) if is_mine else []
        for job in queued:
            self._tell(job)
        return len(queued)

    def forsaken(self) -> list[Job]:
        """Jobs of processes that are gone."""
        with self._database.reading() as connection:
            return rows.forsaken(connection, now_ms())

    def free(self, job: Job) -> None:
        """Let others have a job that had not begun when its process went."""
        with self._database.transaction() as connection:
            rows.free(connection, job)

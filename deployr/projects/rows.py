"""The rows of projects; every function works inside of its caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deployr.errors import NotFound
from deployr.projects.records import Project
from deployr.store.database import now_ms
from deployr.store.schema import http_sessions, project_authors, projects, users

# No user name has a comma, so one separates them safely.
_authors = (
    sa.select(sa.func.aggregate_strings(project_authors.c.username, ","))
    .where(project_authors.c.project == projects.c.project)
    .correlate(projects)
    .scalar_subquery()
)
_QUERY = sa.select(projects, _authors.label("authors"))
_BY_ID = _QUERY.where(projects.c.project == sa.bindparam("id"))


def owned_by(username: str) -> sa.ColumnElement[bool]:
    """Condition: the user is one of the project's authors."""
    return projects.c.project.in_(sa.select(project_authors.c.project).where(project_authors.c.username == username))


def held_by(username: str) -> sa.ColumnElement[bool]:
    """Condition: the user owns the project, or made it live to read it."""
    of_user = sa.select(http_sessions.c.digest).where(http_sessions.c.username == username)
    return sa.or_(owned_by(username), projects.c.http_session.in_(of_user))


def find(connection: sa.Connection, project: str) -> Project | None:
    """One project; it is not known here whether it is live."""
    row = connection.execute(_BY_ID, {"id": project}).one_or_none()
    return None if row is None else _record(row)


def select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Project]:
    """Projects in the order of their creation."""
    order = projects.c.created, projects.c.project
    return [_record(row) for row in connection.execute(_QUERY.where(*conditions).order_by(*order))]


def insert(connection: sa.Connection, project: Project) -> None:
    """Write a new project of its author."""
    connection.execute(
        projects.insert().values(
            project=project.project,
            name=project.name,
            descr=project.descr,
            longdescr=project.longdescr,
            author=project.author,
            shared=project.shared,
            cookie=project.cookie,
            origin=project.origin,
            created=project.lastmodified,
            lastmodified=project.lastmodified,
            kind=project.kind,
            http_session=project.http_session,
        )
    )
    connection.execute(project_authors.insert().values(project=project.project, username=project.author))


def update(connection: sa.Connection, project: str, **values: Any) -> None:
    """Change columns; the project counts as modified now."""
    change = projects.update().where(projects.c.project == project)
    connection.execute(change.values(lastmodified=now_ms(), **values))


def holder(connection: sa.Connection, project: str) -> str | None:
    """The user whose HTTP session has the project live, if that lasts."""
    held = sa.select(http_sessions.c.username).join(projects, projects.c.http_session == http_sessions.c.digest)
    username: str | None = connection.scalar(held.where(projects.c.project == project))
    return username


def attach(connection: sa.Connection, project: str, http_session: str) -> None:
    """An HTTP session holds the project now; not a change of it."""
    connection.execute(projects.update().where(projects.c.project == project).values(http_session=http_session))


def detach(connection: sa.Connection, project: str) -> None:
    """No HTTP session holds the project any more; not a change of it."""
    connection.execute(projects.update().where(projects.c.project == project).values(http_session=None))


def delete(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Remove projects."""
    connection.execute(projects.delete().where(projects.c.project.in_(ids)))


def add_authors(connection: sa.Connection, project: str, usernames: Sequence[str]) -> None:
    """Make users authors; those who are already stay so.

    Raises:
        NotFound: there is no such user.
    """
    authors = set(connection.scalars(sa.select(project_authors.c.username).where(project_authors.c.project == project)))
    known = set(connection.scalars(sa.select(users.c.username).where(users.c.username.in_(usernames))))
    for username in usernames:
        if username not in known:
            raise NotFound(f"There is no user {username}.")
    for username in known - authors:
        connection.execute(project_authors.insert().values(project=project, username=username))


def drop_author(connection: sa.Connection, project: str, username: str) -> bool:
    """Take a user's authorship away; false for the last author, who keeps it."""
    others = project_authors.c.project == project, project_authors.c.username != username
    heir = connection.scalar(sa.select(sa.func.min(project_authors.c.username)).where(*others))
    if heir is None:
        return False
    mine = project_authors.c.project == project, project_authors.c.username == username
    connection.execute(project_authors.delete().where(*mine))
    made = projects.c.project == project, projects.c.author == username
    connection.execute(projects.update().where(*made).values(author=heir))
    return True


def _record(row: sa.Row[Any]) -> Project:
    return Project(
        project=row.project,
        name=row.name,
        descr=row.descr,
        longdescr=row.longdescr,
        author=row.author or "",
        authors=tuple(sorted(row.authors.split(","))) if row.authors else (),
        shared=row.shared,
        cookie=row.cookie,
        origin=row.origin,
        lastmodified=row.lastmodified,
        kind=row.kind,
        http_session=row.http_session,
        live=False,
    )

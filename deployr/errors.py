"""What can go wrong, in DeployR's terms and without HTTP.

Every error carries the documented ``errorCode`` (``deployr-8.0.5-calls.json``, ``error_codes``) and a
text that may be shown to the caller. ``deployr.api.errors`` alone knows which HTTP status each becomes.
"""

from __future__ import annotations


class DeployrError(Exception):
    """A failure that the caller is told about: ``success:false``, ``error`` and ``errorCode``."""

    code: int = 900

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InternalError(DeployrError):
    """The call is not at fault: the grid failed, or a session or the store gave what cannot be read.

    The legacy API has no other code than 900 for this, which is of server errors in general.
    """


class InvalidParameter(DeployrError):
    """A parameter is missing or cannot be understood."""


class NotFound(DeployrError):
    """A file, object, directory or other part that the caller may see does not exist."""


class AlreadyExists(DeployrError):
    """A name is taken and the call does not overwrite."""


class TooLarge(DeployrError):
    """An upload or value exceeds the server's limit."""


class NotAuthenticated(DeployrError):
    """The call needs an authenticated HTTP session."""

    def __init__(self, message: str = "Authentication required.") -> None:
        super().__init__(message)


class PermissionDenied(DeployrError):
    """The caller may not touch the target, or the target does not exist: the two are never told apart."""


class ProjectBusy(DeployrError):
    """Another call is running on the same project; calls are refused, never queued."""

    def __init__(self, message: str = "The project is busy with another call.") -> None:
        super().__init__(message)


class GridError(DeployrError):
    """The grid could not serve the call; clients treat the codes 910 to 919 as grid failures."""

    code = 919


class UserProjectLimit(GridError):
    """An authenticated user has too many live projects."""

    code = 910


class AnonymousProjectLimit(GridError):
    """An anonymous HTTP session has too many live executions."""

    code = 911


class UserJobLimit(GridError):
    """A user has too many live jobs."""

    code = 912


class NoFreeSlot(GridError):
    """No node has a free slot for this purpose and cluster."""

    code = 913


class BoundaryExceeded(GridError):
    """The R boundary (CPU time) was exceeded; the slot was killed."""

    code = 914


class NodeNotResponding(GridError):
    """The grid or one of its nodes does not answer."""

    code = 915


class NodeAway(NodeNotResponding):
    """There is no grid, or no node of it, that could be asked: nothing of the call has run."""


class SessionLost(GridError):
    """The R session is gone: it crashed, quit, was killed, or belonged to a grid that died.

    Attributes:
        session: its id, which the grid's client fills in: one call may deal with several sessions.
    """

    code = 916

    def __init__(self, message: str, session: str | None = None) -> None:
        super().__init__(message)
        self.session = session


class NotWarm(GridError):
    """The grid has no warm parent of this service now; its code can run in a plain session all the same."""


class BadCredentials(DeployrError):
    """Unknown user name or wrong password."""

    code = 940


class LoginNotPermitted(DeployrError):
    """The account may not use the API."""

    code = 941


class SessionOwned(DeployrError):
    """The HTTP session already belongs to another user."""

    code = 942


class AccountDisabled(DeployrError):
    """The account is disabled."""

    code = 943


class AccountLocked(DeployrError):
    """The account is locked after repeated failures."""

    code = 944


class PasswordExpired(DeployrError):
    """The password must be reset before the account can be used."""

    code = 945

"""``/r/user/*``: login, logout, who am I, what the session holds."""

from __future__ import annotations

import msgspec
from falcon.asgi import Response

from deployr.api import envelope, records
from deployr.api.call import Call
from deployr.api.params import Params
from deployr.api.sessions import TOKEN
from deployr.errors import DeployrError, PermissionDenied
from deployr.events.records import SecurityLogin, SecurityLogout
from deployr.grid.client import Grid
from deployr.projects.projects import Projects
from deployr.projects.scripts import Scripts
from deployr.settings import Settings
from deployr.users.accounts import Accounts
from deployr.users.http_sessions import HttpSessions
from deployr.users.logins import Logins

_LONGEST_NAME = 200
"""Characters of a made-up user name that administrators are shown."""


class UserResource:
    """Calls of ``/r/user``."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        logins: Logins,
        sessions: HttpSessions,
        projects: Projects,
        scripts: Scripts,
        grid: Grid,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._logins = logins
        self._sessions = sessions
        self._projects = projects
        self._scripts = scripts
        self._grid = grid

    async def on_post_login(self, req: Call, resp: Response) -> None:
        """Log in on the HTTP session; the same user again refreshes it."""
        params = await req.read_params()
        username, password = params.required("username"), params.required("password")
        attempt = SecurityLogin(http=req.caller.http_session, username=username[:_LONGEST_NAME])
        try:
            user = await self._logins.authenticate(username, password)
            autosave, relative = _autosave(params), params.flag("relativeurls")
            self._sessions.attach(req.session_id, user.username, autosave=autosave, relative_urls=relative)
        except DeployrError as ex:
            await self._grid.publish(msgspec.structs.replace(attempt, error=ex.message))
            raise
        await self._grid.publish(msgspec.structs.replace(attempt, displayname=user.displayname))
        req.caller = self._sessions.find(req.session_id) or req.caller
        self._reply(req, resp)

    async def on_post_logout(self, req: Call, resp: Response) -> None:
        """Log out: the sessions that the HTTP session holds on the grid end."""
        params = await req.read_params()
        caller = req.caller
        if caller.username is None:
            # Not 401: 8.0.5 clients know a second logout by its 403 (client-wire-facts 5).
            raise PermissionDenied("There is no authenticated HTTP session.")
        usercookie = params.text("usercookie")
        if usercookie:
            self._accounts.set_cookie(caller.username, usercookie)
        ended = SecurityLogout(
            http=caller.http_session, username=caller.username, displayname=caller.displayname, reason="logout"
        )
        try:
            await self._projects.leave(caller.http_session, save=caller.autosave)
            await self._scripts.leave(caller.http_session)
        finally:
            # Whatever the grid says; the housekeeper ends what was left there.
            self._sessions.end(caller.http_session)
            await self._grid.publish(ended)
        envelope.succeed(req, resp)

    async def on_post_about(self, req: Call, resp: Response) -> None:
        """The reply of login once more."""
        req.require_user()
        await req.read_params()
        self._reply(req, resp)

    async def on_post_autosave(self, req: Call, resp: Response) -> None:
        """Turn autosave on or off for the rest of the HTTP session; not given leaves it as it is."""
        caller = req.require_user()
        params = await req.read_params()
        enable = params.given_flag("enable")
        if enable is not None:
            self._sessions.set_autosave(caller.http_session, enable)
        self._reply(req, resp)

    async def on_post_release(self, req: Call, resp: Response) -> None:
        """Free what the user holds on the grid, whichever HTTP session it was made in."""
        caller = req.require_user()
        await req.read_params()
        await self._projects.release(caller)
        await self._scripts.leave(caller.http_session)
        envelope.succeed(req, resp, whoami=caller.username)

    on_get_logout = on_post_logout
    on_get_about = on_post_about
    on_get_autosave = on_post_autosave
    on_get_release = on_post_release

    def _reply(self, req: Call, resp: Response) -> None:
        """Browsers read the token from the body (client-wire-facts 4)."""
        token = {} if self._settings.server.csrf == "off" else {TOKEN: self._sessions.csrf_token(req.session_id)}
        user, limits = records.user(req.caller), records.limits(self._settings)
        envelope.succeed(req, resp, user=user, limits=limits, **token)


def _autosave(params: Params) -> bool:
    """.NET sends ``save``, the opposite of ``disableautosave`` (client-wire-facts 3)."""
    return params.flag("save", default=not params.flag("disableautosave"))

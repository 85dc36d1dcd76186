"""``/r/repository/shell/execute``: shell scripts on the server's machine, a call of 7.4 to 8.0.0."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import envelope
from deployr.api.call import Call
from deployr.api.disconnects import while_connected
from deployr.api.file_params import read_name
from deployr.repository.shell import ShellFailed, ShellScripts


class RepositoryShellResource:
    """Calls of ``/r/repository/shell``."""

    def __init__(self, scripts: ShellScripts) -> None:
        self._scripts = scripts

    async def on_post_execute(self, req: Call, resp: Response) -> None:
        """Run a script; the reply has its lines in ``console``, that of a failed one too."""
        params = await req.read_params()
        running = self._scripts.execute(
            req.caller,
            read_name(params),
            args=params.text("args") or "",
        )
        try:
            console = await while_connected(req, running)
        except ShellFailed as ex:
            envelope.fail(req, resp, ex.message, ex.code, repository={"shell": {"console": ex.console}})
        else:
            envelope.succeed(req, resp, repository={"shell": {"console": console}})

"""Configuration of gunicorn (``--config python:deployr.web``): web workers as the settings say."""

import asyncio
import signal
from typing import Any

from deployr import handover

_settings = handover.receive()

bind = list(_settings.server.bind)
workers = _settings.server.workers
worker_class = "asgi"
asgi_loop = "uvloop"
# Loaded once before the workers are forked: a restarted worker serves at once, and they share memory.
preload_app = True
keepalive = 75
# Less than what the supervisor allows for the end of all its processes.
graceful_timeout = 8
# GET calls of the Java and .NET clients carry their inputs in the query.
limit_request_line = 0
limit_request_field_size = 65536
control_socket_disable = True
# The request log is the application's own (deployr.logs).
accesslog = None
loglevel = "warning"
proc_name = "deployr-web"
# The only WebSockets are event streams, whose clients say nothing.
websocket_max_message_size = 4096


_LOOK_SECONDS = 0.1


def post_worker_init(worker: Any) -> None:
    """Have a worker that is to stop wait for requests that are being answered, but for no others."""
    worker.loop.add_signal_handler(signal.SIGTERM, _stop, worker)


def _stop(worker: Any) -> None:
    from deployr.api.asgi import backend

    worker.handle_exit_signal()
    # They would go on.
    backend.streams.end_all()
    worker.leaving = worker.loop.create_task(_leave(worker))


async def _leave(worker: Any) -> None:
    """gunicorn waits for all connections to close, those too that clients only keep for their next request."""
    from deployr.api.asgi import application, backend

    # gunicorn says to nobody that it has stopped listening.
    while application.in_flight or any(server.is_serving() for server in worker.servers):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)
    await backend.aclose()
    worker.handle_quit_signal()

"""Configuration of gunicorn (``--config python:deployr.web``): web workers as the settings say."""

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


def post_worker_init(worker: Any) -> None:
    """End the event streams when the worker is to stop: it waits for its connections, and they would go on."""
    worker.loop.add_signal_handler(signal.SIGTERM, _stop, worker)


def _stop(worker: Any) -> None:
    from deployr.api.asgi import backend

    worker.handle_exit_signal()
    backend.streams.end_all()

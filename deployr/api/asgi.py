"""The application of a web worker: ``deployr.api.asgi:application``."""

from deployr import handover, logs
from deployr.api.app import create_app_of
from deployr.backend import Backend

_settings = handover.receive()
logs.configure(_settings.server.log_level)
backend = Backend(_settings)
application = create_app_of(backend)

"""The application of a web worker: ``deployr.api.asgi:application``."""

from deployr import handover, logs
from deployr.api.app import create_app

_settings = handover.receive()
logs.configure(_settings.server.log_level)
application = create_app(_settings)

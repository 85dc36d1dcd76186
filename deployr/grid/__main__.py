"""``python -m deployr.grid``: the grid process, started by the supervisor."""

from deployr import handover, logs
from deployr.grid import server

if __name__ == "__main__":
    settings = handover.receive()
    logs.configure(settings.server.log_level)
    server.main(settings)

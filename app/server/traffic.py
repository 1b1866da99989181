"""How many requests and connections are open, and whether new ones may come."""

from app.server.connections import Connections


class Traffic:
    """Counted at the door and by the server, which reads it when it is told to stop."""

    def __init__(self, connections: Connections | None = None) -> None:
        self.open = 0
        self.draining = False
        self.connections = Connections() if connections is None else connections

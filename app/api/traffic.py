"""How many requests are open, and whether new ones may come."""


class Traffic:
    """Counted at the door, read by the server when it is told to stop."""

    def __init__(self) -> None:
        self.open = 0
        self.draining = False

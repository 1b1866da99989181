"""How much a check of a JSON Schema may cost, counted in steps and not in time."""

STEPS = 20_000  # of one answer, all calls together: about a tenth of a second
DEEPEST = 64  # keywords inside one another


class NotJudged(Exception):
    """A schema that is not followed: too costly, or not one that is understood."""


class Budget:
    """The steps that are left."""

    __slots__ = ("_depth", "left")

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps
        self._depth = 0

    def charge(self, steps: int) -> None:
        """Take some. Raises `NotJudged` if there are not as many."""
        self.left -= steps
        if self.left < 0:
            raise NotJudged("the schema costs too much")

    def enter(self) -> None:
        """Go one keyword deeper. Raises `NotJudged` where that is too deep."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotJudged("the schema leads too deep")

    def leave(self) -> None:
        """Come back."""
        self._depth -= 1

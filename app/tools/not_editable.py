"""Why a file can't be edited. PURE."""


class NotEditable(Exception):
    """A file can't be read, or not be edited: where, if that is known, and why."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        self.problem, self.line = problem, line
        super().__init__(problem)

"""The one error of tools, which the agent reads."""

from ...errors import PointsmanError


class Fault(PointsmanError):
    """A tool can't answer; the message names the place, the problem and the way out."""

"""A simulated OpenRouter for demos, tests and replays; it imports nothing from other packages."""

from .hosts import Host
from .server import create_simulator
from .switches import Switches

__all__ = ["Host", "Switches", "create_simulator"]

"""A simulated OpenRouter for demos, tests and replays; it imports nothing from other packages."""

from app.simulator.hosts import Host
from app.simulator.server import create_simulator
from app.simulator.switches import Switches

__all__ = ["Host", "Switches", "create_simulator"]

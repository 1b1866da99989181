"""Pointsman: holds every model to its provider-routing policy, and proves who served."""

__version__ = "0.1.0"

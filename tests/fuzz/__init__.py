"""Strange input without end: see `__main__.py`."""

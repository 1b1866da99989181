"""Faults in what a host answered, found in memory. PURE: only their names leave this room."""

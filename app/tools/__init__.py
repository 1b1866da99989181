"""Tools: how each is pointed at Pointsman in its own formats, and the account of a run. PURE."""

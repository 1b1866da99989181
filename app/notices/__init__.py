"""Notices: what is worth telling, in which words and shapes, and when again. PURE."""

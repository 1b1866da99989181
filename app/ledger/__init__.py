"""The request log: one receipt a request."""

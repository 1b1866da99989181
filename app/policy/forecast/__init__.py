"""Predicts what the router will do with a request, and why."""

"""Budgets: what has been spent under each, and whether a request may still be sent."""

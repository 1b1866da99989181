"""Notifications: events to a webhook, each once among all processes on one ledger."""

"""Audit: whether an endpoint behaves as the reference does, by its answers (docs/audit.md)."""

"""Alembic's scripts, which never change once released; `HEAD` is the newest revision."""

HEAD = "0007"

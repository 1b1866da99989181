"""Alembic's scripts, which never change once released; `HEAD` is the newest revision.

In a rolling update, programs of two versions use one ledger. So a revision adds: tables, and
columns that may be empty. `OLDEST` is the oldest revision whose programs can go on writing to the
schema `HEAD`; it is raised only by a revision that they could not write to, or not rightly.
"""

HEAD = "0009"
OLDEST = "0008"

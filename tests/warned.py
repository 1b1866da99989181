"""What a server under test warned of, without what it says about a busy machine."""

import logging

import pytest


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Each warning and error of the test so far.

    A machine that runs something else for a second blocks every event loop, and Pointsman says so.
    """
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and not record.pathname.endswith("/stalls.py")
    ]

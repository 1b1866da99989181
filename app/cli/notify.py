"""`pointsman notify test`: sends a test notification, and says what came back."""

import asyncio
import time
from datetime import UTC, datetime

from ..errors import SettingsError
from ..ledger.receipt import iso
from ..notices.again import Answer
from ..notices.events import trial
from ..notifying.sender import Sender
from ..notifying.webhook import Webhook
from ..settings import Settings
from .terminal import Console


def webhook_of(settings: Settings) -> Webhook | None:
    """The webhook of these settings; None if none is set."""
    if settings.notify_url is None:
        return None
    return Webhook.of(settings.notify_url, settings.notify_format, settings.notify_secret)


def notify_test(settings: Settings) -> int:
    """Send one, and print the result; the exit code is 1 if it was not accepted.

    Raises `SettingsError` if no webhook is set.
    """
    webhook = webhook_of(settings)
    if webhook is None:
        raise SettingsError("no webhook is set; set POINTSMAN_NOTIFY_URL")
    began = time.perf_counter()
    answer = asyncio.run(_sent(webhook))
    took = (time.perf_counter() - began) * 1000
    how = f"format {webhook.form}, {'signed' if webhook.secret else 'not signed'}"
    verb = "accepted" if answer.is_accepted else "not accepted"
    Console().print(f"{verb} after {took:.0f} ms: {answer} ({how})", soft_wrap=True)
    return 0 if answer.is_accepted else 1


async def _sent(webhook: Webhook) -> Answer:
    sender = Sender(webhook)
    now = iso(datetime.now(UTC))
    try:
        return await sender.send(trial(now=now), at=now, sent_at=now)
    finally:
        await sender.aclose()

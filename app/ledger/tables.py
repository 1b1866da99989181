"""The ledger's tables, as SQLAlchemy Core sees them; migrations create the real ones."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from .bounds import MOST_WHOLE
from .stored_values import milliseconds, picodollars
from .tally import HISTOGRAMS, PICO, SUMS


class Milliseconds(TypeDecorator[datetime]):
    """A UTC time as milliseconds since the epoch: sorts and filters alike on every engine."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Convert Python's time to the stored number."""
        del dialect
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Convert the stored number to Python's time."""
        del dialect
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Dollars(TypeDecorator[Decimal]):
    """USD as whole picodollars (10^-12): exact, and sums are exact on engines without decimals."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:
        """Convert decimal dollars to the stored number."""
        del dialect
        return None if value is None else picodollars(value)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        """Convert the stored number to decimal dollars."""
        del dialect
        return None if value is None else (Decimal(value) / PICO).normalize()


METADATA = sa.MetaData()

# Indexes of these contain only the few rows that `model_sent` does not find anyway.
ASKED_BY_ANOTHER_NAME = sa.text("(model_sent IS NULL OR model_asked <> model_sent)")
SERVED_BY_ANOTHER_NAME = sa.text("(model_sent IS NULL OR model_served <> model_sent)")
SERVED_IN_A_SESSION = sa.text("session IS NOT NULL AND provider IS NOT NULL")
OF_AN_AUDIT = sa.text("audit IS NOT NULL")

# `seq` is the order of writing: the cursor for following the ledger, since a request that began
# earlier may end later. Never reused, so that a follower misses nothing.
RECEIPTS = sa.Table(
    "receipts",
    METADATA,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("started_at", Milliseconds, nullable=False),
    sa.Column("caller", sa.Text),
    sa.Column("user_agent", sa.Text),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("dialect", sa.String(32)),
    sa.Column("model_asked", sa.Text),
    sa.Column("alias", sa.Text),
    sa.Column("model_sent", sa.Text),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("book", sa.String(64)),
    sa.Column("preferences_sent", sa.JSON(none_as_null=True)),
    sa.Column("overruled", sa.JSON, nullable=False),
    sa.Column("streamed", sa.Boolean, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("generation_id", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("model_served", sa.Text),
    sa.Column("quantizations_listed", sa.JSON, nullable=False),
    sa.Column("verdict", sa.String(16)),
    sa.Column("reason", sa.Text),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("attempts", sa.JSON, nullable=False),
    sa.Column("router_strategy", sa.Text),
    sa.Column("cache_status", sa.Text),
    sa.Column("ttfb_ms", sa.Float),
    sa.Column("ttft_ms", sa.Float),
    sa.Column("duration_ms", sa.Float),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("cached_tokens", sa.BigInteger),
    sa.Column("completion_tokens", sa.BigInteger),
    sa.Column("reasoning_tokens", sa.BigInteger),
    sa.Column("tokens_per_second", sa.Float),
    sa.Column("cost_usd", Dollars),
    sa.Column("finish_reason", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("ending", sa.String(16), nullable=False),
    sa.Column("bytes_in", sa.BigInteger, nullable=False),
    sa.Column("bytes_out", sa.BigInteger, nullable=False),
    sa.Column("session", sa.String(64)),
    sa.Column("native_finish_reason", sa.Text),
    sa.Column("service_tier", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("cache_write_tokens", sa.BigInteger),
    sa.Column("is_byok", sa.Boolean),
    sa.Column("upstream_cost_usd", Dollars),
    sa.Column("unread", sa.Text),
    sa.Column("tool_calls", sa.BigInteger),
    sa.Column("defects", sa.JSON, nullable=False),
    sa.Column("max_tokens_asked", sa.BigInteger),
    sa.Column("context_tokens", sa.BigInteger),
    sa.Column("tools_offered", sa.BigInteger),
    sa.Column("response_format", sa.Text),
    sa.Column("modalities", sa.JSON, nullable=False),
    sa.Column("session_source", sa.Text),
    sa.Column("subagent", sa.Text),
    sa.Column("pinned_to", sa.Text),
    sa.Column("pin_reason", sa.Text),
    sa.Column("affinity", sa.Text),
    sa.Column("explanation", sa.JSON(none_as_null=True)),
    sa.Column("token_prices", sa.JSON(none_as_null=True)),
    sa.Column("listing", sa.Text),
    sa.Column("audit", sa.Text),
    sa.Column("cost_source", sa.Text),
    # The values of the next columns are known only when a receipt is written: see rollups.py.
    sa.Column("flip_from", sa.Text),
    sa.Column("flip_tokens", sa.BigInteger),
    sa.Column("flip_pico", sa.BigInteger),
    sa.Index("receipts_started_at", "started_at"),
    sa.Index("receipts_model_sent", "model_sent", "started_at"),
    sa.Index("receipts_provider", "provider", "started_at"),
    sa.Index("receipts_verdict", "verdict", "started_at"),
    sa.Index("receipts_caller", "caller", "started_at"),
    sa.Index(
        "receipts_model_asked",
        *("model_asked", "started_at"),
        sqlite_where=ASKED_BY_ANOTHER_NAME,
        postgresql_where=ASKED_BY_ANOTHER_NAME,
    ),
    sa.Index(
        "receipts_model_served",
        *("model_served", "started_at"),
        sqlite_where=SERVED_BY_ANOTHER_NAME,
        postgresql_where=SERVED_BY_ANOTHER_NAME,
    ),
    sa.Index(
        "receipts_session",
        *("session", "model_sent", "seq"),
        sqlite_where=SERVED_IN_A_SESSION,
        postgresql_where=SERVED_IN_A_SESSION,
    ),
    sa.Index(
        "receipts_audit",
        *("started_at", "audit"),
        sqlite_where=OF_AN_AUDIT,
        postgresql_where=OF_AN_AUDIT,
    ),
    sqlite_autoincrement=True,
)

# What was paid for a request, in picodollars, as `paid_usd` says of a receipt.
_COST = sa.type_coerce(RECEIPTS.c.cost_usd, sa.BigInteger)
_CHARGE = sa.type_coerce(RECEIPTS.c.upstream_cost_usd, sa.BigInteger)
_FEE = sa.func.coalesce(_COST, 0)
PAID_PICO: sa.ColumnElement[int | None] = sa.case(
    (sa.or_(RECEIPTS.c.is_byok.is_not(True), _CHARGE.is_(None)), _COST),
    (_FEE > MOST_WHOLE - _CHARGE, MOST_WHOLE),
    else_=_FEE + _CHARGE,
)

# Which receipts are counted together. The number is a digest of the rest: no writer looks it up.
KEYS = sa.Table(
    "tally_keys",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("provider", sa.Text),
    sa.Column("quantization", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("caller", sa.Text),
    sa.Column("rules", sa.Text, nullable=False),  # a JSON list
    sa.Column("verdict", sa.String(16)),
)

# The counts, by span (see spans.py). Histograms are in the format of histogram.py.
TALLIES = sa.Table(
    "tallies",
    METADATA,
    sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("start", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
    *(sa.Column(name, sa.LargeBinary, nullable=False) for name in HISTOGRAMS),
    sqlite_with_rowid=False,
)

# What requests cost, by quarter of an hour: see spending.py. `writer` is one process; `changed`
# grows with each batch, whichever process writes it. `number` is a digest of what comes before.
SPENDING = sa.Table(
    "spending",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("caller", sa.Text),
    sa.Column("tool", sa.Text),
    sa.Column("session", sa.Text),
    sa.Column("writer", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("pico", sa.BigInteger, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Index("spending_bucket", "bucket", "rule"),
    sa.Index("spending_changed", "changed"),
)

# Which warnings about budgets were given, so that one of several processes gives each of them.
SPENDING_TOLD = sa.Table(
    "spending_told",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", Milliseconds, nullable=False),
    sa.Index("spending_told_at", "at"),
)

# Each listing that a receipt was judged by, once: `body` is its compressed JSON, of `size` bytes.
LISTINGS = sa.Table(
    "listings",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("first_seen", Milliseconds, nullable=False),
    sa.Column("last_seen", Milliseconds, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("listings_last_seen", "last_seen", "size"),
)

# From when to when a model was listed as it was: an endpoint that leaves and comes back makes the
# same listing again, in a span of its own.
LISTING_SPANS = sa.Table(
    "listing_spans",
    METADATA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("since", Milliseconds, primary_key=True, autoincrement=False),
    sa.Column("until", Milliseconds, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Index("listing_spans_digest", "digest", "since"),
    sa.Index("listing_spans_until", "until"),
)

# Audits, finished or not: what each was to ask, and what it found. `size` is the bytes that its
# answers' hashes take.
AUDITS = sa.Table(
    "audits",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("started_at", Milliseconds, nullable=False),
    sa.Column("ended_at", Milliseconds),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Index("audits_model", "model", "started_at"),
    sa.Index("audits_started_at", "started_at"),
)

# What each finished audit found of each endpoint.
AUDIT_VERDICTS = sa.Table(
    "audit_verdicts",
    METADATA,
    sa.Column("audit", sa.String(32), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("at", Milliseconds, nullable=False),
    sa.Column("against", sa.Text, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("found", sa.JSON, nullable=False),
    sa.Index("audit_verdicts_model", "model", "tag", "at"),
)

# The answers to an audit's prompts, as hashes of their beginnings.
AUDIT_ANSWERS = sa.Table(
    "audit_answers",
    METADATA,
    sa.Column("audit", sa.String(32), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("prompt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger),
    sa.Column("completion_tokens", sa.BigInteger),
    sa.Column("reasoning_tokens", sa.BigInteger),
    sa.Column("cost_usd", Dollars),
    sa.Column("dropped", sa.Text),
    sa.Column("receipt", sa.String(32)),
)

# Notifications. `window` is the time, or the like, in which an event is told once for its subject.
NOTICES = sa.Table(
    "notices",
    METADATA,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("window", sa.Text, nullable=False),
    sa.Column("state", sa.Text),
    sa.Column("body", sa.Text, nullable=False),  # JSON
    sa.Column("told_at", Milliseconds, nullable=False),
    sa.Column("due_at", Milliseconds, nullable=False),  # when any process may take it
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("delivered_at", Milliseconds),
    sa.Column("error", sa.Text),
    sa.Index("notices_told_once", "event", "subject", "window", unique=True),
    sa.Index("notices_due", "outcome", "due_at"),
    sa.Index("notices_told_at", "told_at"),
    sqlite_autoincrement=True,
)

# Browsers that are signed in to the dashboard, on a ledger that replicas share. `digest` is of the
# session's id, `proof` of both that id and the caller's key: see sign_ins.py.
SIGN_INS = sa.Table(
    "sign_ins",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("proof", sa.String(64), nullable=False),
    sa.Column("ends_at", Milliseconds, nullable=False),
    sa.Index("sign_ins_ends_at", "ends_at"),
)

# The benchmark scores in use, by a digest of the upstream's address: the export as published, and
# what `kept.json` says of it.
SCORE_EXPORTS = sa.Table(
    "score_exports",
    METADATA,
    sa.Column("upstream", sa.String(64), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("kept", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

# One row: the oldest schema whose programs may write to this ledger.
LEDGER_FORMAT = sa.Table(
    "ledger_format",
    METADATA,
    sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("oldest", sa.String(32), nullable=False),
)

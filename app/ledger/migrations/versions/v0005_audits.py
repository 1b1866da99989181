"""What audits found, and which receipts are an audit's."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_AN_AUDIT = sa.text("audit IS NOT NULL")


def upgrade() -> None:
    """Add a column, an index of no rows yet, and three tables; no row is rewritten."""
    op.add_column("receipts", sa.Column("audit", sa.Text))
    op.create_index(
        "receipts_audit",
        "receipts",
        ["started_at", "audit"],
        sqlite_where=_OF_AN_AUDIT,
        postgresql_where=_OF_AN_AUDIT,
    )
    op.create_table(
        "audits",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index("audits_model", "audits", ["model", "started_at"])
    op.create_index("audits_started_at", "audits", ["started_at"])
    op.create_table(
        "audit_verdicts",
        sa.Column("audit", sa.String(32), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("against", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("found", sa.JSON, nullable=False),
    )
    op.create_index("audit_verdicts_model", "audit_verdicts", ["model", "tag", "at"])
    op.create_table(
        "audit_answers",
        sa.Column("audit", sa.String(32), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("prompt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger),
        sa.Column("completion_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("cost_usd", sa.BigInteger),
        sa.Column("dropped", sa.Text),
        sa.Column("receipt", sa.String(32)),
    )

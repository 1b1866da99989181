"""The listings that receipts were judged by: each once, and when which of them was listed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two empty tables; nothing that is there is touched."""
    op.create_table(
        "listings",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("listings_last_seen", "listings", ["last_seen", "size"])
    op.create_table(
        "listing_spans",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("listing_spans_digest", "listing_spans", ["digest", "since"])
    op.create_index("listing_spans_until", "listing_spans", ["until"])

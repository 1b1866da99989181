"""What replicas share besides receipts: sign-ins, benchmark scores, and which programs may write.

`opening.py` fills `ledger_format`, in the same transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three empty tables; nothing that is there is touched."""
    op.create_table(
        "sign_ins",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sign_ins_ends_at", "sign_ins", ["ends_at"])
    op.create_table(
        "score_exports",
        sa.Column("upstream", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kept", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_format",
        sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("oldest", sa.String(32), nullable=False),
    )

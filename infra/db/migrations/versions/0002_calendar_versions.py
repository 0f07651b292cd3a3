"""Calendar versions

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import infra.db.columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    evidence = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    op.create_table(
        "calendar_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("snapshot", sa.String(length=12), nullable=False, comment="version of the compiled regions"),
        sa.Column(
            "snapshot_files",
            evidence,
            nullable=False,
            comment="its files: name -> key in the document store",
        ),
        sa.Column("layers", evidence, nullable=False, comment="strike days, closed depots, half days; later ones win"),
        sa.Column(
            "digest",
            sa.String(length=12),
            nullable=False,
            comment="of snapshot and layers: equal content, equal digest",
        ),
        sa.Column("published_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("published_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_version")),
    )


def downgrade() -> None:
    op.drop_table("calendar_version")

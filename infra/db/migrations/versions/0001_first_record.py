"""First record

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import infra.db.columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
            comment="1 is the first of the chain",
        ),
        sa.Column("at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False, comment="person, or the run that did it"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="request, booking, hold, …"),
        sa.Column("object_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False, comment="received, approved>covered, …"),
        sa.Column(
            "detail",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="reason and evidence; no personal data",
        ),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("partner", "seq", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_object", ["kind", "object_id"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "booking_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("booking_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column(
            "evidence", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_step")),
    )
    with op.batch_alter_table("booking_step", schema=None) as batch_op:
        batch_op.create_index("ix_booking_step_booking_id", ["booking_id"], unique=False)

    op.create_table(
        "claim",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column(
            "process",
            sa.String(length=40),
            nullable=False,
            comment="pid and start time: tells a dead holder from a live one",
        ),
        sa.Column("taken_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind", sa.String(length=24), nullable=False, comment="label, return_label, pick_list, packing_slips, …"
        ),
        sa.Column("media_type", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False, comment="file name for a person"),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("partner", sa.String(length=40), nullable=True, comment="NULL: the depot's own paper"),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("booking_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wave_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stored_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index("ix_document_request_id", ["request_id"], unique=False)
        batch_op.create_index("ix_document_wave_id", ["wave_id"], unique=False)

    op.create_table(
        "intake_file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False, comment="new requests"),
        sa.Column("repeated", sa.Integer(), nullable=False, comment="rows that said again what is on record"),
        sa.Column("rejected", sa.Integer(), nullable=False, comment="rows with at least one fault"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_file")),
    )
    with op.batch_alter_table("intake_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_intake_file_sha256"), ["sha256"], unique=False)

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "occasion",
            sa.String(length=120),
            nullable=False,
            comment="what is said to whom, once: dispatched/17/partner",
        ),
        sa.Column("channel", sa.String(length=12), nullable=False, comment="email"),
        sa.Column("kind", sa.String(length=40), nullable=False, comment="which letter"),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=True),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wave_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "facts",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="what the letter says, without layout",
        ),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("written_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("sent_at", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.Column("last_problem", sa.String(length=300), nullable=True),
        sa.Column(
            "fence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="number of the claim that may advance this row",
        ),
        sa.Column(
            "lease_until",
            infra.db.columns.Instant(timezone=True),
            nullable=True,
            comment="free for everybody after this; NULL is free",
        ),
        sa.CheckConstraint("state IN ('due', 'sent', 'given_up')", name=op.f("ck_outbox_message_known_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("occasion", name=op.f("uq_outbox_message_occasion")),
    )
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_message_request_id", ["request_id"], unique=False)
        batch_op.create_index("ix_outbox_message_state_due", ["state", "due_at"], unique=False)

    op.create_table(
        "partner",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("brand", sa.String(length=120), nullable=False, comment="what slips and notices are headed with"),
        sa.Column("email", sa.String(length=254), nullable=False, comment="where the partner's notices go"),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False, comment="IANA zone the partner reads dates in"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_partner")),
    )
    op.create_table(
        "stock",
        sa.Column("depot", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("bin", sa.String(length=20), nullable=False, comment="where the picker finds it; empty is unknown"),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False, comment="reserved and not yet out of the door"),
        sa.CheckConstraint("allocated <= on_hand", name=op.f("ck_stock_never_oversold")),
        sa.CheckConstraint("allocated >= 0", name=op.f("ck_stock_nothing_owed_twice")),
        sa.PrimaryKeyConstraint("depot", "part", name=op.f("pk_stock")),
    )
    op.create_table(
        "wave",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("depot", sa.String(length=16), nullable=False),
        sa.Column("ship_on", sa.Date(), nullable=False, comment="local to the depot"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1 is the first release of the day"),
        sa.Column("cutoff_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("opened_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column(
            "fence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="claim that opened it",
        ),
        sa.Column(
            "released_at",
            infra.db.columns.Instant(timezone=True),
            nullable=True,
            comment="when its pick list was stored",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
        sa.UniqueConstraint("depot", "ship_on", "number", name=op.f("uq_wave_depot_ship_on_number")),
    )
    op.create_table(
        "certification",
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("family", sa.String(length=40), nullable=False, comment="product family of the policy pack"),
        sa.Column("until", sa.Date(), nullable=False, comment="last day, inclusive, in the contract's zone"),
        sa.ForeignKeyConstraint(["partner"], ["partner.code"], name=op.f("fk_certification_partner_partner")),
        sa.PrimaryKeyConstraint("partner", "family", name=op.f("pk_certification")),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=False, comment="plan code of the policy pack"),
        sa.Column("account", sa.String(length=40), nullable=False, comment="customer account or master account"),
        sa.Column(
            "sites",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="site ids; empty is every site of the account",
        ),
        sa.Column(
            "categories",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="chosen categories, Enterprise only",
        ),
        sa.Column("onsite", sa.Boolean(), nullable=False, comment="the onsite option was bought"),
        sa.Column("zone", sa.String(length=40), nullable=False, comment="IANA zone in which the term ends"),
        sa.Column("starts_on", sa.Date(), nullable=False, comment="first day, inclusive"),
        sa.Column("ends_on", sa.Date(), nullable=False, comment="last day, inclusive, in `zone`"),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_contract_term_in_order")),
        sa.ForeignKeyConstraint(["partner"], ["partner.code"], name=op.f("fk_contract_partner_partner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("partner", "number", name=op.f("uq_contract_partner_number")),
    )
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contract_partner"), ["partner"], unique=False)

    op.create_table(
        "rejected_row",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False, comment="as seen in Excel"),
        sa.Column("column", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("remedy", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["intake_file.id"], name=op.f("fk_rejected_row_file_id_intake_file"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_row")),
    )
    with op.batch_alter_table("rejected_row", schema=None) as batch_op:
        batch_op.create_index("ix_rejected_row_file_id", ["file_id"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False, comment="the partner's own request number"),
        sa.Column(
            "content_sha256",
            sa.String(length=64),
            nullable=False,
            comment="of the request as received, format-independent",
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_since", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("site", sa.String(length=40), nullable=True),
        sa.Column("serial", sa.String(length=60), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("onsite_wanted", sa.Boolean(), nullable=False),
        sa.Column("incident", sa.String(length=60), nullable=True, comment="the cloud partner's incident number"),
        sa.Column("diagnosed_by", sa.String(length=120), nullable=False),
        sa.Column("diagnosed_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("finding", sa.String(length=500), nullable=False),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.Column("approved_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("approval_zone", sa.String(length=40), nullable=False, comment="as the sender wrote it"),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("subdivision", sa.String(length=6), nullable=True),
        sa.Column("postal_code", sa.String(length=16), nullable=False),
        sa.Column("home_depot", sa.String(length=16), nullable=True, comment="its lane costs least; NULL: no lane"),
        sa.Column("depot", sa.String(length=16), nullable=True, comment="where the parts are reserved"),
        sa.Column("wave_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("file_row", sa.Integer(), nullable=True, comment="row as seen in Excel"),
        sa.Column(
            "fence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="number of the claim that may advance this row",
        ),
        sa.Column(
            "lease_until",
            infra.db.columns.Instant(timezone=True),
            nullable=True,
            comment="free for everybody after this; NULL is free",
        ),
        sa.CheckConstraint(
            "state IN ('received', 'approved', 'covered', 'refused', 'held', 'promised', 'reserved', 'backordered', 'booking', 'booked', 'released', 'picked', 'tendered', 'in_transit', 'delivered', 'installed', 'return_due', 'returned', 'closed', 'cancelled')",
            name=op.f("ck_request_known_state"),
        ),
        sa.ForeignKeyConstraint(["file_id"], ["intake_file.id"], name=op.f("fk_request_file_id_intake_file")),
        sa.ForeignKeyConstraint(["partner"], ["partner.code"], name=op.f("fk_request_partner_partner")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_request_wave_id_wave")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("partner", "id", name=op.f("uq_request_partner_id")),
        sa.UniqueConstraint("partner", "number", name=op.f("uq_request_partner_number")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index("ix_request_fence", ["fence"], unique=False)
        batch_op.create_index("ix_request_partner_serial", ["partner", "serial"], unique=False)
        batch_op.create_index("ix_request_state_home_depot", ["state", "home_depot"], unique=False)
        batch_op.create_index(batch_op.f("ix_request_wave_id"), ["wave_id"], unique=False)

    op.create_table(
        "booking",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("leg", sa.String(length=8), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column(
            "reference",
            sa.String(length=16),
            nullable=False,
            comment="ours, at the carrier; Crockford base32 of an HMAC",
        ),
        sa.Column("carrier", sa.String(length=20), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False, comment="service id of the policy pack"),
        sa.Column("depot", sa.String(length=16), nullable=False),
        sa.Column("ship_on", sa.Date(), nullable=False, comment="local to the depot"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="calls whose bytes may have left"),
        sa.Column(
            "due_at", infra.db.columns.Instant(timezone=True), nullable=True, comment="nothing to do before this"
        ),
        sa.Column("intent_at", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.Column("unknown_since", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.Column("look_ups", sa.Integer(), nullable=False, comment="since the last attempt, failed ones too"),
        sa.Column(
            "negatives", sa.Integer(), nullable=False, comment="look-ups since the last attempt that found nothing"
        ),
        sa.Column("request_sha256", sa.String(length=64), nullable=True, comment="of what was sent"),
        sa.Column("shipment_id", sa.String(length=60), nullable=True),
        sa.Column("tracking_number", sa.String(length=60), nullable=True),
        sa.Column("charge", infra.db.columns.Amount(precision=14, scale=4), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("confirmed_at", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.Column(
            "label_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="document; NULL while the carrier owes the label",
        ),
        sa.Column(
            "fence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="number of the claim that may advance this row",
        ),
        sa.Column(
            "lease_until",
            infra.db.columns.Instant(timezone=True),
            nullable=True,
            comment="free for everybody after this; NULL is free",
        ),
        sa.CheckConstraint("leg IN ('outbound', 'return')", name=op.f("ck_booking_known_leg")),
        sa.CheckConstraint(
            "state IN ('planned', 'intent', 'unknown', 'confirmed', 'rejected', 'quarantined', 'void_intent', 'voided', 'cancelled')",
            name=op.f("ck_booking_known_state"),
        ),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_booking_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("reference", name=op.f("uq_booking_reference")),
        sa.UniqueConstraint("request_id", "leg", "generation", name=op.f("uq_booking_request_id_leg_generation")),
    )
    with op.batch_alter_table("booking", schema=None) as batch_op:
        batch_op.create_index("ix_booking_state_due", ["state", "due_at"], unique=False)
        batch_op.create_index("ix_booking_tracking_number", ["tracking_number"], unique=False)

    op.create_table(
        "consignee",
        sa.Column(
            "request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.Column("contact", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False, comment="E.164"),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("street", sa.String(length=120), nullable=False),
        sa.Column("street2", sa.String(length=120), nullable=True),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("postal_code", sa.String(length=16), nullable=False),
        sa.Column("subdivision", sa.String(length=6), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_consignee_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_consignee")),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False, comment="stable machine word"),
        sa.Column("words", sa.String(length=500), nullable=False, comment="the reason for a person, in English"),
        sa.Column(
            "owner",
            sa.String(length=40),
            nullable=False,
            comment="role that decides: operations, contracts, partner, stock",
        ),
        sa.Column("next_step", sa.String(length=300), nullable=False),
        sa.Column(
            "resume_state", sa.String(length=16), nullable=False, comment="where the request goes on when approved"
        ),
        sa.Column(
            "evidence", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("opened_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.Column("closed_at", infra.db.columns.Instant(timezone=True), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_because", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_hold_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(
            "uq_hold_open",
            ["request_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "promise",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1 is the first"),
        sa.Column(
            "commitment", sa.String(length=8), nullable=False, comment="which of the two dates the plan promises"
        ),
        sa.Column("ship_on", sa.Date(), nullable=False, comment="local to the depot"),
        sa.Column("arrive_on", sa.Date(), nullable=False, comment="local to the site"),
        sa.Column("provisional", sa.Boolean(), nullable=False, comment="a calendar on the way is not final"),
        sa.Column(
            "keeps_nbd",
            sa.Boolean(),
            nullable=False,
            comment="the promised date is the next business day the plan stands for",
        ),
        sa.Column("depot", sa.String(length=16), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("cutoff_at", infra.db.columns.Instant(timezone=True), nullable=False, comment="the cut-off it rides"),
        sa.Column(
            "versions",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="calendars, zones and policy it was computed by",
        ),
        sa.Column(
            "trace",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="the working, day by day",
        ),
        sa.Column(
            "alternatives",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="other depots and why they lost",
        ),
        sa.Column("made_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("commitment IN ('ship', 'arrive')", name=op.f("ck_promise_known_commitment")),
        sa.CheckConstraint("ship_on <= arrive_on", name=op.f("ck_promise_ships_before_it_arrives")),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_promise_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("request_id", "revision", name=op.f("uq_promise_request_id_revision")),
    )
    op.create_table(
        "request_line",
        sa.Column(
            "request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False, comment="1 is the first"),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_request_line_some")),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_request_line_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "line", name=op.f("pk_request_line")),
    )
    op.create_table(
        "reservation",
        sa.Column(
            "request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.String(length=40), nullable=False),
        sa.Column("depot", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=40), nullable=False, comment="what goes"),
        sa.Column(
            "instead_of", sa.String(length=40), nullable=True, comment="what was asked for, where a substitute goes"
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reserved_at", infra.db.columns.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservation_some")),
        sa.ForeignKeyConstraint(
            ["depot", "part"], ["stock.depot", "stock.part"], name=op.f("fk_reservation_depot_part_stock")
        ),
        sa.ForeignKeyConstraint(
            ["partner", "request_id"],
            ["request.partner", "request.id"],
            name=op.f("fk_reservation_partner_request_id_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "line", name=op.f("pk_reservation")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index("ix_reservation_depot_part", ["depot", "part"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.drop_index("ix_reservation_depot_part")

    op.drop_table("reservation")
    op.drop_table("request_line")
    op.drop_table("promise")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_hold_open", sqlite_where=sa.text("closed_at IS NULL"), postgresql_where=sa.text("closed_at IS NULL")
        )

    op.drop_table("hold")
    op.drop_table("consignee")
    with op.batch_alter_table("booking", schema=None) as batch_op:
        batch_op.drop_index("ix_booking_tracking_number")
        batch_op.drop_index("ix_booking_state_due")

    op.drop_table("booking")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_wave_id"))
        batch_op.drop_index("ix_request_state_home_depot")
        batch_op.drop_index("ix_request_partner_serial")
        batch_op.drop_index("ix_request_fence")

    op.drop_table("request")
    with op.batch_alter_table("rejected_row", schema=None) as batch_op:
        batch_op.drop_index("ix_rejected_row_file_id")

    op.drop_table("rejected_row")
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contract_partner"))

    op.drop_table("contract")
    op.drop_table("certification")
    op.drop_table("wave")
    op.drop_table("stock")
    op.drop_table("partner")
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_message_state_due")
        batch_op.drop_index("ix_outbox_message_request_id")

    op.drop_table("outbox_message")
    with op.batch_alter_table("intake_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_intake_file_sha256"))

    op.drop_table("intake_file")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index("ix_document_wave_id")
        batch_op.drop_index("ix_document_request_id")

    op.drop_table("document")
    op.drop_table("claim")
    with op.batch_alter_table("booking_step", schema=None) as batch_op:
        batch_op.drop_index("ix_booking_step_booking_id")

    op.drop_table("booking_step")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_object")

    op.drop_table("audit_entry")

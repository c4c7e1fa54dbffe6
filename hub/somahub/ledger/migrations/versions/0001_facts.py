"""Facts, which nobody can change or remove."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE TRIGGER facts_no_{verb} BEFORE {verb} ON facts BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END"
)
_POSTGRES_FUNCTION = """
CREATE FUNCTION facts_stay() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'facts are never changed'; END $$
"""
_POSTGRES_TRIGGER = (
    "CREATE TRIGGER facts_no_change BEFORE UPDATE OR DELETE ON facts FOR EACH ROW EXECUTE FUNCTION facts_stay()"
)


def upgrade() -> None:
    """Make the table, and the triggers that keep it as written."""
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False, index=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("session", sa.String(128), nullable=False, index=True),
        sa.Column("person", sa.String(128), nullable=False, index=True),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.UniqueConstraint("session", "kind", name="one_fact_of_a_kind"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(verb=verb))
    else:
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)

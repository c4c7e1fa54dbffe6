"""The ledger's one table."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, UniqueConstraint

metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # ISO 8601 in UTC with microseconds: sorts as text, and SQLite keeps no time zone.
    Column("at", String(32), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("session", String(128), nullable=False, index=True),
    Column("person", String(128), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    # A session starts once and stops once, however often a crash makes somebody say so.
    UniqueConstraint("session", "kind", name="one_fact_of_a_kind"),
)

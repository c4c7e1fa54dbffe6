"""The table of accounts. The ledger's migrations make it; nothing here goes into a fact."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, MetaData, String, Table

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password", String(255), nullable=False),
    Column("administrator", Boolean, nullable=False),
    # Whether the password is one that somahub made up, and not yet the person's own.
    Column("given", Boolean, nullable=False),
    # What the person's log-ins have in common: a new password makes a new one, which ends the old log-ins.
    Column("login", String(64), nullable=False),
    # ISO 8601 in UTC, as in the ledger.
    Column("created", String(32), nullable=False),
    Column("changed", String(32), nullable=False),
)

"""Append-only facts: what happened, when, to which session. Nothing here is ever changed or removed."""

from somahub.ledger.book import Ledger

__all__ = ["Ledger"]

"""What an operator does with accounts from the command line; each returns what they are told."""

from __future__ import annotations

from typing import Final

from somahub.accounts import hub
from somahub.accounts.store import Accounts
from somahub.ledger import Ledger
from somahub.settings import Settings

ADMINISTRATOR: Final = "admin"


def open_accounts(settings: Settings) -> Accounts:
    """The accounts of one hub; their table is made where it is not there yet."""
    ledger = Ledger(settings.database)
    ledger.migrate()
    return Accounts(ledger.engine)


def first(settings: Settings, password: str = "") -> str | None:
    """The password of the first administrator, who is made if nobody has an account yet; else None.

    It is made up where none is given.
    """
    return open_accounts(settings).add_first(ADMINISTRATOR, password)


def add(settings: Settings, name: str, *, administrator: bool = False) -> str:
    """Let somebody log in. Raises AccountError when the name is taken or not one."""
    password = open_accounts(settings).add(name, administrator=administrator)
    return f"{name} can log in; the first password, shown this once: {password}"


def reset(settings: Settings, name: str) -> str:
    """Give somebody a new password; their log-ins end, their sessions go on. Raises AccountError if unknown."""
    password = open_accounts(settings).reset(name)
    return f"{name} is logged out everywhere; the new password, shown this once: {password}"


def remove(settings: Settings, name: str) -> str:
    """Let somebody log in no more, and stop their sessions; their files stay. Raises AccountError if unknown."""
    open_accounts(settings).remove(name)
    if hub.forget(settings, name):
        return f"{name} is logged out and cannot log in any more; their sessions are stopped, their files stay"
    return f"{name} cannot log in any more; their files stay. No hub runs: `make down` ends sessions that may be left"

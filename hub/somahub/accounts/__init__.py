"""Who may log in on one machine: accounts with passwords, and what slows guessing."""

from somahub.accounts.store import Account, Accounts

__all__ = ["Account", "Accounts"]

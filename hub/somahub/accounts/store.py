"""Accounts in the database: who may log in, with which password, and who is an administrator."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from somahub import names
from somahub.accounts import passwords
from somahub.accounts.tables import accounts
from somahub.errors import AccountError


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account, without the password.

    ``given`` says that the password is still one that somahub made up; ``login`` is another one with
    each new password, and all log-ins with an older one are over.
    """

    name: str
    administrator: bool
    given: bool
    login: str


class Accounts:
    """The accounts in a database that :meth:`somahub.ledger.Ledger.migrate` has prepared.

    Safe to use from several processes at once. Methods raise AccountError with one line for the person.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, *, administrator: bool = False) -> str:
        """Let ``name`` log in; returns their first password, which is kept nowhere."""
        if line := names.why_not(name):
            raise AccountError(line)
        password = passwords.make()
        try:
            with self._writing() as connection:
                connection.execute(insert(accounts).values(_new(name, password, administrator=administrator)))
        except IntegrityError:
            raise AccountError(
                f"{name!r} has an account already", mend=f"somahub user reset {name}, for a new password"
            ) from None
        return password

    def add_first(self, name: str, password: str = "") -> str | None:
        """Make ``name`` the administrator if nobody has an account yet; returns the password, or None.

        The password is made up where none is given.
        """
        password = password or passwords.make()
        row = _new(name, password, administrator=True)
        nobody = ~exists(select(accounts.c.name))
        only = select(*[literal(value, accounts.c[key].type) for key, value in row.items()]).where(nobody)
        with self._writing() as connection:
            made = connection.execute(insert(accounts).from_select(list(row), only)).rowcount
        return password if made else None

    def remove(self, name: str) -> None:
        """Let ``name`` log in no more."""
        with self._writing() as connection:
            if not connection.execute(delete(accounts).where(accounts.c.name == name)).rowcount:
                raise _unknown(name)

    def reset(self, name: str) -> str:
        """Give ``name`` a new password, which is returned; ends their log-ins."""
        password = passwords.make()
        renewed = update(accounts).where(accounts.c.name == name).values(_renewed(password, given=True))
        with self._writing() as connection:
            if not connection.execute(renewed).rowcount:
                raise _unknown(name)
        return password

    def change(self, name: str, old: str, new: str) -> Account:
        """Replace ``name``'s password ``old`` by ``new``, a choice of their own; ends their log-ins."""
        account = self.verify(name, old)
        if account is None:
            raise AccountError("the current password is not right")
        if line := passwords.why_not(new, name):
            raise AccountError(line)
        if new == old:
            raise AccountError("the new password is the current one: take another")
        # Only if it is still the password that was checked: a reset that came between stands.
        unchanged = (accounts.c.name == name) & (accounts.c.login == account.login)
        values = _renewed(new, given=False)
        with self._writing() as connection:
            if not connection.execute(update(accounts).where(unchanged).values(values)).rowcount:
                raise AccountError("the password has been changed meanwhile by somebody else")
        return replace(account, given=False, login=str(values["login"]))

    def verify(self, name: str, password: str) -> Account | None:
        """The account of ``name`` if ``password`` is theirs. Takes as long whether or not there is one."""
        row = self._row(name)
        right = passwords.matches(password, row["password"] if row else None)
        return _account(row) if row and right else None

    def find(self, name: str) -> Account | None:
        """The account of ``name``, or None."""
        row = self._row(name)
        return _account(row) if row else None

    def _row(self, name: str) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == name)).mappings().first()
        return dict(row) if row else None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise AccountError(f"the accounts at {self._engine.url} cannot be written: {error.orig}") from error


def _account(row: dict[str, Any]) -> Account:
    return Account(row["name"], row["administrator"], row["given"], row["login"])


def _new(name: str, password: str, *, administrator: bool) -> dict[str, Any]:
    row = {"name": name, "administrator": administrator, "created": _now()}
    return row | _renewed(password, given=True)


def _renewed(password: str, *, given: bool) -> dict[str, Any]:
    return {
        "password": passwords.digest(password),
        "given": given,
        "login": secrets.token_hex(32),
        "changed": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _unknown(name: str) -> AccountError:
    return AccountError(f"{name!r} has no account", mend=f"somahub user add {name}")

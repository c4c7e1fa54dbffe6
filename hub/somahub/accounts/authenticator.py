"""Log-in by name and password, for JupyterHub: slowed when it fails, over when the password changes."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Unicode, default

from somahub import names
from somahub.accounts.handlers import PasswordHandler, WaitError
from somahub.accounts.logins import settle
from somahub.accounts.store import Account, Accounts
from somahub.accounts.throttle import Throttle
from somahub.errors import AccountError
from somahub.ledger.book import engine

# Lets a person try on while somebody else guesses their password; it is no log-in.
_DEVICE: Final = "somahub-device"
_DEVICE_DAYS: Final = 365


class PasswordAuthenticator(Authenticator):  # type: ignore[misc]
    """Lets those in who have an account and know its password."""

    database = Unicode(config=True, help="The URL of the database that has the accounts.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accounts = Accounts(engine(self.database))
        self.throttle = Throttle()
        # argon2 takes 64 MiB and a core for a moment: no more than two at once.
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="passwords")

    @default("allow_all")
    def _everybody_with_an_account(self) -> bool:
        return True

    # A log-in is looked up again with a request that comes a second or more after the last look.
    @default("auth_refresh_age")
    def _look_again_after(self) -> int:
        return 1

    # Else a token would outlive its account.
    @default("auth_refresh_strict")
    def _tokens_too(self) -> bool:
        return True

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The log-in for the form's ``username`` and ``password``, or None when they do not fit."""
        name, password = self.normalize_username(data.get("username", "")), data.get("password", "")
        if not name or not password:
            raise web.HTTPError(400, "Write your user name and your password.")
        account = await self.verify(handler, name, password)
        if account is None:
            return None
        user = handler.find_user(account.name)
        if user is not None:
            settle(user.orm_user, account)
        return {"name": account.name, "admin": account.administrator}

    async def verify(self, handler: web.RequestHandler, name: str, password: str) -> Account | None:
        """The account of ``name`` if ``password`` is theirs; raises HTTPError 429 after too many tries."""
        # One key for all names that nobody can have: they are no way to fill the throttle.
        key = "" if names.why_not(name) else name
        address, device = handler.request.remote_ip or "", _device(handler, name)
        wait = math.ceil(self.throttle.attempt(key, address, time.monotonic(), device=device))
        if wait:
            raise WaitError(wait)
        account = await asyncio.get_running_loop().run_in_executor(self._workers, self.accounts.verify, name, password)
        if account is not None:
            self.throttle.succeeded(key, address, device=device)
            _remember_device(handler, name, device or secrets.token_hex(16))
        return account

    async def change(self, name: str, old: str, new: str) -> Account:
        """Give ``name`` a password of their choice; raises AccountError when it cannot be had."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, self.accounts.change, name, old, new)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:
        """Whether the log-ins of ``user`` are still good; with what has changed about them since."""
        account = self.accounts.find(user.name)
        if not settle(user.orm_user, account) or account is None:
            return False
        return True if user.admin == account.administrator else {"admin": account.administrator}

    def add_user(self, user: Any) -> None:
        """Somebody's first log-in, or the hub's start: log-ins that ended while it was down end now."""
        super().add_user(user)
        settle(_of_orm(user), self.accounts.find(user.name))

    def delete_user(self, user: Any) -> None:
        """Whom an administrator removes on the hub's page has no account any more."""
        super().delete_user(user)
        try:
            self.accounts.remove(user.name)
        except AccountError as error:
            self.log.info("Nothing to remove: %s", error)

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """JupyterHub's log-in page, and the page where people change their password."""
        return [*super().get_handlers(app), ("/password", PasswordHandler)]


def _device(handler: web.RequestHandler, name: str) -> str:
    """The name of the device, if ``name`` has logged in from it before; it says so in a cookie that we signed."""
    said = (handler.get_signed_cookie(_DEVICE, max_age_days=_DEVICE_DAYS) or b"").decode()
    device, _, person = said.partition(" ")
    return device if person == name else ""


def _remember_device(handler: web.RequestHandler, name: str, device: str) -> None:
    handler.set_signed_cookie(
        _DEVICE,
        f"{device} {name}",
        expires_days=_DEVICE_DAYS,
        httponly=True,
        samesite="Lax",
        secure=handler.request.protocol == "https",
    )


def _of_orm(user: Any) -> orm.User:
    # JupyterHub gives its own wrapper of a user, but at its start the row itself.
    return getattr(user, "orm_user", user)

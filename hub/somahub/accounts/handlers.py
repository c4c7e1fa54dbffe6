"""The page where people change their password."""

from __future__ import annotations

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from somahub.accounts.logins import settle
from somahub.errors import AccountError


class WaitError(web.HTTPError):
    """Too many tries. ``seconds`` from now on the next one may be made."""

    def __init__(self, seconds: int) -> None:
        self.line = f"Too many tries; wait {seconds} s."
        super().__init__(429, self.line)
        # JupyterHub sends these with the answer.
        self.headers = {"Retry-After": str(seconds)}


class PasswordHandler(BaseHandler):  # type: ignore[misc]
    """``/hub/password``: a form of three fields. XSRF and the Content-Security-Policy are JupyterHub's."""

    @web.authenticated
    async def get(self) -> None:
        """Show the form."""
        await self._show()

    @web.authenticated
    async def post(self) -> None:
        """Change the password, and with it end all log-ins but this one."""
        old, new, again = (self.get_argument(field, "", strip=False) for field in ("old", "new", "again"))
        name = self.current_user.name
        try:
            if new != again:
                raise AccountError("the two new passwords are not the same")
            # By way of the throttle: somebody else at an open browser may not try one after another.
            await self.authenticator.verify(self, name, old)
            account = await self.authenticator.change(name, old, new)
        except WaitError as error:
            self.set_status(error.status_code)
            self.set_header("Retry-After", error.headers["Retry-After"])
            return await self._show(problem=error.line)
        except AccountError as error:
            self.set_status(400)
            line = str(error)
            return await self._show(problem=f"{line[0].upper()}{line[1:]}.")
        settle(self.current_user.orm_user, account)
        self.set_hub_cookie(self.current_user)
        await self._show(changed=True)

    async def _show(self, *, problem: str = "", changed: bool = False) -> None:
        account = self.authenticator.accounts.find(self.current_user.name)
        self.set_header("Cache-Control", "no-store")
        self.finish(
            await self.render_template(
                "password.html", problem=problem, changed=changed, given=bool(account and account.given)
            )
        )

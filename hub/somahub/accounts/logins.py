"""Log-ins in JupyterHub's own database: ended when an account has a new password, or is gone."""

from __future__ import annotations

import secrets
from typing import Final

from jupyterhub import orm
from sqlalchemy.orm import Session, object_session

from somahub.accounts.store import Account

# What JupyterHub notes on the token that it gives to a server.
_SERVERS_NOTE: Final = "Server at "


def settle(user: orm.User, account: Account | None) -> bool:
    """Make the log-ins of ``user`` those of ``account``; False when that ended the ones there were.

    A cookie carries ``cookie_id``, which is the account's ``login`` here. When that has changed, no cookie
    is right any more, and the tokens go with them: those that browsers got for a session, and those that the
    person made. A running session keeps its own, so what it computes goes on. Without an account,
    nobody logs in as ``user``, and no token is left.
    """
    if account is not None and user.cookie_id == account.login:
        return True
    session = object_session(user)
    assert session is not None, "JupyterHub's users are in its database"
    user.cookie_id = account.login if account else secrets.token_hex(32)
    spared = _tokens_of_servers(session, user) if account else set()
    for token in list(user.api_tokens):
        if token.id not in spared:
            session.delete(token)
    session.commit()
    return False


def _tokens_of_servers(session: Session, user: orm.User) -> set[int]:
    """The tokens that the hub gave to the running servers of ``user``.

    A token is known by its note, which anybody can write on a token of their own; but the hub makes a
    server's token just before it notes the start, so it is the last one with that note until then.
    """
    found = set()
    for spawner in session.query(orm.Spawner).filter_by(user_id=user.id):
        if spawner.server is None:
            continue
        tokens = session.query(orm.APIToken).filter_by(
            user_id=user.id, session_id=None, note=_SERVERS_NOTE + spawner.server.base_url
        )
        if spawner.started is not None:
            tokens = tokens.filter(orm.APIToken.created <= spawner.started)
        if token := tokens.order_by(orm.APIToken.id.desc()).first():
            found.add(token.id)
    return found

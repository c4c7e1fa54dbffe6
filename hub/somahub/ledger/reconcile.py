"""What a crash left open is closed: facts compared with what really runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from somahub.model import Fact


def closing(open_facts: Iterable[Fact], running: Collection[str], last_seen: Mapping[str, datetime]) -> list[Fact]:
    """The ``session.stopped`` facts that are missing.

    ``open_facts`` are the starts without a stop, ``running`` the sessions that really run, ``last_seen`` the last
    moment at which a session is known to have run. One of which nothing is known is closed at its start: nobody is
    charged for time that nobody saw.
    """
    return [
        Fact(
            at=max(last_seen.get(fact.session, fact.at), fact.at),
            kind="session.stopped",
            session=fact.session,
            person=fact.person,
            detail=(("reason", "found stopped"),),
        )
        for fact in open_facts
        if fact.session not in running
    ]

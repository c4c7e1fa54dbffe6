"""What happened stays written, once, as it was."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from somahub.errors import LedgerError
from somahub.ledger import Ledger
from somahub.ledger.reconcile import closing
from somahub.model import Fact

T = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    book = Ledger(f"sqlite:///{tmp_path}/somahub.sqlite")
    book.migrate()
    return book


def fact(kind="session.started", session="s1", at=T):
    return Fact(at, kind, session, "anna", (("hardware", "small"),))


def test_facts_are_read_as_they_were_written(ledger):
    ledger.append(fact())
    ledger.append(fact("session.stopped", at=T + timedelta(hours=1)))
    assert ledger.facts() == [fact(), fact("session.stopped", at=T + timedelta(hours=1))]


def test_a_start_or_stop_said_twice_is_kept_once(ledger):
    assert ledger.append(fact())
    assert not ledger.append(fact(at=T + timedelta(minutes=1)))
    assert ledger.facts() == [fact()]


@pytest.mark.parametrize("change", ["DELETE FROM facts", "UPDATE facts SET person = 'ben'"])
def test_a_fact_can_be_neither_changed_nor_removed(ledger, change):
    ledger.append(fact())
    with pytest.raises(sa.exc.DatabaseError, match="facts are never changed"), ledger.engine.begin() as connection:
        connection.execute(sa.text(change))
    assert ledger.facts() == [fact()]


def test_the_sessions_that_run_are_those_started_and_not_stopped(ledger):
    ledger.append(fact(session="s1"))
    ledger.append(fact(session="s2"))
    ledger.append(fact("session.stopped", "s1"))
    assert [f.session for f in ledger.open_sessions()] == ["s2"]


def test_migrating_twice_changes_nothing(ledger):
    ledger.append(fact())
    ledger.migrate()
    assert ledger.facts() == [fact()]


def test_a_ledger_that_cannot_be_opened_says_which(tmp_path):
    with pytest.raises(LedgerError, match=r"the ledger at sqlite:///.*/nowhere/x.sqlite cannot be opened"):
        Ledger(f"sqlite:///{tmp_path}/nowhere/x.sqlite").migrate()


def test_a_session_that_died_unseen_is_closed_when_it_was_last_seen():
    ran, unseen, runs = (fact(session=name) for name in ("ran", "unseen", "runs"))
    seen = T + timedelta(minutes=7)
    made = closing([ran, unseen, runs], running={"runs"}, last_seen={"ran": seen})
    assert [(f.session, f.kind, f.at) for f in made] == [
        ("ran", "session.stopped", seen),
        ("unseen", "session.stopped", T),
    ]


def test_a_session_is_never_closed_before_it_began():
    (made,) = closing([fact()], running=(), last_seen={"s1": T - timedelta(hours=1)})
    assert made.at == T

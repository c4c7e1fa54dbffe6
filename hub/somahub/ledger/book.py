"""Writing facts and reading them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, RowMapping, create_engine, event, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from somahub.errors import LedgerError
from somahub.ledger.tables import facts
from somahub.model import Fact

_MIGRATIONS = Path(__file__).parent / "migrations"


def engine(url: str) -> Engine:
    """An engine for a database ``url``; SQLite is set to lose nothing that was acknowledged."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _durable)
    return made


def _durable(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Ledger:
    """The book of facts in the database at ``url``."""

    def __init__(self, url: str) -> None:
        self.engine = engine(url)

    def migrate(self) -> None:
        """Bring the database to this version's tables; raises LedgerError when it cannot be written."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        try:
            with self.engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except OperationalError as error:
            raise LedgerError(f"the ledger at {self.engine.url} cannot be opened: {error.orig}") from error

    def append(self, fact: Fact) -> bool:
        """Write a fact; False when the session has one of this kind already, which then stands."""
        row = {
            "at": fact.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "kind": fact.kind,
            "session": fact.session,
            "person": fact.person,
            "detail": dict(fact.detail),
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(facts).values(**row))
        except IntegrityError:
            return False
        except OperationalError as error:
            raise LedgerError(f"a fact of session {fact.session} could not be written: {error.orig}") from error
        return True

    def facts(self, session: str | None = None) -> list[Fact]:
        """All facts, or those of one session, in the order in which they were written."""
        query = select(facts).order_by(facts.c.id)
        if session is not None:
            query = query.where(facts.c.session == session)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_fact(row) for row in rows]

    def open_sessions(self) -> list[Fact]:
        """The ``session.started`` facts of sessions that no fact says have stopped."""
        stopped = select(facts.c.session).where(facts.c.kind == "session.stopped")
        query = (
            select(facts).where(facts.c.kind == "session.started", facts.c.session.not_in(stopped)).order_by(facts.c.id)
        )
        with self.engine.connect() as connection:
            return [_fact(row) for row in connection.execute(query).mappings()]


def _fact(row: RowMapping) -> Fact:
    detail = row["detail"]
    assert isinstance(detail, dict)
    return Fact(
        at=datetime.fromisoformat(str(row["at"])),
        kind=row["kind"],
        session=str(row["session"]),
        person=str(row["person"]),
        detail=tuple(sorted((str(key), str(value)) for key, value in detail.items())),
    )

"""Accounts are kept so that only who knows the password is let in, and what changes ends what was."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from somahub.accounts import Accounts, passwords
from somahub.accounts.tables import accounts as table
from somahub.errors import AccountError
from somahub.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = Ledger(f"sqlite:///{tmp_path}/somahub.sqlite")
    opened.migrate()
    return opened


@pytest.fixture
def accounts(ledger: Ledger) -> Accounts:
    return Accounts(ledger.engine)


def test_the_first_password_lets_in_and_no_other_does(accounts: Accounts) -> None:
    password = accounts.add("ada")
    account = accounts.verify("ada", password)
    assert account is not None
    assert (account.name, account.administrator, account.given) == ("ada", False, True)
    for wrong in ("", password.upper(), password[:-1], password + " ", "\x00", "x" * 100_000, "\ud800"):
        assert accounts.verify("ada", wrong) is None
    assert accounts.verify("ben", password) is None


def test_a_first_password_can_be_read_out_and_has_80_bits(accounts: Accounts) -> None:
    made = {passwords.make() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", password) for password in made)


def test_passwords_are_kept_as_argon2id_hashes_alone(accounts: Accounts, tmp_path: Path) -> None:
    password = accounts.add("ada")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert password.encode() not in kept
    assert b"$argon2id$" in kept


def test_an_administrator_is_one(accounts: Accounts) -> None:
    accounts.add("ada", administrator=True)
    account = accounts.find("ada")
    assert account is not None
    assert account.administrator


def test_a_name_is_taken_once_and_must_be_one(accounts: Accounts) -> None:
    accounts.add("ada")
    with pytest.raises(AccountError, match="'ada' has an account already"):
        accounts.add("ada")
    with pytest.raises(AccountError, match="'Ada' cannot be a user name"):
        accounts.add("Ada")


def test_reset_gives_a_new_password_and_ends_log_ins(accounts: Accounts) -> None:
    first = accounts.add("ada")
    before = accounts.find("ada")
    second = accounts.reset("ada")
    after = accounts.verify("ada", second)
    assert before is not None
    assert after is not None
    assert accounts.verify("ada", first) is None
    assert before.login != after.login


def test_removed_people_are_out_and_may_be_added_again(accounts: Accounts) -> None:
    first = accounts.add("ada")
    accounts.remove("ada")
    assert accounts.verify("ada", first) is None
    assert accounts.find("ada") is None
    assert accounts.add("ada") != first


def test_nobody_is_nobody(accounts: Accounts) -> None:
    for act in (accounts.remove, accounts.reset):
        with pytest.raises(AccountError, match="'ada' has no account"):
            act("ada")


def test_people_choose_a_password_of_their_own(accounts: Accounts) -> None:
    first = accounts.add("ada")
    before = accounts.find("ada")
    after = accounts.change("ada", first, "correct horse battery")
    assert after == accounts.verify("ada", "correct horse battery")
    assert before is not None
    assert not after.given
    assert after.login != before.login
    assert accounts.verify("ada", first) is None


@pytest.mark.parametrize(
    ("new", "line"),
    [
        ("short", "the new password is too short: take at least 10 characters"),
        ("x" * 1025, "the new password is too long: take at most 1024 characters"),
        ("aaaaaaaaaaaa", "the new password is easily guessed"),
        ("Ada is my name", "the new password is easily guessed"),
        (None, "the new password is the current one"),
    ],
)
def test_a_bad_choice_is_refused_and_the_old_password_stays(accounts: Accounts, new: str | None, line: str) -> None:
    first = accounts.add("ada")
    with pytest.raises(AccountError, match=line):
        accounts.change("ada", first, first if new is None else new)
    assert accounts.verify("ada", first)


def test_the_current_password_is_asked_for(accounts: Accounts) -> None:
    first = accounts.add("ada")
    with pytest.raises(AccountError, match="the current password is not right"):
        accounts.change("ada", "a guess of mine", "correct horse battery")
    assert accounts.verify("ada", first)


@given(st.text(min_size=1, max_size=40))
def test_what_is_typed_on_another_keyboard_is_the_same_password(text: str) -> None:
    assert passwords._same(unicodedata.normalize("NFD", text)) == passwords._same(unicodedata.normalize("NFC", text))


def test_the_first_administrator_is_made_once(accounts: Accounts) -> None:
    password = accounts.add_first("admin")
    assert password is not None
    account = accounts.verify("admin", password)
    assert account is not None
    assert account.administrator
    assert accounts.add_first("admin") is None
    assert accounts.add_first("root") is None


def test_two_that_start_at_once_make_one_administrator(accounts: Accounts) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(accounts.add_first, [f"admin{n}" for n in range(8)]))
    assert sum(password is not None for password in made) == 1


def test_another_process_may_add_people_while_this_one_looks(accounts: Accounts, ledger: Ledger) -> None:
    program = (
        "import sys; from somahub.accounts import Accounts; from somahub.ledger import Ledger\n"
        "accounts = Accounts(Ledger(sys.argv[1]).engine)\n"
        "for n in range(5): accounts.add(f'person{n}')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(ledger.engine.url)]) as other:
        while other.poll() is None:
            accounts.find("person4")
    assert other.returncode == 0
    assert accounts.find("person4") is not None


def test_an_unknown_name_takes_as_long_as_a_known_one(accounts: Accounts) -> None:
    accounts.add("ada")

    def seconds(name: str) -> float:
        begin = time.perf_counter()
        accounts.verify(name, "a guess of mine")
        return time.perf_counter() - begin

    known, unknown = (median(seconds(name) for _ in range(7)) for name in ("ada", "nobody"))
    # Without the hash, an unknown name would take a hundredth of the time.
    assert 1 / 3 < unknown / known < 3


def test_a_database_that_cannot_be_written_is_one_line(accounts: Accounts, ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("DROP TABLE accounts"))
    with pytest.raises(AccountError, match=r"^the accounts at sqlite:.* cannot be written: no such table: accounts$"):
        accounts.remove("ada")


def test_the_migrations_make_the_table_that_the_code_reads(ledger: Ledger) -> None:
    made = {
        column["name"]: (str(column["type"]), column["nullable"])
        for column in inspect(ledger.engine).get_columns("accounts")
    }
    assert made == {column.name: (str(column.type), column.nullable) for column in table.columns}

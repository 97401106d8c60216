"""Customers from a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnibot.model import Address
from omnibot.roster import RosterError, read_roster
from omnibot.store import Store
from omnibot_email import Email
from omnibot_telegram import Telegram

CHANNELS = {"telegram": Telegram.address, "email": Email.address}


def written(folder: Path, text: str) -> Path:
    file = folder / "customers.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_row_becomes_a_customer(tmp_path: Path) -> None:
    file = written(
        tmp_path, "name,telegram,email,prefers,length\nSarah,4711,sarah@example.org; s@work.example,email,detailed\n"
    )
    [sarah] = read_roster(file, CHANNELS)
    assert sarah.addresses == (
        Address("telegram", "4711"),
        Address("email", "sarah@example.org"),
        Address("email", "s@work.example"),
    )
    assert sarah.facts == {"name": "Sarah", "preference.channel": "email", "preference.length": "detailed"}


def test_addresses_are_spelled_as_they_come_in(tmp_path: Path) -> None:
    [sarah] = read_roster(written(tmp_path, "email\nSarah@Example.ORG;sarah@example.org\n"), CHANNELS)
    assert sarah.addresses == (Address("email", "sarah@example.org"),)


def test_of_two_spellings_the_first_is_written_to(tmp_path: Path) -> None:
    [sarah] = read_roster(written(tmp_path, "email\nsarah+shop@example.org;sarah@example.org\n"), CHANNELS)
    assert sarah.addresses == (Address("email", "sarah+shop@example.org"),)


def test_the_companys_own_id_goes_along(tmp_path: Path) -> None:
    sarah, mike = read_roster(written(tmp_path, "telegram,user_id\n1, Kd-17 \n2,\n"), CHANNELS)
    assert (sarah.user_id, mike.user_id) == ("Kd-17", "")


def test_empty_cells_say_nothing(tmp_path: Path) -> None:
    [mike] = read_roster(written(tmp_path, "name,telegram,prefers\n,4712,\n"), CHANNELS)
    assert mike.facts == {}


def test_without_a_channel_it_says_that_one_is_to_be_configured(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="no channel is configured") as told:
        read_roster(written(tmp_path, "name,telegram\nSarah,1\n"), {})
    assert "unknown column" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("name,telegramm\nSarah,1\n", ["line 1: unknown column 'telegramm'", "line 1: no column with addresses"]),
        ("name,telegram\nSarah,\n", ["line 2: no address"]),
        ("telegram,register\n1,posh\n", ["line 2: register is 'posh': use casual or formal"]),
        ("telegram,language\n1,klingon\n", ["line 2: language is 'klingon': use its code of two letters"]),
        ("telegram,prefers\n1,fax\n", ["line 2: prefers is 'fax'"]),
        ("telegram\n@sarah\n", ["line 2: telegram: '@sarah' is no Telegram id"]),
        ("email\nSarah\n", ["line 2: email: 'Sarah' is no email address"]),
        ("email\na@b.example\nA@B.example\n", ["line 3: email address is on line 2 too"]),
        ("telegram\n1\n1\n", ["line 3: telegram address is on line 2 too"]),
        ("email\na@b.example\nA+shop@B.example\n", ["line 3: email address is on line 2 too"]),
        ("telegram,user_id\n1,7\n2,7\n", ["line 3: user_id is on line 2 too"]),
        ("telegram,user_id\n1," + "7" * 321 + "\n", ["line 2: user_id is longer than any id"]),
        ("telegram\n1,2\n", ["line 2: more cells than columns"]),
        ("telegram,length\n,x\n", ["line 2: no address", "line 2: length is 'x'"]),
    ],
)
def test_all_faults_are_told_with_their_line(tmp_path: Path, text: str, faults: list[str]) -> None:
    with pytest.raises(RosterError) as told:
        read_roster(written(tmp_path, text), CHANNELS)
    assert len(told.value.faults) == len(faults)
    for found, expected in zip(told.value.faults, faults, strict=True):
        assert found.startswith(expected)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="give a CSV file"):
        read_roster(tmp_path / "absent.csv", CHANNELS)
    (tmp_path / "latin.csv").write_bytes(b"telegram,name\n1,Jos\xe9\n")
    with pytest.raises(RosterError, match="UTF-8"):
        read_roster(tmp_path / "latin.csv", CHANNELS)


async def test_known_customers_are_imported_once_and_conflicts_left_alone(store: Store, tmp_path: Path) -> None:
    file = written(tmp_path, "name,telegram,email\nSarah,1,sarah@example.org\nMike,2,mike@example.org\n")
    people = read_roster(file, CHANNELS)
    accounts = {"telegram": "main", "email": "main"}
    assert (await store.records.import_customers(people, accounts)).created == 2
    again = await store.records.import_customers(people, accounts)
    assert (again.created, again.updated) == (0, 2)
    mixed = read_roster(written(tmp_path, "telegram,email\n1,mike@example.org\n"), CHANNELS)
    assert (await store.records.import_customers(mixed, accounts)).conflicts == (2,)
    sarah = await store.records.customer_of(Address("email", "sarah@example.org"))
    assert sarah is not None
    assert sarah == await store.records.customer_of(Address("telegram", "1"))
    assert sarah != await store.records.customer_of(Address("telegram", "2"))

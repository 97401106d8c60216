"""What rows tell, in the words that companies' systems use, and what is said of those that tell nothing."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.events import EventReader
from omnibot.history.entries import Entry, EntryError, EntryReader, Person, Stated, Told
from omnibot.model import Address, CaseState, Direction, Result
from omnibot.settings import Settings
from omnibot.store.past import PastCase, PastMessage

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIL = Address("email", "sarah@example.org")
WROTE = {
    "id": "m1",
    "address": "email:sarah@example.org",
    "at": "2026-03-01T12:00:00Z",
    "direction": "in",
    "text": "Hi",
}
CASE = {"id": "T-1", "address": "email:sarah@example.org", "opened": "2026-03-01T12:00:00Z", "state": "open"}


@pytest.fixture(scope="module")
def events() -> EventReader:
    return EventReader(
        Settings(channels={"telegram": {"main": {"token": "4242:AAE_the_sandbox_gives_this_token_away_00"}}})
    )


@pytest.fixture
def reader(events: EventReader) -> EntryReader:
    return EntryReader(events)


def without(fields: dict, *names: str, **more: object) -> dict:
    return {key: value for key, value in (fields | more).items() if key not in names}


def faults(reader: EntryReader, fields: dict) -> list[str]:
    with pytest.raises(EntryError) as raised:
        reader.read(7, fields)
    return [fault.why for fault in raised.value.faults]


class TestMessages:
    def test_they_say_what_when_and_to_whom(self, reader: EntryReader) -> None:
        assert reader.read(1, WROTE | {"case": 77, "agent": "Nina"}) == PastMessage(
            key="m1", address=MAIL, at=AT, direction=Direction.IN, text="Hi", case="77"
        )

    @pytest.mark.parametrize(
        ("written", "direction"),
        [("Inbound", Direction.IN), ("customer", Direction.IN), ("OUT", Direction.OUT), ("agent", Direction.OUT)],
    )
    def test_directions_have_many_names(self, reader: EntryReader, written: str, direction: Direction) -> None:
        entry = reader.read(1, WROTE | {"direction": written})
        assert isinstance(entry, PastMessage)
        assert entry.direction is direction

    def test_whoever_has_a_name_is_staff(self, reader: EntryReader) -> None:
        entry = reader.read(1, without(WROTE, "direction", agent=" Nina  Berg "))
        assert isinstance(entry, PastMessage)
        assert (entry.direction, entry.by) == (Direction.OUT, "Nina Berg")

    def test_without_an_id_it_is_known_by_what_it_says(self, reader: EntryReader) -> None:
        one, same, other = (
            reader.read(1, without(WROTE, "id", text=text, at=at))
            for text, at in [
                ("Hi", "2026-03-01T12:00:00Z"), ("Hi ", "2026-03-01T13:00:00+01:00"), ("Ho", "2026-03-01T12:00:00Z")
            ]
        )  # fmt: skip
        assert one == same
        assert one.key != other.key  # type: ignore[union-attr]

    def test_a_mail_without_words_says_its_subject(self, reader: EntryReader) -> None:
        entry = reader.read(1, without(WROTE, "text", subject="Invoice 17", kind="message"))
        assert isinstance(entry, PastMessage)
        assert entry.text == "Invoice 17"

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            (without(WROTE, "direction"), ["no direction"]),
            (WROTE | {"direction": "sideways"}, ["unknown direction"]),
            (without(WROTE, "at"), ["no time"]),
            (WROTE | {"at": "yesterday"}, ["unreadable time"]),
            (WROTE | {"at": "2026-03-01T12:00:00"}, ["naive time"]),
            (WROTE | {"at": "1969-03-01T12:00:00Z"}, ["impossible time"]),
            (WROTE | {"at": "9999-12-31T23:59:59-23:00"}, ["impossible time"]),
            (WROTE | {"at": True}, ["unreadable time"]),
            (WROTE | {"text": " "}, ["no text"]),
            (WROTE | {"address": "sarah"}, ["no address"]),
            (WROTE | {"address": "email:sarah"}, ["no address"]),
            (without(WROTE, "address"), ["no address"]),
            (WROTE | {"id": "x" * 300}, ["id too long"]),
            (without(WROTE, "at", "direction"), ["no time", "no direction"]),
        ],
    )
    def test_what_cannot_be_placed_is_left_out(self, reader: EntryReader, fields: dict, why: list[str]) -> None:
        assert faults(reader, fields) == why


class TestTimes:
    @pytest.mark.parametrize(
        "written", ["2026-03-01T12:00:00Z", "2026-03-01 13:00:00+01:00", 1772366400, "1772366400", 1772366400000.0]
    )
    def test_are_written_in_many_ways(self, reader: EntryReader, written: object) -> None:
        assert reader.read(1, WROTE | {"at": written}).at == AT  # type: ignore[union-attr]

    def test_without_a_zone_they_are_those_of_the_zone_that_is_named(self, events: EventReader) -> None:
        reader = EntryReader(events, ZoneInfo("Europe/Berlin"))
        assert reader.read(1, WROTE | {"at": "2026-03-01T13:00:00"}).at == AT  # type: ignore[union-attr]
        assert reader.read(1, WROTE | {"at": "20260301"}).at == datetime(2026, 2, 28, 23, tzinfo=UTC)  # type: ignore[union-attr]
        assert reader.naive == 2


class TestAddresses:
    def test_the_channel_may_stand_in_a_column_of_its_own(self, reader: EntryReader) -> None:
        for fields in ({"channel": "Email", "address": "sarah@example.org"}, {"channel": "telegram"}):
            entry = reader.read(1, WROTE | fields)
            assert entry.address == MAIL  # type: ignore[union-attr]

    def test_users_of_the_companys_own_systems_have_one(self, reader: EntryReader) -> None:
        assert reader.read(1, WROTE | {"address": "user:u-1", "channel": "email"}).address == Address("user", "u-1")  # type: ignore[union-attr]


class TestCases:
    def test_a_whole_one(self, reader: EntryReader) -> None:
        entry = reader.read(
            1,
            {
                "kind": "case",
                "id": 77,
                "address": ["sms:+4917012345678", "email:sarah@example.org"],
                "intent": "API timeout",
                "topic": "504",
                "state": "Closed",
                "opened": "2026-03-01T12:00:00Z",
                "resolved": "2026-03-03T12:00:00Z",
                "contacts": [{"address": "email:sarah@example.org", "at": "2026-03-02T12:00:00Z"}],
                "attempts": [{"what": "a restart", "by": "Nina", "result": "failed"}],
                "worked": "a new key",
                "agents": "Nina; Ben",
                "concern": "It times out",
            },
        )
        assert isinstance(entry, PastCase)
        assert (entry.key, entry.intent, entry.topic, entry.state) == ("77", "api-timeout", "504", CaseState.RESOLVED)
        assert [str(address) for address in entry.addresses] == ["sms:+4917012345678", "email:sarah@example.org"]
        assert (entry.opened_at, entry.touched_at) == (AT, AT.replace(day=2))
        assert entry.resolved_at == AT.replace(day=3)
        assert entry.contacted_at == ((MAIL, AT.replace(day=2)),)
        assert [(one.what, one.by, one.result, one.at.day) for one in entry.attempts] == [
            ("a restart", "Nina", Result.FAILED, 2),
            ("a new key", "Ben", Result.WORKED, 3),
        ]
        assert entry.agents == ("Nina", "Ben")

    def test_one_of_plain_cells(self, reader: EntryReader) -> None:
        more = {"state": "", "resolved": "2026-03-02T12:00:00Z", "tried": "this; that", "contacts": "3"}
        entry = reader.read(1, CASE | more)
        assert isinstance(entry, PastCase)
        assert (entry.state, entry.contacts) == (CaseState.RESOLVED, 3)
        assert [(one.what, one.by, one.result) for one in entry.attempts] == [
            ("this", "staff", Result.FAILED),
            ("that", "staff", Result.FAILED),
        ]

    def test_lists_may_stand_as_json_in_a_cell(self, reader: EntryReader) -> None:
        cell = '[{"what": "a restart", "at": "2026-03-01T12:00:00Z", "result": "worked"}]'
        entry = reader.read(1, CASE | {"attempts": cell})
        assert [one.result for one in entry.attempts] == [Result.WORKED]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            (without(CASE, "id"), ["no id"]),
            (without(CASE, "address"), ["no address"]),
            (without(CASE, "opened"), ["no time"]),
            (CASE | {"opened": "2026-03-01"}, ["naive time"]),
            (CASE | {"state": "weird"}, ["unknown state"]),
            (CASE | {"resolved": "2026-02-01T12:00:00Z"}, ["ends before it begins"]),
            (CASE | {"attempts": "[{"}, ["unreadable attempts"]),
            (CASE | {"attempts": ["a restart"]}, ["unreadable attempts"]),
            (CASE | {"attempts": [{"result": "perhaps"}]}, ["unknown result", "no attempt"]),
            (CASE | {"contacts": [{"address": "email:sarah"}]}, ["no address", "no time"]),
        ],
    )
    def test_what_is_no_case_is_left_out(self, reader: EntryReader, fields: dict, why: list[str]) -> None:
        assert faults(reader, fields) == why


class TestOthers:
    def test_events_are_as_they_are_told_elsewhere(self, reader: EntryReader) -> None:
        told = {"id": "e1", "name": "plan_changed", "at": "2026-03-01T12:00:00Z"}
        for more in (
            {"of": "user:u-1", "properties": {"plan": "Pro"}},
            {"of": "user:u-1", "properties": '{"plan": "Pro"}'},
            {"kind": "event", "address": "user:u-1", "properties": "plan=Pro"},
        ):
            entry = reader.read(1, told | more)
            assert isinstance(entry, Told)
            assert (entry.of, dict(entry.event.properties)) == (Address("user", "u-1"), {"plan": "Pro"})

    def test_so_are_their_faults(self, reader: EntryReader) -> None:
        assert faults(reader, {"of": "user:u-1", "at": "2026-03-01T12:00:00Z", "properties": "{x"}) == [
            "event: id", "event: name", "event: properties"
        ]  # fmt: skip
        assert faults(reader, {"of": "sarah", "at": "2026-03-01T12:00:00Z"}) == ["no address"]

    def test_customers_have_the_columns_of_their_own_import(self, reader: EntryReader) -> None:
        row = {
            "name": "Sarah",
            "email": "sarah@example.org",
            "sms": "+49 170 12345678",
            "length": "short",
            "plan": "Pro",
        }
        entry = reader.read(9, row)
        assert isinstance(entry, Person)
        assert entry.customer.facts == {"name": "Sarah", "preference.length": "short", "plan": "Pro"}
        assert [str(a) for a in entry.customer.addresses] == ["email:sarah@example.org", "sms:+4917012345678"]
        assert entry.at is None

    def test_or_an_address(self, reader: EntryReader) -> None:
        entry = reader.read(9, {"kind": "customer", "address": "email:sarah@example.org", "at": "2026-03-01T12:00:00Z"})
        assert isinstance(entry, Person)
        assert (entry.customer.addresses, entry.at) == ((MAIL,), AT)
        assert faults(reader, {"kind": "customer", "address": "sarah", "name": "Sarah"}) == ["no address", "customer"]

    def test_facts(self, reader: EntryReader) -> None:
        row = {"address": "email:sarah@example.org", "key": "plan", "value": "Pro", "at": "2026-03-01T12:00:00Z"}
        assert reader.read(1, row) == Stated(address=MAIL, name="plan", value="Pro", at=AT)
        assert faults(reader, row | {"key": "My Plan"}) == ["no key"]

    @pytest.mark.parametrize("fields", [{}, {"kind": "letter"}, {"foo": "bar"}])
    def test_what_is_none_of_it_is_told(self, reader: EntryReader, fields: dict) -> None:
        assert faults(reader, fields) == ["unknown kind"]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["what", "at", "address", "result"]), st.text(max_size=5)), max_size=2),
)  # fmt: skip
NAMES = st.sampled_from([*WROTE, *CASE, "kind", "channel", "contacts", "attempts", "properties", "name", "of", "key"])


@given(
    fields=st.dictionaries(NAMES, VALUES), kind=st.sampled_from(["", "message", "case", "event", "customer", "fact"])
)
def test_whatever_a_row_holds_is_read_or_told(events: EventReader, fields: dict, kind: str) -> None:
    entry: Entry | None = None
    with suppress(EntryError):
        entry = EntryReader(events).read(1, fields | ({"kind": kind} if kind else {}))
    assert entry is None or isinstance(entry, PastMessage | PastCase | Told | Person | Stated)

"""What may be told of a customer, and what whoever tells it wrongly is told."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.events import EventError, Events, Told
from omnibot.memory.events import counted_as, facts_of, tells
from omnibot.model import Address, Event
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.turn import take
from omnibot.turns.steps import Steps
from tests.store.test_message_path import claim, stated
from tests.test_turn import steps  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "4242:AAE_the_sandbox_gives_this_token_away_00"
RIGHT: dict[str, Any] = {
    "id": "evt_1",
    "name": "plan_changed",
    "of": "user:u-123",
    "at": "2026-03-01T12:00:00Z",
    "properties": {"plan": "Pro", "seats": 5, "trial": False, "amount": 12.5},
}


def reading() -> Events:
    """Without a database, which reading does not need."""
    return Events(None, Settings(channels={"telegram": {"main": {"token": TOKEN}}}))  # type: ignore[arg-type]


def faults(**changed: object) -> str:
    with pytest.raises(EventError) as refused:
        reading().read(RIGHT | changed)
    return str(refused.value)


class TestReading:
    def test_an_event_is_read_with_all_that_is_known_of_it(self) -> None:
        assert reading().read(RIGHT) == Told(
            Event(id="evt_1", name="plan_changed", at=NOON, properties=RIGHT["properties"]), Address("user", "u-123")
        )

    def test_times_are_compared_in_one_zone(self) -> None:
        madrid = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
        assert reading().read(RIGHT | {"at": madrid}).event.at == NOON

    @pytest.mark.parametrize(
        ("of", "address"),
        [
            ("email:Sarah@Example.org", Address("email", "Sarah@Example.org")),
            ("sms:+49 170 1234567", Address("sms", "+491701234567")),
            ("whatsapp:+491701234567", Address("whatsapp", "+491701234567")),
            ("telegram:4711", Address("telegram", "4711")),
        ],
    )
    def test_somebody_is_named_by_any_address(self, of: str, address: Address) -> None:
        assert reading().read(RIGHT | {"of": of}).of == address

    def test_what_is_null_is_left_out(self) -> None:
        assert reading().read(RIGHT | {"properties": {"plan": None, "seats": 1}}).event.properties == {"seats": 1}

    def test_properties_may_be_left_away(self) -> None:
        assert reading().read(RIGHT | {"properties": None}).event.properties == {}

    def test_what_cannot_be_stored_is_replaced(self) -> None:
        told = reading().read(RIGHT | {"properties": {"plan": "P\0ro"}, "id": "e\ud800"})
        assert (told.event.properties["plan"], told.event.id) == ("P\ufffdro", "e\ufffd")

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"id": None}, "id is missing: give each event its own"),
            ({"id": "  "}, "id is missing"),
            ({"id": "x" * 257}, "id has 257 characters"),
            ({"name": None}, "name is missing"),
            ({"name": "Plan Changed"}, "name is 'Plan Changed': use small letters"),
            ({"of": None}, "of is missing"),
            ({"of": "u-123"}, "'u-123' is not an address"),
            ({"of": "telegram:@sarah"}, "of: "),
            ({"of": "slack:T1/U1"}, "slack is no channel that is configured: use one of email, sms, telegram"),
            ({"of": "user:null"}, "user:null names nobody"),
            ({"of": "user:" + "x" * 321}, "names nobody: give the id of one user"),
            ({"of": "email:sarah"}, "write an address as sarah@example.org"),
            ({"of": "sms:0170 1234567"}, "write the number with its country code"),
            ({"at": None}, "at is missing"),
            ({"at": "yesterday"}, "at is 'yesterday': write when it happened as"),
            ({"at": "2026-03-01T12:00:00"}, "write its offset, as 2026-03-01T12:00:00Z"),
            ({"at": "1969-12-31T23:59:59Z"}, "not before 1970"),
            ({"at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, "tell what has happened"),
            ({"at": "9999-12-31T23:59:59-23:59"}, "at is "),
            ({"properties": ["plan"]}, "properties is no object"),
            ({"properties": {"plan": {"name": "Pro"}}}, "property 'plan' is a list or an object"),
            ({"properties": {"plan": ["Pro"]}}, "property 'plan' is a list or an object"),
            ({"properties": {"amount": float("nan")}}, "property 'amount' is nan, which is no number"),
            ({"properties": {"amount": float("inf")}}, "property 'amount' is inf"),
            ({"properties": {"amount": 2**60}}, "send it as text"),
            ({"properties": {"text": "x" * 1001}}, "property 'text' has 1001 characters"),
            ({"properties": {"": "x"}}, "give it a name"),
            ({"properties": {f"p{n}": n for n in range(51)}}, "there are 51 properties"),
            ({"user": "u-123"}, "user is no field of an event: use id, name, of, at, properties"),
        ],
    )
    def test_what_is_wrong_is_told_with_what_to_write(self, changed: dict[str, object], told: str) -> None:
        assert told in faults(**changed)

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        with pytest.raises(EventError) as refused:
            reading().read({"name": "Signed Up", "properties": {"a": [], "b": float("nan")}})
        assert len(refused.value.faults) == 6

    @given(
        st.dictionaries(
            st.sampled_from([*RIGHT, "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
        )
    )
    def test_whatever_comes_is_read_or_refused(self, fields: dict[str, object]) -> None:
        with suppress(EventError):
            told = reading().read(RIGHT | fields)
            assert told.event.at.utcoffset() == timedelta(0)
            json.dumps(dict(told.event.properties), allow_nan=False)


class TestWhatComesOfIt:
    def told(self, name: str, /, **properties: str | int | float | bool) -> Event:
        return Event(id="1", name=name, at=NOON, properties=properties)

    def facts(self, name: str, /, **properties: str | int | float | bool) -> dict[str, str]:
        changes = list(facts_of(self.told(name, **properties)))
        assert all((one.event, one.at, one.confidence) == ("1", NOON, 0.9) for one in changes)
        return {one.key: one.value for one in changes}

    @pytest.mark.parametrize(
        ("event", "facts"),
        [
            (("signed_up", {"plan": "Pro"}), {"customer_since": NOON.isoformat(), "plan": "Pro"}),
            (("profile_changed", {"name": "Sarah", "zone": "Europe/Madrid", "seats": 3}),
             {"name": "Sarah", "zone": "Europe/Madrid"}),
            (("plan_changed", {"plan": "  Pro "}), {"plan": "Pro"}),
            (("plan_changed", {"plan": ""}), {}),
            (("profile_changed", {"name": " Sarah\n\nSee\thttps://example.net ", "plan": "P" * 201}),
             {"name": "Sarah See https://example.net"}),
            (("profile_changed", {"plan": "P" * 200}), {"plan": "P" * 200}),
            (("plan_changed", {"plan": 5}), {"plan": "5"}),
            (("plan_cancelled", {}), {"plan": ""}),
            (("payment_failed", {"amount": 12.5}), {"payment": "failed"}),
            (("invoice_paid", {"amount": 12.5}), {"payment": "paid"}),
            (("feature_used", {"feature": "export"}), {}),
        ],
    )  # fmt: skip
    def test_facts_follow_from_what_is_known(self, event: tuple[str, dict[str, Any]], facts: dict[str, str]) -> None:
        assert self.facts(event[0], **event[1]) == facts

    @pytest.mark.parametrize(
        ("feature", "name"),
        [
            ("Export to PDF", "feature_used:export-to-pdf"),
            ("api.v2", "feature_used:api.v2"),
            ("  ", "feature_used"),
            ("ÜBERSICHT", "feature_used:übersicht"),
            ("x" * 500, "feature_used:" + "x" * 96),
        ],
    )
    def test_use_counts_by_the_feature(self, feature: str, name: str) -> None:
        assert counted_as(self.told("feature_used", feature=feature)) == name

    def test_other_things_count_by_their_name(self) -> None:
        assert counted_as(self.told("invoice", feature="export")) == "invoice"

    def test_mere_use_tells_nothing_more_and_neither_does_what_happens_all_the_time(self) -> None:
        assert not tells(self.told("feature_used"), 0)
        assert tells(self.told("badge_earned"), 49)
        assert not tells(self.told("badge_earned"), 50)
        assert tells(self.told("invoice"), 500)

    @given(st.text(max_size=200))
    def test_whatever_is_used_its_name_fits(self, feature: str) -> None:
        name = counted_as(self.told("feature_used", feature=feature))
        assert len(name) <= 160
        assert "\n" not in name


class TestTelling:
    async def test_an_event_is_known_when_they_write(self, store: Store, steps: Steps) -> None:  # noqa: F811
        events = Events(store, Settings(channels={}))
        assert await events.tell("plan_changed", of="user:u-123", id="1", at=NOON, plan="Pro")
        assert not await events.tell("plan_changed", of="user:u-123", id="1", at=NOON, plan="Pro")
        [work] = await claim(store)
        outcome = take(work, steps)
        await store.path.commit([outcome])
        assert [one.event.name for one in outcome.happened] == ["plan_changed"]
        later = [{"id": "2", "name": "milestone", "of": "user:u-123", "at": NOON.isoformat()}]
        assert await events.tell_all([events.read(fields) for fields in later]) == [True]
        [work] = await claim(store)
        assert stated(work)["plan"] == "Pro"
        assert [(one.name, dict(one.properties)) for one in work.events] == [("plan_changed", {"plan": "Pro"})]

    async def test_many_are_told_in_batches(self, store: Store) -> None:
        events = Events(store, Settings(channels={}))
        told = [events.read(RIGHT | {"id": str(n), "of": f"user:u{n % 7}"}) for n in range(450)]
        assert await events.tell_all([*told, *told]) == [True] * 450 + [False] * 450
        assert len(await claim(store, 100)) == 7


def test_the_document_names_all_that_comes_of_an_event() -> None:
    table = (ROOT / "docs" / "events.md").read_text(encoding="utf-8").split("## What comes of it")[1]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    for name in named:
        event = Event(id="1", name=name, at=NOON, properties={})
        assert tells(event, 99) or not tells(event, 0), name


def test_the_line_in_the_document_is_an_event() -> None:
    document = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    [line] = re.findall(r"```json\n(.*?)\n```", document)
    assert reading().read(json.loads(line)).event.name == "plan_changed"


async def test_the_companys_own_program_opens_what_the_server_uses(
    environment: dict[str, str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with Events.open() as events:
        assert await events.tell("plan_changed", of="telegram:4711", id="1", at=NOON, plan="Pro")
    [work] = await claim(store)
    assert [known.address for known in work.addresses] == [Address("telegram", "4711")]
    assert work.addresses[0].account == "main"

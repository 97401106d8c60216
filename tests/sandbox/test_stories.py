"""What a story is checked by: each check can fail, and what fails is told by its name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web_app
from pydantic import SecretStr
from tests.conftest import SECRET

from omnibot.model import Address, CustomerId, Direction, MessageId, TimelineMessage
from omnibot.sandbox import demo, stage
from omnibot.sandbox.stage import Silent, Stage
from omnibot.sandbox.stories import Element, Expect, Scene, Step, Story
from omnibot.sandbox.stories.frustrated import Frustrated, frustrated
from omnibot.sandbox.stories.returning import told_day
from omnibot.sandbox.stories.story import leaves_out, says, word
from omnibot.sandbox.world import World, world

KNOWLEDGE = Path(__file__).parents[2] / "config" / "knowledge"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ADA = Address("email", "ada@example.org")
SMS = Address("sms", "+4915112345678")


def scene(text: str = "", **others: object) -> Scene:
    fields = {"began": NOON, "texts": {ADA: text} if text else {}, "letters": {}, "timeline": (), "turns": (), **others}
    return Scene(**fields)  # type: ignore[arg-type]


def wrote(text: str, direction: Direction = Direction.IN, at: datetime = NOON) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(1), customer=CustomerId(1), address=SMS, direction=direction, at=at, text=text
    )  # fmt: skip


# --- checks ---


def test_all_that_is_said_must_be_there_in_any_case_and_on_its_line() -> None:
    steps = says("steps", ADA, r"^1\. open", r"^2\. \S")
    assert steps.holds(scene("Do this:\n1. Open it.\n2. Close it."))
    assert not steps.holds(scene("Do this:\n1. Open it."))
    assert not steps.holds(scene("So 1. open and\n2. close"))
    assert not steps.holds(scene())


def test_what_must_not_be_said_is_missed_where_nothing_came_at_all() -> None:
    stiff = leaves_out("not stiff", ADA, "dear customer")
    assert stiff.holds(scene("Hi Ada"))
    assert not stiff.holds(scene("DEAR CUSTOMER"))
    assert not stiff.holds(scene())


def test_typesetters_spaces_and_apostrophes_are_plain_ones() -> None:
    assert says("asks", ADA, "Qu'est-ce \\?").holds(scene("Qu\u2019est-ce\u202f?"))


@pytest.mark.parametrize(
    ("text", "is_there"), [("on Plan 9+ since", True), ("on Plan 9+x", False), ("aPlan 9+", False)]
)
def test_words_end_where_they_end(text: str, is_there: bool) -> None:
    assert says("plan", ADA, word("Plan 9+")).holds(scene(text)) is is_there


def test_what_was_said_last_is_known_by_who_said_it() -> None:
    said = scene(timeline=(wrote("first"), wrote("second"), wrote("ours", Direction.OUT)))
    assert said.last_words == "second"
    assert said.told(SMS) == "ours"
    assert (scene().last_words, scene().told(SMS)) == ("", "")


@pytest.mark.parametrize(
    ("language", "at", "told"),
    [
        ("en", datetime(2026, 3, 9, 23, 30, tzinfo=UTC), "10 March"),  # in Tokyo
        ("es", datetime(2026, 3, 9, tzinfo=UTC), "9 de marzo"),
        ("de", datetime(2025, 12, 9, tzinfo=UTC), "9. Dezember 2025"),
        ("fr", datetime(2025, 12, 9, tzinfo=UTC), "9 décembre 2025"),
        ("es", datetime(2025, 12, 9, tzinfo=UTC), "9 de diciembre de 2025"),
    ],
)
def test_days_are_told_as_people_do_where_they_live(language: str, at: datetime, told: str) -> None:
    assert told_day(at, NOON, language, "Asia/Tokyo") == told


@pytest.mark.parametrize(
    ("language", "text", "is_right"),
    [
        ("en", "replies by 5 pm today", True),  # noon in UTC is one o'clock in London's summer
        ("en", "replies by 5:15 pm today", True),
        ("de", "antwortet bis heute um 17 Uhr", True),
        ("de", "antwortet bis heute um 17:15 Uhr", True),
        ("fr", "répond aujourd'hui avant 17 h", True),
        ("fr", "répond aujourd'hui avant 17 h 15", True),
        ("es", "responde hoy antes de las 17:00", True),
        ("en", "replies by 6 pm today", False),
        ("en", "replies by 5 pm tomorrow", False),
        ("en", "replies by 15 pm today", False),
        ("en", "replies soon", False),
    ],
)
def test_by_when_is_an_hour_of_the_customers_day(language: str, text: str, is_right: bool) -> None:
    who = replace(Frustrated.mike(NOON), language=language, writes=ADA)
    step, *_ = frustrated(who).steps
    [when] = [element for element in step.elements if element.name == "says by when"]
    assert when.holds(scene(text, timeline=(wrote("?"),))) is is_right


def test_by_when_may_be_past_midnight() -> None:
    who = replace(Frustrated.mike(NOON), writes=ADA)
    step, *_ = frustrated(who).steps
    [when] = [element for element in step.elements if element.name == "says by when"]
    late = (wrote("?", at=NOON + timedelta(hours=9)),)
    assert when.holds(scene("replies by 2 am tomorrow", timeline=late))
    assert not when.holds(scene("replies by 2 am today", timeline=late))


# --- a story in a world ---


@pytest_asyncio.fixture
async def place(dsn: str, tmp_path: Path) -> AsyncIterator[World]:
    sections = {"secret": SecretStr(SECRET.decode())}
    options = {"knowledge": KNOWLEDGE, "database_url": dsn, "sections": sections}
    async with world(tmp_path, channels=("telegram", "email"), **options) as made, made.serving():  # type: ignore[arg-type]
        yield made
    web_app._cached_build_middleware.cache_clear()


async def played(place: World, story: Story) -> list[str]:
    async with place.looking() as store:
        return await Stage(story, place, store, Silent()).play()


def story(*elements: Element, **others: object) -> Story:
    step = Step(sender=ADA, subject="Data", text="How can I export my data?", expects=(Expect(ADA),), elements=elements)
    return replace(Story(title="Ada", names={ADA: "Ada"}, steps=(step,)), **others)  # type: ignore[arg-type]


async def test_what_is_missing_is_told_by_its_name(place: World) -> None:
    there, not_there = says("speaks of exports", ADA, "export"), says("speaks of cats", ADA, "cats")
    assert await played(place, story(there, not_there)) == ["speaks of cats"]


async def test_a_row_of_the_past_that_cannot_be_brought_is_told(place: World) -> None:
    row = {"kind": "case", "address": str(ADA), "opened": "2026-01-01T12:00:00Z"}
    [told] = await played(place, story(past=(row,)))
    assert "1 rows were left out" in told
    assert "id is missing" in told


async def test_what_does_not_come_is_told(place: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_DEADLINE", 1.0)
    telegram = Address("telegram", "1")
    asks = story()
    [step] = asks.steps
    nowhere = replace(step, expects=(Expect(telegram), Expect(ADA, ("cats",))), people=2)
    missing = await played(place, replace(asks, steps=(nowhere,)))
    assert missing[0] == "no message came to telegram:1"
    assert "to email:ada@example.org: 'cats' is missing" in missing
    assert any("there are not 2 customers" in told for told in missing)


# --- the command ---


@pytest.fixture
def small_company(tmp_path: Path) -> Path:
    """A folder whose company has two playbooks: to learn all of them takes seconds."""
    config = tmp_path / "config"
    (config / "playbooks").mkdir(parents=True)
    for name in ("knowledge", "voice"):
        (config / name).symlink_to(KNOWLEDGE.parent / name)
    for name in ("data-export.yaml", "out-of-scope.yaml"):
        (config / "playbooks" / name).symlink_to(KNOWLEDGE.parent / "playbooks" / name)
    return tmp_path


async def test_whoever_goes_on_from_a_story_may_write_on_any_channel(
    small_company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured: list[str] = []

    class Enough(Exception): ...

    def look(*_: object, channels: Collection[str], **__: object) -> None:
        configured.extend(channels)
        raise Enough

    monkeypatch.chdir(small_company)
    monkeypatch.setattr(demo, "configure", lambda log: None)
    monkeypatch.setattr(demo, "world", look)
    with pytest.raises(Enough):
        await demo.play([lambda now: story()], leave=False, as_json=False)
    assert {*configured} == {"telegram", "slack", "sms", "whatsapp", "email"}


@pytest.mark.parametrize(("element", "status"), [("export", 0), ("cats", 1)])
async def test_the_demo_exits_by_what_is_missing(
    element: str,
    status: int,
    small_company: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(small_company)
    monkeypatch.setattr(demo, "configure", lambda log: None)  # the logs of this process are those of all tests
    interrupted = asyncio.Event()
    interrupted.set()
    monkeypatch.setattr(demo, "_interruption", lambda: interrupted)
    past = (
        {"kind": "customer", "name": "Ada", "email": ADA.value},
        {"kind": "event", "id": "1", "name": "plan_changed", "of": str(ADA), "at": "2026-01-01T12:00:00Z"},
    )
    told = story(says(f"speaks of {element}", ADA, element), past=past)
    async with asyncio.timeout(120):
        assert await demo.play([lambda now: told], leave=False, as_json=False) == status
    shown = capsys.readouterr().out
    assert f"omnibot chat email --as {ADA.value}" in shown
    assert f"customer timeline {ADA}\n" in shown
    assert f"{'✗' if status else '✓'} speaks of {element}" in shown
    assert "2026-01-01  plan_changed" in shown
    assert ("1 of what was expected did not come" in shown) is bool(status)

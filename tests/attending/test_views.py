"""What a card tells of the turns about a matter: not the latest alone, for "hello??" takes nothing back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from omnibot.attending import Views
from omnibot.desk import Rules, Staff
from omnibot.dialogue import Article, Knowledge
from omnibot.model import (
    AddressId,
    Card,
    NamedTime,
    Reading,
    Sentiment,
    Signal,
    TimeKind,
    Urgency,
)
from omnibot.store import Store
from omnibot.store.work import Outcome, Work
from tests.store.desks import SARAH, about, attended, claimed, handed_off, write

NOW = datetime.now(UTC)
RULES = Rules(teams={"support": Staff(key="support")})
EXPORT = Article(
    id="export",
    title="Export your data",
    language="en",
    questions=("how do I export my data",),
    short="Go to Settings, then Export.",
    detailed="Go to Settings, then Export, and wait.",
)
HOURS = Article(
    id="hours",
    title="When we are here",
    language="en",
    questions=("when are you open",),
    short="From nine to six.",
    detailed="From nine to six, on working days.",
)


def read(urgency: Urgency, *deadlines: datetime) -> Reading:
    times = tuple(NamedTime(at=at, text="by then", kind=TimeKind.DEADLINE, start=0, end=7) for at in deadlines)
    return Reading(language=Signal("en", 0.9), sentiment=Sentiment(0.0, 0.9), urgency=Signal(urgency, 0.9), times=times)


async def say(store: Store, text: str, reading: Reading, *, first: bool = False) -> None:
    await write(store.path, text, SARAH)
    [work] = await claimed(store.path)
    told = {"messages": [item.message.id for item in work.items if item.message], "reading": reading}
    await store.path.commit([_turn(work, told, first=first)])


def _turn(work: Work, told: dict[str, object], *, first: bool) -> Outcome:
    if first:
        outcome = handed_off(work, case=about())
        assert outcome.record is not None
        return Outcome(work=work, address=outcome.address, handoff="a test", case=outcome.case, record=told)
    [case] = work.cases
    return Outcome(work=work, address=AddressId(work.items[-1].address), record=told, case=about(id=case.id))


async def card(store: Store) -> Card:
    [one] = await store.desk.open_stretches(10)
    views = Views(store, RULES, lambda: Knowledge((EXPORT, HOURS)), "en")
    return await views.card(await attended(store, one.stretch.id), NOW)


async def test_what_was_urgent_and_by_when_is_told_though_they_only_ask_again(store: Store) -> None:
    noon = NOW + timedelta(hours=3)
    await say(
        store,
        "How do I export my data? I need it by noon",
        read(Urgency.CRITICAL, noon, NOW - timedelta(days=3)),
        first=True,
    )
    await store.desk.adopt(10)
    await say(store, "hello??", read(Urgency.NORMAL, noon + timedelta(days=2)))
    shown = await card(store)
    assert (shown.urgency, shown.deadline) == ("critical", noon)
    assert shown.suggestion == "Go to Settings, then Export."


async def test_who_named_no_time_has_none(store: Store) -> None:
    await say(store, "hello", read(Urgency.LOW), first=True)
    await store.desk.adopt(10)
    shown = await card(store)
    assert (shown.urgency, shown.deadline, shown.suggestion) == ("low", None, "")

"""What a card tells, in words that people use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from omnibot.desk import Levels, Rules, Staff, card_of
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    Case,
    CaseId,
    CaseState,
    CustomerId,
    Direction,
    KnownAddress,
    MessageId,
    Money,
    Proof,
    Relationship,
    Result,
    Snapshot,
    Stretch,
    StretchId,
    TimelineMessage,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HERE = KnownAddress(id=AddressId(7), address=Address("telegram", "7"), proof=Proof.PROVEN, account="main")
CASE = Case(
    id=CaseId(3),
    intent="export_fails",
    state=CaseState.HANDED_OFF,
    opened_at=NOON,
    touched_at=NOON,
    contacts=3,
    concern="the export fails",
)
RULES = Rules(
    teams={"support": Staff(key="support", name="Support", levels={"normal": Levels(first=timedelta(hours=2))})}
)
STRETCH = Stretch(id=StretchId(1), address=HERE.id, matter=CASE.id, team="support", opened_at=NOON)
TITLES = {"export": "Export your data"}


def card(stretch=STRETCH, case=CASE, relationship=None, **fields):
    snapshot = Snapshot(
        customer=CustomerId(1), addresses=(HERE,), cases=(case,), **{"name": "Sarah", "since": NOON, **fields}
    )
    told = relationship or Relationship()
    return card_of(
        stretch,
        snapshot,
        told,
        RULES,
        asked_at=NOON,
        now=NOON + timedelta(hours=1),
        title=lambda id_: TITLES.get(id_, ""),
    )


def tried(what: str, result: Result = Result.UNKNOWN, by: str = "bot") -> Attempt:
    return Attempt(what=what, by=by, at=NOON, result=result, source="message:1")


def test_what_was_tried_is_told_by_what_people_call_it():
    attempts = (
        tried("article:export#2", Result.FAILED),
        tried("article:export"),
        tried("article:gone"),
        tried("a restart", Result.WORKED, "Ana"),
    )
    lines = card(case=replace(CASE, attempts=attempts)).tried
    assert [(line.by, line.text, line.result) for line in lines] == [
        ("bot", "“Export your data”, step 2", "did not help"),
        ("bot", "“Export your data”", ""),
        ("bot", "“gone”", ""),
        ("Ana", "a restart", "worked"),
    ]


def test_it_tells_who_it_is_and_what_they_are_worth():
    shown = card(
        relationship=Relationship(
            plan="Pro",
            monthly=Money(Decimal(49), "EUR"),
            paid=Money(Decimal(1200), "EUR"),
            satisfaction=-0.6,
            trend=-0.2,
        )
    )
    assert (shown.name, shown.contacts, shown.since, shown.times) == ("Sarah", (("telegram:7", "proven"),), NOON, 3)
    assert (shown.plan, shown.worth, shown.mood, shown.trend) == (
        "Pro",
        "49 EUR a month, 1,200 EUR paid",
        -0.6,
        "falling",
    )


def test_the_nearest_time_is_told_until_it_is_over():
    assert (card().due_for, card().due, card().overdue) == ("first", NOON + timedelta(hours=2), False)
    late = card_of(
        STRETCH,
        Snapshot(customer=CustomerId(1), addresses=(HERE,)),
        Relationship(),
        RULES,
        asked_at=NOON,
        now=NOON + timedelta(days=1),
    )
    assert (late.overdue, late.tried, late.times, late.concern) == (True, (), 1, "")


def test_long_words_are_cut_and_files_named():
    said = [
        TimelineMessage(
            id=MessageId(n),
            customer=CustomerId(1),
            address=HERE.address,
            direction=Direction.IN,
            at=NOON,
            text=text,
            attachments=files,
        )
        for n, (text, files) in enumerate([("😀" * 2000, 0), ("", 1)])
    ]
    long, file = card(timeline=tuple(said)).said
    assert (len(long.text), long.text[-1], file.text) == (500, "…", "(a file)")

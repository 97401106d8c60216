"""The sentence, on values alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import _lru_cache_wrapper
from itertools import pairwise
from pathlib import Path

import pytest

from omnibot.app.rehearsal import rehearse
from omnibot.dialogue import Company, Knowledge
from omnibot.model import (
    Address,
    AddressId,
    Cap,
    CustomerId,
    DeliveryState,
    Direction,
    Disclosure,
    EarlierTurn,
    Fact,
    KnownAddress,
    Limits,
    MessageId,
    Proof,
    TimelineMessage,
    TurnMessage,
    Urgency,
    plain,
)
from omnibot.store.work import InboxItem, Kind, Lease, Purpose, Work
from omnibot.turn import take
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.PROVEN, account="main")
EMAIL = KnownAddress(
    id=AddressId(2), address=Address("email", "sarah@example.org"), proof=Proof.PROVEN, account="support"
)


@pytest.fixture(scope="module")
def steps() -> Steps:
    return Steps(
        understanding=Understanding(("en", "es")),
        company=Company(Knowledge.load(Path(__file__).parents[1] / "config" / "knowledge")),
        limits={
            "telegram": Limits(text=4096, choices=10),
            "email": Limits(text=100_000, subject=True, unsolicited=Cap(1, 3600)),
        },
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(Path(__file__).parents[1] / "config" / "voice")),
        disclosure=Disclosure(),
    )


def said(id_: int, text: str, address: KnownAddress = TELEGRAM, **fields) -> InboxItem:
    message = TurnMessage(id=MessageId(id_), address=address.id, at=NOON, text=text, provider_id=f"m{id_}")
    return InboxItem(id=id_, kind=Kind.MESSAGE, address=address.id, attempts=0, message=replace(message, **fields))


def ours(id_: int, text: str) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(id_),
        customer=CustomerId(7),
        address=TELEGRAM.address,
        direction=Direction.OUT,
        at=NOON,
        text=text,
    )


def work(*items: InboxItem, addresses: tuple[KnownAddress, ...] = (TELEGRAM,), **facts: str) -> Work:
    lease = Lease(CustomerId(7), fence=1, arrivals=1, lost=0)
    stated = tuple(Fact(key=key, value=value, address=addresses[0].id) for key, value in facts.items())
    return Work(lease=lease, items=items, addresses=addresses, facts=stated, timeline=(), at=NOON)


def _nobody_is_left() -> Work:
    lease = Lease(CustomerId(7), fence=1, arrivals=1, lost=0)
    return Work(lease=lease, items=(), addresses=(), facts=(), timeline=(), at=NOON)


def test_a_lane_that_was_emptied_meanwhile_is_no_fault(steps: Steps) -> None:
    """Its customer was merged with another one between its claim and its turn."""
    outcome = take(_nobody_is_left(), steps)
    assert (outcome.record, outcome.replies) == (None, ())


def test_a_question_is_answered_where_it_was_asked(steps: Steps) -> None:
    outcome = take(work(said(1, "How can I export my data?"), name="Sarah"), steps)
    [reply] = outcome.replies
    assert reply.draft.to == TELEGRAM
    assert reply.purpose is Purpose.UNSOLICITED
    assert outcome.record is not None
    assert outcome.record["messages"] == [1]


def test_who_only_greets_is_greeted_and_nothing_else(steps: Steps) -> None:
    outcome = take(work(said(1, "Hello")), steps)
    assert [reply.purpose for reply in outcome.replies] == [Purpose.GREETING]
    asked = take(work(said(1, "Hello, how can I export my data?")), steps)
    assert [reply.purpose for reply in asked.replies] == [Purpose.UNSOLICITED]


def test_an_answer_to_us_is_an_ordinary_reply(steps: Steps) -> None:
    outcome = take(work(said(1, "How can I export my data?", answers=MessageId(9))), steps)
    assert [reply.purpose for reply in outcome.replies] == [Purpose.REPLY]


def test_a_reply_elsewhere_leaves_a_pointer_and_cannot_be_a_loop(steps: Steps) -> None:
    facts = {"preference.channel": "email"}
    outcome = take(work(said(1, "How can I export my data?"), addresses=(TELEGRAM, EMAIL), **facts), steps)
    assert [(r.draft.to, r.purpose) for r in outcome.replies] == [
        (EMAIL, Purpose.REPLY),
        (TELEGRAM, Purpose.POINTER),
    ]


def test_stop_is_confirmed_past_the_gate(steps: Steps) -> None:
    outcome = take(work(said(1, "STOP", flags=("stop",)), addresses=(replace(TELEGRAM, stopped=True),)), steps)
    assert [reply.purpose for reply in outcome.replies] == [Purpose.CONFIRMATION]


def test_what_was_changed_before_the_answer_is_answered_as_changed(steps: Steps) -> None:
    payload = {"message_id": "m1", "at": NOON.isoformat(), "text": "How can I export my data?"}
    edit = InboxItem(id=2, kind=Kind.EDIT, address=TELEGRAM.id, attempts=0, payload=payload)
    outcome = take(work(said(1, "How can I exprot my daat?"), edit), steps)
    assert "Export" in str(outcome.replies[0].draft.parts)
    assert [(r.message_id, r.text) for r in outcome.revised] == [("m1", "How can I export my data?")]


def test_an_edit_alone_is_not_answered(steps: Steps) -> None:
    payload = {"message_id": "m1", "at": NOON.isoformat(), "text": "hello"}
    outcome = take(work(InboxItem(id=2, kind=Kind.EDIT, address=TELEGRAM.id, attempts=0, payload=payload)), steps)
    assert outcome.replies == ()
    assert outcome.record is None
    assert len(outcome.revised) == 1


def test_a_report_is_handed_on(steps: Steps) -> None:
    payload = {"provider_id": "p1", "state": "delivered", "reason": "", "unreachable": False}
    outcome = take(work(InboxItem(id=2, kind=Kind.REPORT, address=TELEGRAM.id, attempts=0, payload=payload)), steps)
    assert [(r.provider_id, r.state) for r in outcome.reported] == [("p1", DeliveryState.DELIVERED)]


def test_a_lane_that_was_woken_for_nothing_does_nothing(steps: Steps) -> None:
    outcome = take(work(), steps)
    assert outcome.replies == ()
    assert outcome.address == TELEGRAM.id


def test_messages_are_read_in_the_order_in_which_they_were_written(steps: Steps) -> None:
    late = said(2, "first", at=NOON - timedelta(minutes=1))
    outcome = take(work(said(1, "second"), late), steps)
    assert outcome.record is not None
    assert outcome.record["messages"] == [2, 1]


def test_the_language_last_written_in_is_remembered(steps: Steps) -> None:
    outcome = take(work(said(1, "¿Cómo puedo cancelar mi suscripción este mes?")), steps)
    assert ("language", "es") in [(change.key, change.value) for change in outcome.changes]
    outcome = take(work(said(1, "¿Cómo puedo cancelar mi suscripción este mes?"), language="es"), steps)
    assert "language" not in [change.key for change in outcome.changes]


def test_replies_to_one_customer_alternate_though_their_ids_step_by_two(steps: Steps) -> None:
    timeline: list[TimelineMessage] = []
    replies: list[str] = []
    for id_ in range(2, 30, 2):
        asked = replace(work(said(id_, "thanks!"), name="Sarah"), timeline=tuple(timeline))
        [reply] = take(asked, steps).replies
        replies.append(plain(reply.draft.parts))
        timeline.append(ours(id_ + 1, replies[-1]))
    assert all(one != other for one, other in pairwise(replies))
    assert len({reply.removeprefix("Hi Sarah. ") for reply in replies}) > 2


def test_the_same_work_gives_the_same_outcome(steps: Steps) -> None:
    asked = work(said(1, "How can I export my data?"), name="Sarah")
    assert take(asked, steps) == take(asked, steps)


# --- where only those who write can be written to ---

WHATSAPP = KnownAddress(id=AddressId(3), address=Address("whatsapp", "+15550100"), proof=Proof.PROVEN, account="main")


def closing(steps: Steps, **fields: object) -> Steps:
    """The same with WhatsApp, whose window is a day."""
    limits = replace(Limits(text=4096, window=86_400), **fields)
    return replace(steps, limits={**steps.limits, "whatsapp": limits})


def theirs(hours: float) -> TimelineMessage:
    return replace(ours(1, "hello"), address=WHATSAPP.address, direction=Direction.IN, at=NOON - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("timeline", "fields", "channel"),
    [
        ((theirs(23),), {}, "whatsapp"),
        ((theirs(25),), {}, "telegram"),
        ((), {}, "telegram"),
        ((theirs(25), theirs(23)), {}, "whatsapp"),
        ((theirs(25),), {"knocks": True}, "whatsapp"),
        ((theirs(25),), {"window": None}, "whatsapp"),
    ],
)
def test_the_preferred_channel_is_left_where_they_would_have_to_write_first(
    steps: Steps, timeline: tuple[TimelineMessage, ...], fields: dict[str, object], channel: str
) -> None:
    asked = work(
        said(9, "How can I export my data?"), addresses=(TELEGRAM, WHATSAPP), **{"preference.channel": "whatsapp"}
    )
    outcome = take(replace(asked, timeline=timeline), closing(steps, **fields))
    assert outcome.replies[0].draft.to.address.channel == channel
    assert outcome.opened == ()


def test_whoever_writes_there_is_answered_there_and_lets_go_what_was_held(steps: Steps) -> None:
    asked = work(said(9, "How can I export my data?", WHATSAPP), addresses=(TELEGRAM, WHATSAPP))
    outcome = take(asked, closing(steps))
    assert [reply.draft.to for reply in outcome.replies] == [WHATSAPP]
    assert outcome.opened == (WHATSAPP.id,)
    assert take(asked, closing(steps, knocks=True)).opened == (WHATSAPP.id,)


def test_an_address_of_a_channel_that_is_gone_is_none_to_open(steps: Steps) -> None:
    gone = replace(EMAIL, address=Address("pigeon", "7"))
    assert take(work(said(9, "hello"), addresses=(TELEGRAM, gone)), closing(steps)).opened == ()


def _caches() -> dict[str, Callable[..., object]]:
    """What our modules build once for ever, when it is first needed."""
    ours = [(name, module) for name, module in sys.modules.items() if name.startswith("omnibot.")]
    found = {f"{name}.{key}": value for name, module in ours for key, value in vars(module).items()}
    return {key: value for key, value in found.items() if isinstance(value, _lru_cache_wrapper)}


def test_what_is_built_when_it_is_first_needed_is_built_in_a_rehearsal(steps: Steps) -> None:
    caches = {key: cache for key, cache in _caches().items() if cache.cache_parameters()["maxsize"] is None}
    assert any("phrases" in key for key in caches)
    for cache in caches.values():
        cache.cache_clear()
    rehearse(steps)
    built = {key: cache.cache_info().misses for key, cache in caches.items()}
    for number, text in enumerate(("Hello, where are my invoices?", "¿Dónde están mis facturas?", "hola", "🎉")):
        take(work(said(number, text)), steps)
        take(work(said(number, text, EMAIL), addresses=(EMAIL,)), steps)
    assert {key: cache.cache_info().misses for key, cache in caches.items()} == built


def test_a_turn_remembers_of_its_reading_what_later_turns_need(steps: Steps) -> None:
    outcome = take(work(said(1, "everything is down, I am furious")), steps)
    assert outcome.mood is not None
    assert (outcome.mood.at, outcome.mood.urgency, outcome.mood.answered) == (NOON, Urgency.CRITICAL, True)
    assert outcome.mood.sentiment is not None
    assert outcome.mood.sentiment < 0
    quiet = take(work(said(1, "4711")), steps).mood
    assert quiet is not None
    assert (quiet.sentiment, quiet.urgency) == (None, None)


def test_earlier_turns_are_known_to_understanding(steps: Steps) -> None:
    again = work(said(1, "this is terrible, I hate it"))
    turns = [EarlierTurn(at=NOON - timedelta(hours=hours), sentiment=0.6) for hours in (72, 48, 24)]
    record = take(replace(again, earlier=tuple((TELEGRAM.id, turn) for turn in turns)), steps).record
    assert record is not None
    trend = record["reading"].trend
    assert (trend.turns, trend.sentiment < 0) == (4, True)

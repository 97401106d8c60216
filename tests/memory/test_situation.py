"""The situation a turn is said in: who spoke last, how often they came, what waits for an answer."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from omnibot.memory import situate
from omnibot.model import (
    Address,
    AddressId,
    BusinessHours,
    Case,
    CaseId,
    CaseState,
    CustomerId,
    Direction,
    EarlierTurn,
    MessageId,
    Situation,
    Snapshot,
    TimelineMessage,
    TurnMessage,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TELEGRAM = Address("telegram", "4711")
NOW = TurnMessage(id=MessageId(99), address=AddressId(1), at=NOON, text="and now?")


def told(id_: int, direction: Direction, text: str, minutes: float) -> TimelineMessage:
    at = NOON - timedelta(minutes=minutes)
    return TimelineMessage(
        id=MessageId(id_), customer=CustomerId(7), address=TELEGRAM, direction=direction, at=at, text=text
    )


def them(id_: int, text: str, minutes: float) -> TimelineMessage:
    return told(id_, Direction.IN, text, minutes)


def us(id_: int, text: str, minutes: float) -> TimelineMessage:
    return told(id_, Direction.OUT, text, minutes)


def turn(minutes: float, intent: str | None = None, *, answered: bool = True) -> EarlierTurn:
    return EarlierTurn(at=NOON - timedelta(minutes=minutes), intent=intent, answered=answered)


def situation(*timeline: TimelineMessage, earlier: tuple[EarlierTurn, ...] = (), **facts: str) -> Situation:
    snapshot = Snapshot(customer=CustomerId(7), addresses=(), facts=facts, timeline=timeline, earlier=earlier)
    return situate(snapshot, [NOW], BERLIN, BusinessHours())


def test_of_a_stranger_nothing_is_known_but_the_time() -> None:
    alone = situation()
    assert (alone.now, alone.zone, alone.contacts, alone.unanswered) == (NOON, BERLIN, 1, 0)
    assert (alone.minutes_since, alone.last_reply, alone.last_words, alone.last_language) == (None, "", "", None)


@pytest.mark.parametrize(
    ("state", "minutes", "contacts"),
    [
        (CaseState.WAITING, 20, 2),
        (CaseState.WAITING, 45, 3),
        (CaseState.HANDED_OFF, 6 * 1440, 3),
        (CaseState.WAITING, 8 * 1440, 1),
        (CaseState.RESOLVED, 45, 1),
    ],
)
def test_contacts_are_those_of_the_case_that_is_open_even_where_its_turns_are_not_remembered(
    state: CaseState, minutes: float, contacts: int
) -> None:
    at = NOON - timedelta(minutes=minutes)
    case = Case(id=CaseId(1), intent="api", state=state, opened_at=at, touched_at=at, contacts=2)
    snapshot = Snapshot(customer=CustomerId(7), addresses=(), cases=(case,))
    assert situate(snapshot, [NOW], BERLIN, BusinessHours()).contacts == contacts


def test_the_last_exchange_is_what_we_said_and_what_they_had_said_before() -> None:
    said = situation(
        them(1, "it is broken", 60), us(2, "which one?", 55), us(3, "we look into it", 50), them(4, "?", 5)
    )
    assert (said.last_reply, said.last_words, said.minutes_since) == ("we look into it", "it is broken", 50)


def test_what_we_began_had_no_words_before_it() -> None:
    said = situation(us(2, "welcome", 55))
    assert (said.last_reply, said.last_words) == ("welcome", "")


def test_the_turns_own_messages_are_nothing_that_was_said_before() -> None:
    assert situation(us(1, "hello", 10), them(99, "and now?", 0)).last_reply == "hello"
    assert situation(them(99, "and now?", 0)).last_words == ""


def test_a_reply_with_a_later_clock_was_just_now() -> None:
    assert situation(us(1, "hello", -1)).minutes_since == 0


def test_the_customers_zone_goes_before_the_companys() -> None:
    assert situation(zone="America/Lima").zone == ZoneInfo("America/Lima")


@pytest.mark.parametrize("name", ["Mars/Phobos", "../etc/passwd", "x" * 300, "\0"])
def test_a_zone_that_nobody_knows_is_the_companys(name: str) -> None:
    assert situation(zone=name).zone == BERLIN


@pytest.mark.parametrize(
    ("earlier", "contacts"),
    [
        ([], 1),
        ([turn(10)], 1),  # still the same visit
        ([turn(30)], 2),
        ([turn(200), turn(190), turn(90)], 3),
        ([turn(3000, "refund"), turn(90, "refund")], 3),
        ([turn(3000, "password"), turn(90, "refund")], 2),  # another matter
        ([turn(3000), turn(90, "refund")], 3),  # of which nobody knows what it was about
        ([turn(11_000), turn(90)], 2),  # more than a week ago
    ],
)
def test_contacts_are_visits_about_one_matter(earlier: list[EarlierTurn], contacts: int) -> None:
    assert situation(earlier=tuple(earlier)).contacts == contacts


def test_turns_without_an_answer_are_counted_from_the_last_that_had_one() -> None:
    waiting = (turn(90, answered=False), turn(60), turn(30, answered=False), turn(20, answered=False))
    assert situation(earlier=waiting).unanswered == 2


def test_what_was_said_later_answers_what_waited() -> None:
    assert situation(us(1, "sorry for the wait", 10), earlier=(turn(30, answered=False),)).unanswered == 0

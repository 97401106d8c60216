"""While people have a matter the bot says nothing of it; to all else it answers as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from tests.dialogue.test_decide import CHANNELS, ENGLISH, NOON, TELEGRAM, sarah, written

from omnibot.dialogue import Company, Knowledge, Team, decide
from omnibot.model import (
    BusinessHours,
    Case,
    CaseId,
    CaseState,
    Direction,
    Intent,
    MoveKind,
    Plan,
    Recollection,
    Snapshot,
    TimelineMessage,
    TurnMessage,
)
from omnibot.playbooks import Playbooks, Within

KNOWLEDGE = Knowledge.load(Path(__file__).parents[2] / "config" / "knowledge")
OPEN = BusinessHours(days=frozenset(range(7)))
COMPANY = Company(KNOWLEDGE, teams={"support": Team(key="support", names={"en": "our support team"}, hours=OPEN)})
STAFFED = replace(COMPANY, desk=True)
EXPORT = Case(
    id=CaseId(9), intent="export_fails", state=CaseState.HANDED_OFF, opened_at=NOON, touched_at=NOON, contacts=1
)
HOURS = "What are your opening hours?"


def plan(
    text: str,
    *,
    company: Company = STAFFED,
    case: Case | None = EXPORT,
    cases: tuple[Case, ...] = (EXPORT,),
    intent: str = "",
    at: datetime = NOON,
    recent: tuple[TimelineMessage, ...] = (),
    **message: object,
) -> Plan:
    snapshot: Snapshot = replace(sarah(), cases=cases)
    reading = replace(ENGLISH, intent=Intent(intent, 0.9)) if intent else ENGLISH
    messages: list[TurnMessage] = [replace(one, at=at) for one in written(text, **message)]
    return decide(snapshot, reading, Recollection(case=case, recent=recent), messages, company, CHANNELS)


@pytest.mark.parametrize("text", ["It still does not work!", "hello??", "thanks", HOURS, "I want to talk to a person"])
def test_nothing_is_said_of_what_people_have(text: str) -> None:
    silent = plan(text)
    assert (silent.moves, silent.to, silent.handoff) == ((), None, "")
    assert silent.why == "people have it (export_fails)"


def test_what_may_be_about_it_is_left_to_people_though_memory_does_not_know() -> None:
    assert plan("and another thing", case=None).moves == ()


@pytest.mark.parametrize(("text", "intent"), [("Any news?", "request-status"), ("Get me a human", "person")])
def test_news_of_it_and_a_person_for_it_are_no_matter_of_their_own(text: str, intent: str) -> None:
    ours = Playbooks.load(Path(__file__).parents[2] / "config" / "playbooks")
    silent = plan(text, intent=intent, company=replace(STAFFED, playbooks=ours))
    assert silent.moves == ()
    assert silent.why == "people have it (export_fails)"
    assert plan(HOURS, intent="opening-hours", company=replace(STAFFED, playbooks=ours)).moves


def test_without_a_desk_the_bot_answers_on() -> None:
    assert plan(HOURS, company=COMPANY).moves


def test_whoever_clearly_wants_something_else_is_answered() -> None:
    assert plan(HOURS, intent="opening_hours").moves
    another = replace(EXPORT, id=CaseId(10), intent="billing", state=CaseState.OPEN)
    assert plan(HOURS, case=another, cases=(EXPORT, another)).moves


def test_the_same_wish_again_is_the_same_matter() -> None:
    assert plan(HOURS, case=None, intent="export_fails").moves == ()


def test_what_is_solved_or_back_with_the_bot_is_no_matter_of_people() -> None:
    for state in (CaseState.OPEN, CaseState.RESOLVED, CaseState.REOPENED):
        ended = replace(EXPORT, state=state)
        assert plan(HOURS, case=ended, cases=(ended,)).moves


def test_wishes_are_confirmed_all_the_same() -> None:
    confirmed = plan("Please call me Kate")
    assert [move.topic for move in confirmed.moves if move.topic == "name_set"] == ["name_set"]
    assert [change.key for change in confirmed.changes] == ["name"]


def test_stop_is_confirmed_all_the_same() -> None:
    assert plan("STOP", flags=("stop",)).confirms_stop


def test_what_staff_alone_may_see_is_handed_to_them_all_the_same() -> None:
    assert "staff" in plan("hello", flags=("staff_only",)).handoff


# --- when they are closed ---

NIGHT = NOON + timedelta(hours=10)


def said(at: datetime, by: str = "") -> TimelineMessage:
    return TimelineMessage(
        id=1,
        customer=1,
        address=TELEGRAM.address,
        direction=Direction.OUT,
        at=at,
        text="…",
        by=by,  # type: ignore[arg-type]
    )


def test_while_they_are_closed_it_is_told_once_when_they_are_back() -> None:
    told = plan("It still does not work!", at=NIGHT)
    [move] = [move for move in told.moves if move.topic == "closed"]
    assert move.facts == {"team": "our support team", "opens": datetime(2026, 3, 3, 9, tzinfo=UTC)}
    assert told.to == TELEGRAM
    assert plan("Hello?", at=NIGHT, recent=(said(NIGHT - timedelta(minutes=1)),)).moves == ()


def test_the_team_that_has_it_tells_when_it_is_back_and_not_the_playbooks_first() -> None:
    early = Team(key="senior", names={"en": "our senior team"}, hours=replace(OPEN, opens=time(6)))
    teams = {**COMPANY.teams, "senior": early}
    playbooks = Playbooks.load(Path(__file__).parents[2] / "config" / "playbooks")
    company = replace(STAFFED, teams=teams, playbooks=playbooks)
    case = replace(EXPORT, intent="cancellation")  # whose first rule is the seniors'
    support, senior = ("our support team", 9), ("our senior team", 6)
    for team, (name, opens) in {"": support, "senior": senior, "gone": support}.items():
        theirs = replace(case, team=team)
        told = plan("Hello?", at=NIGHT, company=company, case=theirs, cases=(theirs,))
        [move] = [move for move in told.moves if move.topic == "closed"]
        assert (move.facts["team"], move.facts["opens"]) == (name, datetime(2026, 3, 3, opens, tzinfo=UTC)), team


def test_what_was_said_before_they_closed_or_by_people_does_not_count() -> None:
    assert plan("Hello?", at=NIGHT, recent=(said(NOON),)).moves
    assert plan("Hello?", at=NIGHT, recent=(said(NIGHT - timedelta(minutes=1), by="Ana"),)).moves


def test_a_team_that_never_works_or_is_not_there_is_never_back() -> None:
    never = Team(key="support", hours=BusinessHours(days=frozenset()))
    assert plan("Hello?", company=replace(STAFFED, teams={"support": never})).moves == ()
    assert plan("Hello?", company=replace(STAFFED, teams={}), at=NIGHT).moves == ()


# --- by when, where no playbook says it ---


def promises(company: Company, text: str = "I want to talk to a person", at: datetime = NOON) -> list[tuple[str, dict]]:
    handed = plan(text, company=company, case=None, cases=(), at=at)
    assert handed.handoff
    return [(move.topic, dict(move.facts)) for move in handed.moves if move.kind is MoveKind.PROMISE]


def with_support(**fields: object) -> Company:
    team = replace(COMPANY.teams["support"], **fields)
    return replace(STAFFED, teams={"support": team})


def test_who_is_handed_off_is_told_by_when_people_first_answer() -> None:
    [(topic, facts)] = promises(with_support(first=Within(minutes=240)))
    assert (topic, facts["team"], facts["by"]) == ("by", "our support team", NOON + timedelta(hours=4))


def test_who_is_handed_off_while_they_are_closed_is_told_when_they_open() -> None:
    night = NOON.replace(hour=22)
    assert promises(with_support(), at=night) == [
        ("closed", {"team": "our support team", "opens": NOON.replace(hour=9) + timedelta(days=1)})
    ]
    assert promises(with_support()) == []  # somebody is there, and no time was promised


def test_without_a_desk_nothing_is_promised_for_it() -> None:
    assert promises(replace(with_support(first=Within(minutes=240)), desk=False)) == []

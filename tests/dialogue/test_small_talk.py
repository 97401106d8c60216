"""Who says nothing that an answer could be about: whether anybody is there, that something else is meant."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.dialogue.test_playing import EMAIL, MET, NOON, TELEGRAM, Deciding, case, customer, ours, reading, said

from omnibot.dialogue import Company, Knowledge
from omnibot.model import OUT_OF_SCOPE, Case, CaseState, Direction, Recollection
from omnibot.playbooks import Playbooks

NOTHING = reading(OUT_OF_SCOPE, known=False)
AGO = NOON - timedelta(minutes=5)


@pytest.fixture(scope="module")
def plan() -> Deciding:
    config = Path(__file__).parents[2] / "config"
    return Deciding(Company(Knowledge.load(config / "knowledge"), Playbooks.load(config / "playbooks")))


def with_people(touched_at: datetime = AGO) -> Case:
    return case("bill-changed", state=CaseState.HANDED_OFF, touched_at=touched_at)


ASKED_AFTER = ["hello??", "???", "?!", "anyone there?", "Hola? Sigues ahí?", "Ist da jemand?", "Y a-t-il quelqu'un ?"]


@pytest.mark.parametrize("text", ["hello", *ASKED_AFTER])
def test_who_asks_if_anybody_is_there_hears_that_people_have_it_and_people_hear_of_it(
    plan: Deciding, text: str
) -> None:
    memory = Recollection(recent=(ours("A colleague will write."),), case=with_people(), is_contact=False)
    told = plan(text, read=NOTHING, memory=memory)
    assert said(told)[-1] == "handoff.waiting"
    assert set(said(told)) <= {"greet.opening", "handoff.waiting"}
    assert told.moves[-1].facts == {"matter": "your bill"}
    assert told.handoff
    assert told.case is not None
    assert (told.case.id, told.case.state) == (7, CaseState.HANDED_OFF)


@pytest.mark.parametrize("text", ASKED_AFTER)
def test_it_may_be_hours_later_and_of_another_intent(plan: Deciding, text: str) -> None:
    known = customer(cases=(with_people(NOON - timedelta(days=2)), case("invoices", touched_at=AGO)))
    told = plan(text, read=reading("opening-hours"), known=known)
    assert said(told)[-1] == "handoff.waiting"


def test_who_greets_the_next_day_is_asked_what_it_is(plan: Deciding) -> None:
    known = customer(cases=(with_people(NOON - timedelta(days=1)),))
    assert said(plan("hello", read=NOTHING, known=known)) == ["greet.hello"]


def test_what_people_have_had_for_weeks_is_not_spoken_of(plan: Deciding) -> None:
    known = customer(cases=(with_people(NOON - timedelta(days=20)),))
    assert said(plan("hello??", read=NOTHING, known=known)) == ["greet.hello"]


def test_where_several_people_write_nobody_is_told_what_another_waits_for(plan: Deciding) -> None:
    known = customer(addresses=(replace(TELEGRAM, shared=True), EMAIL), cases=(with_people(),), trusted=frozenset())
    memory = replace(MET, case=with_people())
    assert "handoff.waiting" not in said(plan("hello??", read=NOTHING, known=known, memory=memory))


def test_who_opens_the_conversation_again_asks_after_nothing(plan: Deciding) -> None:
    opened = plan("/start", read=NOTHING, memory=replace(MET, case=with_people()), flags=("start", "already"))
    assert "greet.hello" in said(opened)


def test_what_is_asked_besides_is_answered(plan: Deciding) -> None:
    memory = replace(MET, case=with_people())
    assert "answer.invoices" in said(plan("hello?? Where are my invoices?", read=reading("invoices"), memory=memory))


@pytest.mark.parametrize("last", list(Direction))
def test_an_ok_while_people_have_it_wants_no_answer(plan: Deciding, last: Direction) -> None:
    memory = Recollection(recent=(ours(minutes=9), ours(direction=last)), case=with_people())
    assert said(plan("ok", read=NOTHING, memory=memory)) == []


@pytest.mark.parametrize(
    ("text", "moves"),
    [("hello??", ["greet.hello"]), ("anyone there?", ["greet.who_are_you"]), ("???", ["handoff.unclear"])],
)
def test_without_people_it_is_answered_as_what_it_is(plan: Deciding, text: str, moves: list[str]) -> None:
    assert said(plan(text, read=NOTHING)) == moves


@pytest.mark.parametrize(
    "text",
    [
        "no, something else",
        "Neither",
        "none of these",
        "I have another question",
        "no, otra cosa",
        "ninguna de las dos",
        "nein, etwas anderes",
        "keins von beiden",
        "non, autre chose",
        "ni l'un ni l'autre",
    ],
)
def test_who_means_something_else_is_asked_what_it_is(plan: Deciding, text: str) -> None:
    asked = plan(text, read=NOTHING)
    assert said(asked) == ["greet.something_else"]
    assert asked.handoff == ""


def test_who_says_at_once_what_else_it_is_is_answered(plan: Deciding) -> None:
    told = plan("No, something else: where are my invoices?", read=reading("invoices"))
    assert said(told)[0] == "answer.invoices"

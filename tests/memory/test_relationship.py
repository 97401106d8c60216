"""What somebody is to the company and how they fare, by what the turn may know."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from omnibot.memory import relationship_of
from omnibot.model import (
    Attempt,
    Case,
    CaseId,
    CaseState,
    CustomerId,
    EarlierTurn,
    Event,
    Money,
    Relationship,
    Snapshot,
    Usage,
)
from tests.memory.people import NOON, Person, answer, read

DAY = timedelta(days=1)


def known(**more) -> Relationship:
    features = more.pop("features", ())
    return relationship_of(Snapshot(customer=CustomerId(7), addresses=(), **more), NOON, features)


def event(kind: str, days_ago: float, **properties) -> Event:
    return Event(id=f"{kind}{days_ago}", name=kind, at=NOON - days_ago * DAY, properties=properties)


def used(name: str, first: float, last: float) -> Usage:
    return Usage(name=name, count=3, first_at=NOON - first * DAY, last_at=NOON - last * DAY)


def case(number: int, state: CaseState, *by: str) -> Case:
    attempts = tuple(Attempt(what=f"step {place}", by=name, at=NOON) for place, name in enumerate(by))
    return Case(id=CaseId(number), intent="bug", state=state, opened_at=NOON, touched_at=NOON, attempts=attempts)


def test_of_a_stranger_nothing_is_known() -> None:
    assert known() == Relationship()


def test_since_when_and_on_which_plan() -> None:
    then = datetime(2023, 3, 1, tzinfo=NOON.tzinfo)
    assert (known(since=then).since, known(facts={"plan": "Pro"}).plan) == (then, "Pro")


def test_what_they_have_paid_is_the_sum_of_their_invoices_in_the_currency_of_most() -> None:
    told = known(
        events=(
            event("invoice", 60, amount="19.90", currency="eur"),
            event("invoice", 30, amount=20, currency="EUR"),
            event("invoice", 20, amount=5, currency="USD"),
            event("payment_failed", 10, amount=99, currency="EUR"),
        )
    )
    assert told.paid == Money(Decimal("39.90"), "EUR")
    assert told.monthly == Money(Decimal(5), "USD")


@pytest.mark.parametrize("amount", ["1e15", "1e999999", 1e300, "-1e30"])
def test_what_no_company_asks_for_is_no_amount(amount: object) -> None:
    told = known(
        events=(
            event("invoice", 9, amount=amount, currency="EUR"),
            event("plan_changed", 3, price=amount, currency="EUR", interval="year"),
        )
    )
    assert (told.paid, told.monthly) == (None, None)


@pytest.mark.parametrize(
    ("interval", "monthly"), [("year", "10.00"), ("annual", "10.00"), ("month", "120"), (None, "120")]
)
def test_the_price_of_the_plan_is_told_by_the_month(interval: str | None, monthly: str) -> None:
    more = {"interval": interval} if interval else {}
    changed = event("plan_changed", 3, price=120, currency="EUR", **more)
    assert known(events=(event("invoice", 1, amount=7, currency="EUR"), changed)).monthly == Money(
        Decimal(monthly), "EUR"
    )


@pytest.mark.parametrize(
    "properties",
    [
        {"amount": 5},
        {"amount": 5, "currency": "euros"},
        {"amount": True, "currency": "EUR"},
        {"amount": "a lot", "currency": "EUR"},
        {"amount": "NaN", "currency": "EUR"},
        {"amount": 5, "currency": 978},
        {"currency": "EUR"},
    ],
)
def test_an_amount_that_is_none_counts_for_nothing(properties: dict) -> None:
    assert known(events=(event("invoice", 1, **properties),)).paid is None


def test_satisfaction_is_the_mood_of_the_latest_turns_and_what_they_said_in_surveys() -> None:
    turns = tuple(EarlierTurn(at=NOON - n * DAY, sentiment=mood) for n, mood in ((3, 0.2), (2, None), (1, -0.6)))
    assert known(earlier=turns).satisfaction == -0.2
    assert known(earlier=turns).trend == -0.4
    assert known(facts={"survey.csat": "5"}).satisfaction == 1.0
    assert known(facts={"survey.nps": "5"}, earlier=turns).satisfaction == round(-0.4 / 3, 3)
    assert known(facts={"survey.csat": "great", "survey.ces": "99"}).satisfaction is None
    assert known(earlier=turns[:1]).trend is None


def test_escalations_are_matters_that_people_took_over() -> None:
    cases = (
        case(1, CaseState.RESOLVED, "bot", "customer"),
        case(2, CaseState.RESOLVED, "Ana"),
        case(3, CaseState.HANDED_OFF),
    )
    assert known(cases=cases).escalations == 2


def test_milestones_and_features_are_named() -> None:
    told = known(
        events=(event("milestone", 9, name="100 projects"), event("milestone", 1)),
        usage=(used("feature_used:export", 9, 1), used("logged_in", 9, 1)),
        features=("export", "import", "search", "share"),
    )
    assert told.milestones == ("100 projects", "milestone")
    assert (told.features, told.adoption) == (("export",), 0.25)


def test_engagement_is_what_they_do_lately_beside_what_they_did_before() -> None:
    export, search = used("feature_used:export", 90, 60), used("feature_used:search", 90, 2)
    begun, paid = used("feature_used:share", 9, 1), used("invoice", 90, 1)
    assert known(usage=(export, search)).engagement == 0.5
    assert known(usage=(search, begun, paid)).engagement == 2.0
    assert known(usage=(begun,)).engagement is None


def test_it_is_at_hand_in_every_turn_and_computed_when_it_is_asked_for() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("still not", plan=answer("export"))
    asked = person.recollection.relationship
    assert asked is not None
    assert asked() == relationship_of(person.snapshot, NOON)

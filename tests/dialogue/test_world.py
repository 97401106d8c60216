"""What the expressions of playbooks see of one turn, and what a move rests on because of it."""

import gc
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.dialogue.test_playing import (
    BERLIN,
    MET,
    NOON,
    TELEGRAM,
    TurnMessage,
    case,
    customer,
    event,
    feeling,
    reading,
    told,
)

from omnibot.dialogue.world import World, value_of, zone_of
from omnibot.model import (
    Entity,
    Expertise,
    Level,
    Money,
    Preferences,
    Reading,
    Recollection,
    Relationship,
    Result,
    Signal,
    Trend,
    Usage,
)
from omnibot.playbooks import ROOTS, Expression

KNOWN = customer(
    preferences=Preferences(language="de", level=Level.HISTORY),
    facts={"plan": "Pro", "seats": "120"},
    since=NOON - timedelta(days=800),
    events=(
        event("payment_failed", 40, amount=39.5),
        replace(event("payment_failed", 10), properties={"amount": 12, "name": "mine", "at": "never"}),
        event("payment_failed", -2, amount=99),
        event("signed_up", 3, plan="Starter"),
    ),
    usage=(Usage(name="feature_used:export", count=4, first_at=NOON - timedelta(9), last_at=NOON - timedelta(2)),),
)
REMEMBERED = replace(
    MET,
    case=case(
        "bill",
        reopened=1,
        topic="AB-1",
        channels=("sms", "email", "sms"),
        attempts=(told("article:bill#2"), told("restarted the router", Result.FAILED, by="Ana")),
    ),
    contacts=3,
    agents=("Ana", "Ben"),
    tried=("die Karte neu hinterlegt",),
    relationship=lambda: Relationship(
        satisfaction=-0.5, escalations=2, milestones=("first export",), features=("a", "b")
    ),
)
READ = reading(
    "bill",
    expertise=Signal(Expertise.EXPERT, 0.9),
    emotions=feeling(frustration=0.7),
    entities=(Entity("order", "#12", "12", 0, 3),),
    trend=Trend(sentiment=-0.2, frustration=0.1, turns=3),
)


def world(known=KNOWN, read: Reading = READ, memory: Recollection = REMEMBERED) -> World:
    message = TurnMessage(id=2000, address=TELEGRAM.id, at=NOON, text="Why?")  # type: ignore[arg-type]
    return World(known, read, memory, [message], TELEGRAM, BERLIN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("event('payment_failed').amount", 12),
        ("event('payment_failed').days_ago", 10),
        ("event('payment_failed').date", date(2026, 2, 22)),
        ("event('payment_failed').at", NOON - timedelta(days=10)),  # the event's own, whatever its properties say
        ("event('payment_failed').name", "payment_failed"),
        ("events('payment_failed').count", 2),
        ("events('payment_failed', 30).count", 1),
        ("events('payment_failed').first.amount", 39.5),
        ("events('payment_failed').latest.amount", 12),
        ("events('nothing').first.amount", None),
        ("usage('feature_used:export').count", 4),
        ("usage('feature_used:export').days_ago", 2),
        ("usage('feature_used:gone').count", None),
        ("fact('seats')|int", 120),
        ("fact('gone')", None),
        ("entity('order')", "12"),
        ("entity('invoice')", None),
        ("money(event('payment_failed').amount, 'eur')", Money(Decimal("12"), "EUR")),
        ("money('12.50', 'EUR')", Money(Decimal("12.50"), "EUR")),
        ("money('much', 'EUR')", None),
        ("money('nan', 'EUR')", None),
        ("money('1e15', 'EUR')", None),
        ("money('-1e999999', 'EUR')", None),
        ("money(true, 'EUR')", None),
        ("money(12, 'euros')", None),
        ("customer.name", "Sarah Miller"),
        ("customer.plan", "Pro"),
        ("customer.language", "de"),
        ("customer.channel", "telegram"),
        ("customer.days", 800),
        ("customer.months", 26),
        ("customer.years", 2),
        ("'new' if customer.is_new else 'old'", "new"),
        ("customer.satisfaction", -0.5),
        ("customer.escalations", 2),
        ("customer.features", 2),
        ("customer.engagement", None),
        ("case.contacts", 3),
        ("case.reopened", 1),
        ("case.state", "waiting"),
        ("case.topic", "AB-1"),
        ("case.days", 3),
        ("case.attempts", 2),
        ("case.agents", 2),
        ("case.channels", 2),
        ("reading.expertise", "expert"),
        ("reading.frustration", 0.7),
        ("reading.confusion", None),
        ("reading.mood_trend", -0.2),
        ("reading.frustration_trend", 0.1),
        ("now.hour", 12),
        ("now.weekday", 2),
        ("now.date", date(2026, 3, 4)),
    ],
)
def test_what_is_known_can_be_asked_for(text: str, value: object) -> None:
    assert world().value(Expression.of(text)) == value


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("tried('bill')", True),
        ("tried('bill#2')", True),
        ("tried('bill#1')", False),
        ("tried('bill-more')", False),
        ("tried('restart the router')", True),
        ("tried('call the hotline')", False),
        ("tried('of the')", False),
    ],
)
def test_what_was_tried_is_known_by_article_step_or_words(text: str, holds: bool) -> None:
    assert world().holds(Expression.of(text)) is holds


def test_of_who_is_not_known_nothing_is() -> None:
    nobody = world(customer(name=""), reading(known=False), MET)
    for root, names in ROOTS.items():
        for name in names - {"channel", "contacts", "is_new", "agents", "language"}:
            if root != "now":
                assert nobody.value(Expression.of(f"{root}.{name}")) is None, (root, name)
    assert not nobody.holds(Expression.of("tried('bill')"))
    assert nobody.value(Expression.of("case.contacts")) == 1


def test_a_plan_is_known_by_what_happened_where_nobody_told_it() -> None:
    happened = customer(events=(event("signed_up", 90, plan="Starter"), event("plan_changed", 9, plan="Pro")))
    assert world(happened).value(Expression.of("customer.plan")) == "Pro"
    assert world(customer(events=happened.events[:1])).value(Expression.of("customer.plan")) == "Starter"
    assert world(customer(events=(event("signed_up", 90),))).value(Expression.of("customer.plan")) is None


def test_what_was_looked_up_is_what_a_move_rests_on() -> None:
    seen = world()
    seen.value(Expression.of("event('payment_failed').amount > 3 and fact('seats') and case.contacts"))
    assert seen.sources() == ("event:e-payment_failed-10", "fact:seats", "case:7")
    assert seen.sources() == ()
    seen.value(Expression.of("customer.days > 3 and entity('order') and usage('feature_used:export').count"))
    assert seen.sources() == ("since", "message:2000", "usage:feature_used:export")


def test_only_what_a_reply_can_say_is_a_value() -> None:
    assert value_of(" x ") == "x"
    assert value_of(timedelta(hours=1)) == timedelta(hours=1)
    for nothing in (None, "", " ", True, float("nan"), float("inf"), object(), ["x"]):
        assert value_of(nothing) is None


def test_the_zone_is_the_one_they_told_else_their_providers_else_the_companys() -> None:
    tokyo, lima = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Lima")
    assert (
        zone_of(customer(preferences=Preferences(zone="Asia/Tokyo"), facts={"zone": "America/Lima"}), BERLIN) == tokyo
    )
    assert zone_of(customer(facts={"zone": "America/Lima"}), BERLIN) == lima
    assert zone_of(customer(facts={"zone": "../etc/passwd"}), BERLIN) is BERLIN
    assert zone_of(customer(preferences=Preferences(zone="x" * 400)), BERLIN) is BERLIN


def test_what_was_looked_at_is_let_go_without_the_collector() -> None:
    condition = Expression.of("event('payment_failed').days_ago <= 62 and customer.plan == 'Pro' and now.hour >= 0")
    assert world().holds(condition)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            world().holds(condition)
        assert gc.collect() == 0
    finally:
        gc.enable()

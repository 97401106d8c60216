"""What a playbook can compute: nothing but what is known, in no time, and never with an error."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnibot.playbooks import FUNCTIONS, MISSING, ROOTS, Expression, ExpressionError, Record, Scope
from tests.costs import assert_cost


class Of(Record):
    def __init__(self, **values):
        self.values = values

    def get(self, attribute):
        return self.values.get(attribute)


AT = datetime(2026, 1, 15, tzinfo=UTC)
WORLD = Scope(
    {
        "customer": Of(name="Sarah", plan="pro", days=1100),
        "case": Of(contacts=3, topic=""),
        "reading": Of(expertise="expert"),
        "now": Of(hour=12),
        "event": lambda name: Of(at=AT, days_ago=46, plan="Pro", amount=39.5) if name == "plan_changed" else MISSING,
        "events": lambda name, days=None: Of(count=2, latest=Of(at=AT)),
        "usage": lambda name: MISSING,
        "fact": lambda key: {"seats": "120"}.get(key, MISSING),
        "entity": lambda label: MISSING,
        "tried": lambda what: what == "api-limits",
        "money": lambda amount, currency: (amount, currency),
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "event('plan_changed').days_ago <= 62 and event('plan_changed').plan > ''",
        "case.contacts >= 3 or tried('refund')",
        "not entity('invoice')",
        "reading.expertise == 'expert' and not (now.hour < 9 or now.hour >= 18)",
        "fact('seats')|int > 100",
        "customer.plan|lower in ('pro', 'business')",
        "customer.days / 365 > 3",
        "(event('plan_changed').amount + 1) * 2 == 81",
        "events('payment_failed', 30).count > 1",
        "events('plan_changed').latest.at",
        "event('plan_changed')['plan'] == 'Pro'",
        "fact('nickname')|default('none') == 'none'",
        "fact('nickname') is undefined",
        "'Pro' if tried('api-limits') else ''",
        "-case.contacts < 0",
    ],
)
def test_what_holds(text):
    assert Expression.of(text).holds(WORLD)


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">=", "==", "!=", "in"])
@pytest.mark.parametrize("known", ["62", "'Pro'", "('a', 'b')", "fact('seats')", "usage('referral').count", "now.hour"])
def test_no_comparison_with_what_is_missing_holds(comparison, known):
    missing = "event('referral').days_ago"
    assert not Expression.of(f"{missing} {comparison} {known}").holds(WORLD)
    assert not Expression.of(f"{known} {comparison} {missing}").holds(WORLD)


@pytest.mark.parametrize(
    "text",
    [
        "fact('seats') > 5",
        "event('referral').plan",
        "event('referral')",
        "case.topic",
        "event('plan_changed').plan + 1",
        "now.hour / 0",
        "-event('referral').days_ago",
        "event('plan_changed').plan * 3",
        "fact('nickname')|int > 5",
        "event('plan_changed').colour",
        "event('plan_changed').at > 5",
        "reading.mood_trend",
    ],
)
def test_what_is_missing_or_cannot_be_compared_is_false_and_no_error(text):
    assert not Expression.of(text).holds(WORLD)


def test_what_it_looks_up_is_known_without_evaluating_it():
    expression = Expression.of("event('plan_changed').days_ago < 9 and (fact('plan') or tried('x y'))")
    assert [(one.function, one.name) for one in expression.looks_up] == [
        ("event", "plan_changed"),
        ("fact", "plan"),
        ("tried", "x y"),
    ]
    assert Expression.of("case.contacts > now.hour").roots == {"case", "now"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cannot be read"),
        ("case.contacts >=", "cannot be read"),
        ("case.contacts }} and {{ 1", "is no expression"),
        ("1 }}{% for x in y %}{{ 2", "cannot be read"),
        ("cases.contacts", "names 'cases', which there is not"),
        ("case", "has 'case' without what is asked of it"),
        ("tried", "has 'tried' without its brackets"),
        ("case.contact", "asks for case.contact, which there is not"),
        ("usage('referral').total", "asks for usage().total, which there is not"),
        ("fact('plan').upper", "asks for 'upper' of what has no such thing"),
        ("'a'.join", "asks for 'join' of what has no such thing"),
        ("fact(customer.plan)", "calls fact() with what is computed"),
        ("events('referral', now.hour)", "calls events() with what is computed"),
        ("event()", "calls event() with 0 values"),
        ("event(name='x')", "calls event() with 0 values"),
        ("event(*'ab')", "calls event() with 0 values"),
        ("range(10)", "calls something else than event()"),
        ("fact('x')()", "calls something else than event()"),
        ("money(range(3), 'EUR')", "calls something else than event()"),
        ("9 ** 9 ** 9", "has something that is not allowed (Pow)"),
        ("'%1000000000d' % 1", "has something that is not allowed (Mod)"),
        ("customer.plan ~ 'x'", "has something that is not allowed (Concat)"),
        ("{'a': 1}", "has something that is not allowed (Dict)"),
        ("customer.plan[0:3]", "has something that is not allowed (Getitem)"),
        ("customer.plan|center(1000000000)", "has |center"),
        ("customer.plan|default(*'ab')", "has |default"),
        ("now.hour is divisibleby 3", "has |divisibleby"),
        ("''.__class__.__mro__", "asks for '__class__' of what has no such thing"),
        ("case.__class__", "asks for case.__class__"),
        ("1 and " * 100 + "1", "is longer than 400 characters"),
        ("(" * 199 + "1" + ")" * 199, "has too many brackets"),
        ("-" * 390 + "1", "has too many brackets"),
    ],
)
def test_what_is_no_expression_is_told(text, problem):
    with pytest.raises(ExpressionError) as raised:
        Expression.of(text)
    assert problem in str(raised.value)


def test_two_with_the_same_text_are_the_same():
    assert Expression.of("now.hour > 3") == Expression.of("now.hour > 3") != Expression.of("now.hour > 4")


SIMPLE = Expression.of("now.hour > 3")
_ATOMS = st.sampled_from(
    [f"{root}.{attribute}" for root, names in ROOTS.items() for attribute in sorted(names)]
    + [f"{name}('plan_changed')" for name in FUNCTIONS if name != "money"]
    + ["event('x').y", "events('x', 3).count", "money(event('x').amount, 'EUR')"]
    + ["0", "1", "-3.5", "''", "'Pro'", "99999999", "none", "true", "('a', 1)"]
)
_OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "and", "or", "in"])
_FILTERS = st.sampled_from(["default", "float", "int", "length", "lower", "upper"])
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, _OPERATORS, inner).map(" ".join),
        inner.map("not ({})".format),
        inner.map("-({})".format),
        inner.map("({})".format),
        st.tuples(inner, _FILTERS).map(lambda p: f"({p[0]})|{p[1]}"),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_EXPRESSIONS)
@example("customer.name * 9999999")
@example("('Pro' * 9999999)|length")
def test_no_expression_that_may_stand_raises_or_takes_long(text):
    try:
        expression = Expression.of(text)
    except ExpressionError:
        return
    assert expression.value(WORLD) == expression.value(WORLD) or expression.value(WORLD) != 0
    assert_cost(lambda: expression.value(WORLD), at_most=50, times=lambda: SIMPLE.value(WORLD))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abcdefnot.()'\"|*{}%-+<=>[]:, 0123456789", max_size=60))
def test_whatever_is_written_is_an_expression_or_told(text):
    with contextlib.suppress(ExpressionError):
        Expression.of(text).value(WORLD)

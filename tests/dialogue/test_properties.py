"""Whatever is known, read and remembered: there is a plan, always the same one, and nothing in it is invented."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialogue.test_playing import BERLIN, EMAIL, NOON, TELEGRAM, customer, ours

from omnibot.dialogue import Company, Knowledge, Team, decide
from omnibot.model import (
    OUT_OF_SCOPE,
    Alternative,
    Attempt,
    Case,
    CaseId,
    CaseState,
    Complexity,
    Detail,
    EarlierTurn,
    Emotions,
    Entity,
    Event,
    Expertise,
    Intent,
    Length,
    Level,
    Manner,
    MessageId,
    Money,
    MoveKind,
    Plan,
    Preferences,
    Reading,
    Recollection,
    Register,
    Result,
    Sentiment,
    Signal,
    Snapshot,
    TurnMessage,
    Urgency,
    Usage,
    Value,
)
from omnibot.playbooks import Playbooks

LANGUAGES = ("en", "es", "de", "fr")
WORDS = ["bill", "timeout", "Rechnung", "export", "why", "refund", "thanks", "hello", "lawyer", "not working", "😀", ""]
NAMES = ["Ana", "Ben", "Zoë", "Li Wei"]
PLANS = ["Pro", "Starter", "Business XL"]
STEPS = ["restarted the router", "cleared the cache", "rotated the key"]


@pytest.fixture(scope="module")
def shipped(request: pytest.FixtureRequest) -> Company:
    config = request.config.rootpath / "config"
    teams = {
        "support": Team(key="support", names={"en": "our support team"}, zone=BERLIN),
        "senior": Team(key="senior", names={"en": "our senior support team"}, zone=BERLIN),
    }
    return Company(Knowledge.load(config / "knowledge"), Playbooks.load(config / "playbooks"), zone=BERLIN, teams=teams)


INTENTS = [
    "bill-changed", "api-timeout", "api-limits", "refund", "invoices", "password-reset", "person", "bug-report",
    "outage", "feature-request", "team-members", "praise", "gone", OUT_OF_SCOPE,
]  # fmt: skip


def signals(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda value, known: Signal(value, 0.8 if known else 0.2, known=known), values, st.booleans())


SHARES = st.floats(0, 1, allow_nan=False)
PAST = st.integers(0, 1500).map(lambda days: NOON - timedelta(days=days))
EMOTIONS = st.builds(
    Emotions,
    frustration=signals(SHARES),
    confusion=signals(SHARES),
    satisfaction=signals(SHARES),
    excitement=signals(SHARES),
)
READINGS = st.builds(
    Reading,
    language=signals(st.sampled_from([*LANGUAGES, "it", ""])),
    sentiment=st.builds(lambda value, known: Sentiment(value, 0.8, known=known), st.floats(-1, 1), st.booleans()),
    urgency=signals(st.sampled_from(Urgency)),
    intent=st.builds(
        lambda value, other, first, second, known: Intent(
            value, first, known=known, alternatives=(Alternative(other, second),)
        ),
        *(st.sampled_from(INTENTS), st.sampled_from(INTENTS), SHARES, SHARES, st.booleans()),
    ),
    emotions=EMOTIONS,
    expertise=signals(st.sampled_from(Expertise)),
    person=signals(st.booleans()),
    entities=st.lists(
        st.builds(
            lambda label, value: Entity(label, value, value, 0, 1),
            st.sampled_from(["order", "invoice", "plan", "error_code", "version"]),
            st.sampled_from(["AB-1", "E-504", "2.1"]),
        ),
        max_size=2,
    ).map(tuple),
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(PLANS),
        "seats": st.integers(-5, 500),
        "amount": st.floats(),
        "currency": st.sampled_from(["EUR", "eur", "much"]),
        "at": st.just("never"),
    },
)
EVENTS = st.lists(
    st.builds(
        lambda number, name, at, properties: Event(id=f"e{number}", name=name, at=at, properties=properties),
        st.integers(0, 99),
        st.sampled_from(["plan_changed", "signed_up", "payment_failed", "seats_changed", "other"]),
        st.one_of(PAST, st.integers(0, 10).map(lambda days: NOON + timedelta(days=days))),
        PROPERTIES,
    ),
    max_size=5,
).map(tuple)
ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        what=st.sampled_from(
            [
                *STEPS,
                "article:bill-changed",
                "article:api-timeout",
                "article:api-timeout#2",
                "article:x#y",
                "article:gone",
            ]
        ),
        by=st.sampled_from(["bot", "customer", *NAMES]),
        at=PAST,
        result=st.sampled_from(Result),
    ),
    max_size=5,
).map(tuple)
CASES = st.builds(
    lambda id_, intent, opened, lasted, **fields: Case(
        id=CaseId(id_), intent=intent, opened_at=opened, touched_at=min(NOON, opened + lasted), **fields
    ),
    st.integers(1, 99),
    st.sampled_from(INTENTS),
    PAST,
    st.integers(0, 90).map(lambda days: timedelta(days=days)),
    topic=st.sampled_from(["", "AB-1"]),
    state=st.sampled_from(CaseState),
    contacts=st.integers(1, 5),
    channels=st.lists(st.sampled_from(["sms", "email", "telegram"]), max_size=3).map(tuple),
    asked=st.lists(st.sampled_from(["what-happens", "which:bill-changed|refund"]), max_size=2).map(tuple),
    attempts=ATTEMPTS,
)
PREFERENCES = st.builds(
    Preferences,
    channel=st.sampled_from([None, "email", "telegram", "sms"]),
    register=st.sampled_from([None, *Register]),
    length=st.sampled_from([None, *Length]),
    language=st.sampled_from([None, *LANGUAGES]),
    manner=st.sampled_from([None, *Manner]),
    detail=st.sampled_from([None, *Detail]),
    complexity=st.sampled_from([None, *Complexity]),
    emoji=st.sampled_from([None, True, False]),
    zone=st.sampled_from([None, "Asia/Tokyo", "nowhere"]),
    level=st.sampled_from([None, *Level]),
)
SNAPSHOTS = st.builds(
    lambda shared, **fields: customer(
        **fields,
        addresses=(replace(TELEGRAM, shared=shared), EMAIL),
        trusted=frozenset() if shared else frozenset({TELEGRAM.id, EMAIL.id}),
    ),
    st.sampled_from([False, False, False, True]),
    name=st.sampled_from(["", "Sarah Miller", "<3"]),
    preferences=PREFERENCES,
    facts=st.dictionaries(st.sampled_from(["plan", "zone", "product"]), st.sampled_from(PLANS), max_size=2),
    since=st.one_of(st.none(), PAST),
    events=EVENTS,
    usage=st.lists(
        st.builds(Usage, name=st.just("feature_used"), count=st.integers(1, 9), first_at=PAST, last_at=PAST), max_size=1
    ).map(tuple),
    cases=st.lists(CASES, max_size=4).map(tuple),
    earlier=st.lists(
        st.builds(EarlierTurn, at=PAST, frustration=st.one_of(st.none(), SHARES), intent=st.sampled_from(INTENTS)),
        max_size=3,
    ).map(tuple),
    stated=st.frozensets(st.sampled_from(["length", "channel", "register"])),
    habits=st.sampled_from([{}, {TELEGRAM.id: {"length": 0.2}}]),
)
RECOLLECTIONS = st.builds(
    Recollection,
    recent=st.lists(st.builds(ours, minutes=st.integers(1, 5000)), max_size=2).map(tuple),
    case=st.one_of(st.none(), CASES),
    contacts=st.integers(1, 5),
    is_contact=st.booleans(),
    solved=st.sampled_from([None, True, False]),
    agents=st.lists(st.sampled_from(NAMES), max_size=5, unique=True).map(tuple),
    tried=st.lists(st.sampled_from(STEPS), max_size=3).map(tuple),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


def decided(
    company: Company, snapshot: Snapshot, reading: Reading, memory: Recollection, text: str, level: Level
) -> Plan:
    message = TurnMessage(id=MessageId(2000), address=TELEGRAM.id, at=NOON, text=text)
    return decide(snapshot, reading, memory, [message], replace(company, level=level), {"telegram", "email"})


@settings(max_examples=300, deadline=None)
@given(SNAPSHOTS, READINGS, RECOLLECTIONS, TEXTS, st.sampled_from(Level))
def test_there_is_always_a_plan_the_same_one_within_what_is_allowed(
    shipped: Company, snapshot: Snapshot, reading: Reading, memory: Recollection, text: str, level: Level
) -> None:
    plan = decided(shipped, snapshot, reading, memory, text, level)
    assert plan == decided(shipped, snapshot, reading, memory, text, level)
    assert plan.level <= level
    kinds = [move.kind for move in plan.moves]
    personal = {MoveKind.WELCOME, MoveKind.MOOD, MoveKind.HISTORY, MoveKind.CAUSE, MoveKind.NEXT} & {*kinds}
    if plan.level is Level.NAME:
        assert not personal
    if plan.level < Level.EMOTION:
        assert MoveKind.MOOD not in kinds
    if plan.level < Level.ANTICIPATION:
        assert not {MoveKind.CAUSE, MoveKind.NEXT} & {*kinds}
    if MoveKind.HANDOFF in kinds:
        assert plan.handoff
        assert MoveKind.ASK not in kinds
    asked = {move.topic for move in plan.moves if move.kind is MoveKind.ASK}
    assert not asked & {*(memory.case.asked if memory.case else ())}
    assert all(move.why for move in plan.moves)


@settings(max_examples=400, deadline=None)
@given(SNAPSHOTS, READINGS, RECOLLECTIONS, TEXTS)
def test_every_fact_in_a_move_is_known(
    shipped: Company, snapshot: Snapshot, reading: Reading, memory: Recollection, text: str
) -> None:
    plan = decided(shipped, snapshot, reading, memory, text, Level.EMOTION)
    known = _Known(shipped, snapshot, reading, memory, text)
    for move in plan.moves:
        for name, value in move.facts.items():
            assert known.has(value), (move.kind, move.topic, name, value)


class _Known:
    """Everything that a plan may be made from."""

    def __init__(self, company: Company, snapshot: Snapshot, reading: Reading, memory: Recollection, text: str) -> None:
        cases = [*snapshot.cases, *([memory.case] if memory.case else [])]
        self.texts = {text, *snapshot.facts.values(), *memory.agents, *memory.tried, *PLANS}
        self.texts |= {
            value for event in snapshot.events for value in event.properties.values() if isinstance(value, str)
        }
        self.texts |= {entity.value for entity in reading.entities} | {a.what for case in cases for a in case.attempts}
        self.texts |= {"telegram", *(channel for case in cases for channel in case.channels)}
        self.texts |= {text for team in company.teams.values() for text in (*team.names.values(), team.key)}
        for playbook in company.playbooks.playbooks:
            self.texts |= {text for registers in playbook.matter.values() for text in registers.values()}
            self.texts |= {text[:1].upper() + text[1:] for text in self.texts if text}
        for article in company.knowledge.articles:
            self.texts |= {article.title, article.language, article.short, article.detailed, article.technical}
            self.texts |= {step.rstrip(".") for step in article.steps}
            self.texts |= {text for link in (*article.links, *article.resources) for text in (link.label, link.url)}
        self.steps = {step for article in company.knowledge.articles for step in article.steps}
        self.moments = {event.at for event in snapshot.events} | {case.opened_at for case in cases}
        self.zones = (BERLIN, ZoneInfo("Asia/Tokyo"))
        self.numbers = {memory.contacts, *(v for event in snapshot.events for v in event.properties.values())}

    def has(self, value: Value) -> bool:
        match value:
            case str():
                return value in self.texts or all(line in self.steps for line in value.split("\n"))
            case tuple():
                return all(self.has(one) for one in value)
            case datetime():
                return value in self.moments or self._is_due(value)
            case date():
                return value in {moment.astimezone(zone).date() for moment in self.moments for zone in self.zones}
            case Money():
                return float(value.amount) in self.numbers
            case int() | float():
                return value in self.numbers or value in range(1, 6)  # years, links: counted from what is known
            case _:
                return False

    def _is_due(self, value: datetime) -> bool:
        """A promise: within a few working days."""
        return NOON <= value <= NOON + timedelta(days=14)

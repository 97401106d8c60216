"""Nothing invented: what a reply states is found in what it was made from, and what is not is found out."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from omnibot.dialogue import Company, Knowledge, Team, decide
from omnibot.memory import recall, situate
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    BusinessHours,
    Case,
    CaseId,
    CaseState,
    Complexity,
    CustomerId,
    Detail,
    Event,
    Intent,
    KnownAddress,
    Length,
    Limits,
    Manner,
    MessageId,
    Money,
    Move,
    MoveKind,
    Plan,
    Preferences,
    Proof,
    Register,
    Snapshot,
    TurnMessage,
    plain,
)
from omnibot.playbooks import Playbooks
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices, compose
from omnibot.voice.claims import ClaimKind, brief_of, unfounded
from omnibot.voice.moves import MOVES
from omnibot.voice.values import Clock

CONFIG = Path(__file__).parents[2] / "config"
VOICES = Voices.load(CONFIG / "voice")
SPEAKER = Speaker("Example Ltd", "Omnibot", "help@example.com", voices=VOICES)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
CLOCK = Clock(NOW, UTC)
LIMITS = {
    "telegram": Limits(text=4096, choices=8),
    "email": Limits(text=100_000, subject=True),
    "sms": Limits(text=1600, brief=True),
}
TELEGRAM, EMAIL, SMS = (
    KnownAddress(id=AddressId(number), address=Address.parse(text), proof=Proof.PROVEN, account="main")
    for number, text in enumerate(("telegram:4711", "email:sarah@example.org", "sms:+15550100"), 1)
)
SARAH = Snapshot(customer=CustomerId(1), addresses=(TELEGRAM, EMAIL), name="Sarah Miller")
CAUSE = Move(
    kind=MoveKind.CAUSE,
    topic="bill-changed.upgrade",
    facts={
        "plan": "Pro",
        "at": datetime(2026, 1, 15, 9, tzinfo=UTC),
        "price": Money(Decimal("49.90"), "EUR"),
        "seats": 12,
        "link.1.url": "https://example.com/bill?id=7",
    },
    said={Register.CASUAL: "You moved to {plan} {at, on}; it costs {price} for {seats} seats."},
)


def plan(*moves: Move, language: str = "en", to: KnownAddress = TELEGRAM) -> Plan:
    return Plan(moves=moves, to=to, name="Sarah Miller", language=language, zone=UTC)


def claims(text: str, made: Plan | None = None) -> list[tuple[str, str]]:
    brief = brief_of(made or plan(CAUSE), SARAH, SPEAKER, at=NOW)
    return [(claim.kind.value, claim.text) for claim in unfounded(text, brief)]


def test_what_the_brief_has_may_be_said_in_other_words() -> None:
    assert claims("Sarah, since January 15 you are on Pro: €49.90, 12 seats, see https://example.com/bill?id=7.") == []
    assert claims("On 15 January 2026 Example Ltd moved you to Pro.") == []


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("You moved to Pro on 16 January.", ("date", "16 January")),
        ("You moved to Pro on January 14.", ("date", "January 14")),
        ("You moved to Pro on 15 February.", ("date", "15 February")),
        ("You moved to Pro on 15 January 2025.", ("date", "15 January 2025")),
        ("You moved to Pro yesterday.", ("date", "yesterday")),
        ("It is refunded by Friday.", ("date", "Friday")),
        ("You moved to Pro in November.", ("date", "November")),
        ("It costs €59.90.", ("number", "59.90")),
        ("It costs €4.99.", ("number", "4.99")),
        ("Your 13 seats are the reason.", ("number", "13")),
        ("We refund 20% of it.", ("number", "20")),
        ("I have told Carla about it.", ("name", "Carla")),
        ("You are on Enterprise now.", ("name", "Enterprise")),
        ("See https://example.com/bill?id=8.", ("link", "https://example.com/bill?id=8")),
        ("See www.evil.example.", ("link", "www.evil.example")),
        ("Write to boss@example.com.", ("link", "boss@example.com")),
    ],
)
def test_what_is_invented_is_found_out(text: str, claim: tuple[str, str]) -> None:
    assert claims(text) == [claim]


@pytest.mark.parametrize(
    ("language", "text", "claim"),
    [
        ("de", "Sie sind am 16. Januar gewechselt.", ("date", "16. Januar")),
        ("de", "Das erledigt Frau Schuster.", ("name", "Schuster")),
        ("de", "Das erledigt morgen Clara Schuster.", ("name", "Clara")),
        ("es", "Cambiaste el 16 de enero.", ("date", "16 de enero")),
        ("es", "Se lo he dicho a Carla.", ("name", "Carla")),
        ("fr", "Vous avez changé le 16 janvier.", ("date", "16 janvier")),
        ("fr", "J'en ai parlé à Carla.", ("name", "Carla")),
        ("fr", "Cela coûte 59,90 €.", ("number", "59,90")),
    ],
)
def test_it_is_found_out_in_every_language(language: str, text: str, claim: tuple[str, str]) -> None:
    assert claim in claims(text, plan(CAUSE, language=language))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Seit dem 15. Januar haben Sie den Tarif Pro, für 49,90 € im Monat."),
        ("es", "El 15 de enero pasaste a Pro, por 49,90 €."),
        ("fr", "Le 15 janvier, vous êtes passé à Pro, pour 49,90\u00a0€."),
    ],
)
def test_what_is_known_may_be_said_in_every_language(language: str, text: str) -> None:
    assert claims(text, plan(CAUSE, language=language)) == []


def test_days_that_are_near_are_known_by_their_names() -> None:
    by = Move(kind=MoveKind.PROMISE, topic="by", facts={"team": "support", "by": NOW + timedelta(days=1, hours=4)})
    assert claims("You get an answer by 4 pm tomorrow, which is Thursday.", plan(by)) == []
    assert claims("You get an answer by 5 pm tomorrow.", plan(by)) == [("number", "5")]
    assert claims("You get an answer by 4 pm today.", plan(by)) == [("date", "today")]


def test_lines_of_a_list_are_counted_and_claim_nothing() -> None:
    assert claims("1. Open it.\n2. Look.\n3. Close it.") == []
    assert claims("1. Open it.\n7. Look.") == [("number", "7")]


def test_what_an_article_says_may_be_quoted() -> None:
    brief = brief_of(plan(CAUSE), SARAH, SPEAKER, at=NOW, more=["Call Max within 30 days, on 1 May at the latest."])
    assert unfounded("Ask Max within 30 days, or on 1 May.", brief) == ()
    [claim] = unfounded("Ask Max within 31 days.", brief)
    assert (claim.kind, claim.text) == (ClaimKind.NUMBER, "31")


def test_a_day_without_an_hour_and_without_a_clock_is_a_day_all_the_same() -> None:
    since = Move(kind=MoveKind.HISTORY, topic="customer_since", facts={"at": date(2023, 5, 1)})
    brief = brief_of(replace(plan(since), zone=None), SARAH, SPEAKER)
    assert unfounded("You are with us since 1 May 2023.", brief) == ()
    assert [claim.text for claim in unfounded("You are with us since yesterday.", brief)] == ["yesterday"]


# --- over many made-up turns ---

NAMES = ["Ana", "Ben", "Zoë", "Jürgen", "O'Neil", "Maria José", "李雷", "Max Ohm"]
SEEDS = range(250)


def made_up(chance: random.Random) -> Plan:
    """A plan of any moves with any facts."""
    when = NOW + timedelta(minutes=chance.randint(-2_000_000, 14_000))
    facts = {
        "at": when if chance.random() < 0.8 else when.date(),
        "by": NOW + timedelta(minutes=chance.randint(1, 20_000)),
        "since": NOW - timedelta(days=chance.randint(0, 90)),
        "opens": NOW + timedelta(hours=20),
        "plan": chance.choice(["Pro", "Starter 2", "Team XL"]),
        "matter": chance.choice(["the API timeout", "order 4711-B", ""]),
        "ordinal": (contacts := chance.randint(2, 24)),
        "contacts": contacts,
        "years": chance.randint(1, 9),
        "names": tuple(chance.sample(NAMES, chance.randint(1, 3))),
        "steps": tuple(chance.sample(["Open Settings.", "Restart twice", "Call +49 170 1234567"], 2)),
        "channels": tuple(chance.sample(["sms", "email", "telegram", "pigeon"], 2)),
        "team": chance.choice(["Level 3", "our senior support team"]),
        "channel": chance.choice(["email", "sms", "matrix"]),
        "language": chance.choice(["nl", "de"]),
        "address": "t@example.org",
        "minutes": "10",
        "left": "3",
        "contact": "help@example.com",
        "which": "…67",
        "place": "Sankt Gallen",
        "begins": "22:15",
        "ends": "6:45",
        "items": "answers by email, at most 3 lines",
    }
    moves = []
    for _ in range(chance.randint(1, 5)):
        kind, _, topic = chance.choice(sorted(PLAIN)).partition(".")
        wanted = MOVES[f"{kind}.{topic}"].places
        given = {key: value for key, value in facts.items() if key in wanted or key in ("channel", "language")}
        if kind == "history" and topic == "first_of_kind" and chance.random() < 0.5:
            given["months"] = chance.randint(1, 11)
        moves.append(Move(kind=MoveKind(kind), topic=topic, facts=given))
    return Plan(
        moves=(Move(kind=MoveKind.GREET, topic="opening"), *moves, *random_answer(chance)),
        to=chance.choice([TELEGRAM, EMAIL, SMS]),
        name=chance.choice([*NAMES, ""]),
        language=chance.choice(VOICES.languages),
        preferences=random_preferences(chance),
        zone=ZoneInfo(chance.choice(["UTC", "Asia/Tokyo", "America/Lima"])),
    )


_ASIDE = ("signature", "subject", "code", "answer", "point", "resources")
PLAIN = {name for name in MOVES if not name.startswith(_ASIDE) and not name.endswith(("_button", "opening_chat"))}


def random_answer(chance: random.Random) -> Iterator[Move]:
    if chance.random() < 0.5:
        amount = f"{chance.randint(1, 99)}.{chance.randint(10, 99)} EUR"
        short = f"It costs {amount} until {chance.randint(1, 28)} June; ask {chance.choice(NAMES)}."
        facts = {"title": f"Prices {chance.randint(1, 9)}", "language": "en", "short": short, "detailed": short * 2}
        facts |= {"steps": "Open Settings.\nChoose 3.", "technical": "GET /v2/items?limit=50 returns 429."}
        yield Move(kind=MoveKind.ANSWER, topic="prices", facts=facts)


def random_preferences(chance: random.Random) -> Preferences:
    return Preferences(
        register=chance.choice([None, *Register]),
        manner=chance.choice([None, *Manner]),
        length=chance.choice([None, *Length]),
        detail=chance.choice([None, *Detail]),
        complexity=chance.choice([None, *Complexity]),
        emoji=chance.choice([None, True, False]),
    )


def test_no_reply_states_what_its_plan_does_not() -> None:
    wrong = []
    for seed in SEEDS:
        chance = random.Random(seed)
        made = made_up(chance)
        brief = brief_of(made, SARAH, SPEAKER, at=NOW)
        for draft in compose(made, SARAH, LIMITS, SPEAKER, seed, at=NOW):
            said = "\n".join(filter(None, (draft.subject, plain(draft.parts))))
            wrong += [(seed, made.language, claim, said) for claim in unfounded(said, brief)]
    assert wrong == []


def test_what_is_slipped_into_such_replies_is_found_out() -> None:
    missed = []
    for seed in SEEDS:
        chance = random.Random(seed)
        made = made_up(chance)
        brief = brief_of(made, SARAH, SPEAKER, at=NOW)
        for lie in ("3817", "https://evil.example/pay", VOICES[made.language].language.write(date(1987, 11, 9), CLOCK)):
            if not unfounded(f"{plain(compose(made, SARAH, LIMITS, SPEAKER, seed, at=NOW)[0].parts)} {lie}", brief):
                missed.append((seed, lie))
    assert missed == []


# --- over many turns as they are taken ---

SAID = {
    "en": ["Why is my bill higher this month?", "The API still times out, third time now!", "How do I export my data?"],
    "es": ["¿Por qué es más alta mi factura este mes?", "¿Cómo exporto mis datos?", "Sigue sin funcionar la API"],
    "de": ["Warum ist meine Rechnung diesen Monat höher?", "Die API läuft immer noch in den Timeout", "Danke!"],
    "fr": [
        "Pourquoi ma facture est-elle plus élevée ?",
        "L'API ne répond toujours pas",
        "Comment exporter mes données ?",
    ],
}


@pytest.fixture(scope="module")
def company() -> Company:
    playbooks = Playbooks.load(CONFIG / "playbooks")
    teams = {key: Team(key=key, names={"en": f"our {key} team"}) for key in ("support", "senior")}
    return Company(Knowledge.load(CONFIG / "knowledge"), playbooks=playbooks, teams=teams)


def remembered(chance: random.Random, intents: Sequence[str]) -> Snapshot:
    """A customer with any memory."""
    since = NOW - timedelta(days=chance.randint(0, 1500))
    plans = ["Starter", "Pro", "Business 2"]
    events = [
        Event(
            id=f"e{number}",
            name=chance.choice(["plan_changed", "signed_up", "invoice", "payment_failed"]),
            at=NOW - timedelta(hours=chance.randint(1, 2000)),
            properties={"plan": chance.choice(plans), "amount": chance.randint(1, 500), "currency": "EUR"},
            address=TELEGRAM.id,
        )
        for number in range(chance.randint(0, 4))
    ]
    cases = [
        Case(
            id=CaseId(number),
            intent=chance.choice(intents),
            state=chance.choice(list(CaseState)),
            opened_at=NOW - timedelta(days=9),
            touched_at=NOW - timedelta(days=chance.randint(0, 8)),
            contacts=chance.randint(1, 5),
            channels=("sms", "email"),
            attempts=(Attempt(what="Restart the router", by=chance.choice(NAMES), at=NOW - timedelta(days=8)),),
        )
        for number in range(1, chance.randint(1, 4))
    ]
    return replace(
        SARAH,
        name=chance.choice([*NAMES, ""]),
        facts={"plan": chance.choice(plans)},
        preferences=random_preferences(chance),
        trusted=frozenset({TELEGRAM.id, EMAIL.id}),
        since=since,
        events=tuple(sorted(events, key=lambda event: event.at)),
        cases=tuple(cases),
    )


def test_no_turn_says_what_nobody_has_told(company: Company) -> None:
    understanding = Understanding(("en", "es", "de", "fr"))
    intents = [playbook.intent for playbook in company.playbooks.playbooks]
    wrong, kinds = [], set()
    for seed in SEEDS:
        chance = random.Random(seed)
        snapshot = remembered(chance, intents)
        language = chance.choice(sorted(SAID))
        text = chance.choice(SAID[language])
        messages = [TurnMessage(id=MessageId(9), address=TELEGRAM.id, at=NOW, text=text)]
        reading = understanding.read(text, situate(snapshot, messages, UTC, BusinessHours()))
        reading = replace(reading, intent=Intent(chance.choice(intents), 0.9))
        recollection = recall(snapshot, reading, messages)
        made = decide(snapshot, reading, recollection, messages, company, LIMITS.keys())
        kinds |= {move.kind for move in made.moves}
        brief = brief_of(made, snapshot, SPEAKER, at=NOW)
        for draft in compose(made, snapshot, LIMITS, SPEAKER, seed, at=NOW):
            said = "\n".join(filter(None, (draft.subject, plain(draft.parts))))
            wrong += [(seed, made.language, claim, said) for claim in unfounded(said, brief)]
    assert wrong == []
    assert kinds >= {MoveKind.HISTORY, MoveKind.CAUSE, MoveKind.ANSWER, MoveKind.HANDOFF, MoveKind.PROMISE}

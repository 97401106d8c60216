"""Whatever is known and whoever writes: no address is told more than its proof allows, by words or by what is done."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from omnibot.dialogue import Company, Knowledge
from omnibot.model import (
    Address,
    AddressId,
    Attempt,
    CaseId,
    CaseSide,
    CaseState,
    CustomerId,
    Direction,
    Disclosure,
    Event,
    Fact,
    KnownAddress,
    Limits,
    MessageId,
    Proof,
    Result,
    TimelineMessage,
    TurnMessage,
    plain,
)
from omnibot.store.work import InboxItem, Kind, Lease, Outcome, Work
from omnibot.turn import take
from omnibot.turns.steps import Steps
from omnibot.understanding import Understanding
from omnibot.voice import Speaker, Voices

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEVELS = [Proof.CLAIMED, Proof.SEEN, Proof.PROVEN]
PLACES = ("telegram:4711", "email:priya.sharma@example.org", "sms:+491701234567", "whatsapp:+491709876543")
OFTEN = settings(max_examples=250, deadline=None)


@pytest.fixture(scope="module")
def steps() -> Steps:
    return Steps(
        understanding=Understanding(("en", "es")),
        company=Company(Knowledge.load(ROOT / "config" / "knowledge")),
        limits={
            "telegram": Limits(text=4096, choices=10),
            "email": Limits(text=100_000, subject=True),
            "sms": Limits(text=1600, brief=True, carrier=True),
            "whatsapp": Limits(text=4096, window=86_400),
        },
        speaker=Speaker("Example Ltd", "Omnibot", voices=Voices.load(ROOT / "config" / "voice")),
        disclosure=Disclosure(),
    )


# --- who may know what, as the documentation tells it ---


@dataclass(frozen=True)
class Rules:
    """docs/identity.md in a few lines, written apart from the code that keeps them."""

    given: Disclosure

    def level(self, address: KnownAddress) -> int:
        """−1: several people read it; 0: it was only claimed; 1: seen; 2: proven, and not too long ago."""
        if address.shared:
            return -1
        days = self.given.proof_days.get(address.address.channel)
        if address.proof is Proof.PROVEN and days:
            assert address.proven_at is not None
            return 2 if address.proven_at > NOON - timedelta(days=days) else 1
        return LEVELS.index(address.proof)

    def may(self, address: KnownAddress, kind: str) -> bool:
        return self.level(address) >= LEVELS.index(getattr(self.given, kind))

    def trusted(self, address: KnownAddress) -> bool:
        return all(self.may(address, kind) for kind in ("name", "history", "account"))

    def may_hear(self, address: KnownAddress, of: KnownAddress) -> bool:
        """What was said at another address, or there."""
        if address.id == of.id:
            return not address.shared
        return self.may(address, "history") and self.may(of, "history")

    def may_know(self, address: KnownAddress, fact: Fact) -> bool:
        if fact.address == address.id and fact.source != "import":
            return not address.shared
        form = ("name", "language", "preference.register", "preference.length", "preference.language")
        return self.may(address, "name" if fact.key in form else "account")


# --- customers ---


@st.composite
def addresses(draw: st.DrawFn) -> list[KnownAddress]:
    values = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True))
    return [
        KnownAddress(
            id=AddressId(number),
            address=Address.parse(value),
            proof=draw(st.sampled_from(LEVELS)),
            account="main",
            proven_at=NOON - timedelta(days=draw(st.sampled_from([1, 179, 181, 400]))),
            shared=draw(st.booleans()) and draw(st.booleans()),
        )
        for number, value in enumerate(values, 1)
    ]


@st.composite
def facts(draw: st.DrawFn, of: Sequence[KnownAddress]) -> list[Fact]:
    """Each name, plan and address is one of a kind, so that a reply that has it betrays where it is from."""
    found: list[Fact] = []
    for number in range(draw(st.integers(0, 8))):
        key, values = draw(
            st.sampled_from(
                [
                    ("name", [f"Secretname{chr(97 + number)}"]),
                    ("plan", [f"Secretplan{chr(97 + number)}"]),
                    ("email", [f"secret{number}@example.org"]),
                    ("preference.channel", ["telegram", "email", "sms", "whatsapp"]),
                    ("preference.register", ["formal", "casual"]),
                    ("preference.length", ["short", "detailed"]),
                    ("preference.language", ["es", "en"]),
                    ("language", ["es", "en"]),
                ]
            )
        )
        found.append(
            Fact(
                key=key,
                value=draw(st.sampled_from(values)),
                address=draw(st.sampled_from(of)).id,
                source=draw(st.sampled_from(["message", "provider", "import"])),
            )
        )
    return found


ASKED = (
    "How do I reset my password?",
    "¿Cómo puedo exportar mis datos?",
    "How can I export my data?",
    "More detail please",
    "In Spanish please",
    "Answer me by email from now on",
    "Call me Penny",
    "Thanks!",
    "ok",
    "hello",
    "That did not help.",
    "I want to talk to a person",
    "Do your elephants like marmalade?",
)
TOLD = (
    "Open the sign-in page and choose Forgot password.",
    "I've passed your message to a colleague, who will write to you.",
    "Hi Secretname. You're welcome.",
)


@st.composite
def timelines(draw: st.DrawFn, of: Sequence[KnownAddress], knowledge: Knowledge) -> list[TimelineMessage]:
    ours = (*TOLD, *(article.short for article in knowledge.articles))
    lines = []
    for number in range(draw(st.integers(0, 6))):
        direction = draw(st.sampled_from(list(Direction)))
        lines.append(
            TimelineMessage(
                id=MessageId(number + 1),
                customer=CustomerId(7),
                address=draw(st.sampled_from(of)).address,
                direction=direction,
                at=NOON - timedelta(minutes=10 * (7 - number)),
                text=draw(st.sampled_from(ours if direction is Direction.OUT else ASKED)),
            )
        )
    return lines


@st.composite
def works(draw: st.DrawFn, knowledge: Knowledge) -> Work:
    theirs = draw(addresses())
    items = []
    for number in range(draw(st.integers(1, 3))):
        address = draw(st.sampled_from(theirs)).id
        id_ = MessageId(100 + number)
        message = TurnMessage(id=id_, address=address, at=NOON, text=draw(st.sampled_from(ASKED)))
        items.append(InboxItem(id=number, kind=Kind.MESSAGE, address=address, attempts=0, message=message))
    return Work(
        lease=Lease(CustomerId(7), fence=1, arrivals=1, lost=0),
        items=tuple(items),
        addresses=tuple(theirs),
        facts=tuple(draw(facts(theirs))),
        timeline=tuple(draw(timelines(theirs, knowledge))),
        at=NOON,
        events=tuple(draw(events(theirs))),
        cases=tuple(draw(sides(theirs))),
    )


@st.composite
def events(draw: st.DrawFn, of: Sequence[KnownAddress]) -> list[Event]:
    """Their plans are each one of a kind."""
    return [
        Event(
            id=f"e{number}",
            name=draw(st.sampled_from(["signed_up", "plan_changed", "invoice", "payment_failed"])),
            at=NOON - timedelta(days=draw(st.integers(0, 400))),
            properties={"plan": f"Secretevent{chr(97 + number)}", "amount": 12.5},
            address=draw(st.sampled_from(of)).id,
        )
        for number in range(draw(st.integers(0, 4)))
    ]


@st.composite
def sides(draw: st.DrawFn, of: Sequence[KnownAddress]) -> list[CaseSide]:
    """Whoever has helped there, and what they were told, is one of a kind."""
    where = draw(
        st.lists(
            st.tuples(st.sampled_from(of), st.integers(1, 2)), max_size=4, unique_by=lambda one: (one[0].id, one[1])
        )
    )
    found = []
    for number, (address, matter) in enumerate(where):
        at = NOON - timedelta(days=draw(st.integers(0, 30)))
        by = f"Secretagent{chr(97 + number)}"
        attempts = (Attempt(what=f"secretstep{chr(97 + number)}", by=by, at=at, result=draw(st.sampled_from(Result))),)
        found.append(
            CaseSide(
                id=CaseId(matter),
                address=address.id,
                intent=draw(st.sampled_from(["reset-password", "export-data", "no-playbook"])),
                state=draw(st.sampled_from(CaseState)),
                opened_at=at,
                touched_at=at,
                contacts=draw(st.integers(1, 4)),
                contacted_at=(at,),
                concern=f"secretconcern{chr(97 + number)}",
                attempts=attempts,
            )
        )
    return found


disclosures = st.builds(
    Disclosure,
    name=st.sampled_from(LEVELS[1:]),
    history=st.sampled_from(LEVELS[1:]),
    account=st.sampled_from(LEVELS[1:]),
    proof_days=st.sampled_from([{}, {"sms": 180, "whatsapp": 180}, {"email": 30}]),
)


def _secrets(side: CaseSide) -> list[str]:
    return [side.concern, *(part for one in side.attempts for part in (one.what, one.by.casefold()))]


def drafts(outcome: Outcome) -> list[tuple[AddressId, str, str]]:
    """Address, subject, words."""
    return [(r.draft.to.id, r.draft.subject, plain(r.draft.parts)) for r in outcome.replies]


def turns(work: Work, steps: Steps) -> Iterator[Outcome]:
    """Turn after turn until all that was written is answered."""
    while work.items:
        outcome = take(work, steps)
        done = {item.id for item in outcome.work.items}
        assert done, "a turn that takes nothing never ends"
        yield outcome
        work = replace(work, items=tuple(item for item in work.items if item.id not in done))


# --- what always holds ---


@OFTEN
@given(data=st.data(), rules=disclosures)
def test_no_draft_tells_what_its_address_may_not_know(data: st.DataObject, rules: Disclosure, steps: Steps) -> None:
    steps = replace(steps, disclosure=rules)
    work = data.draw(works(steps.company.knowledge))
    known = {address.id: address for address in work.addresses}
    for outcome in turns(work, steps):
        for to, subject, words in drafts(outcome):
            said = f"{subject}\n{words}".casefold()
            for fact in work.facts:
                if fact.value.casefold().startswith("secret") and fact.value.casefold() in said:
                    assert Rules(rules).may_know(known[to], fact), (fact, words)
            for event in work.events:
                if str(event.properties["plan"]).casefold() in said:
                    assert Rules(rules).may(known[to], "account"), (event, words)
            for side in work.cases:
                if any(secret in said for secret in _secrets(side)):
                    assert Rules(rules).may_hear(known[to], known[side.address]), (side, words)
            for other in work.addresses:
                assert other.address.value.casefold() not in said


@OFTEN
@given(data=st.data(), rules=disclosures)
def test_what_an_address_may_not_know_changes_nothing_there(
    data: st.DataObject, rules: Disclosure, steps: Steps
) -> None:
    """Not even whether it is greeted, told again, handed on or answered elsewhere."""
    steps, judge = replace(steps, disclosure=rules), Rules(rules)
    work = data.draw(works(steps.company.knowledge))
    assert work.items[0].message is not None
    writer = next(a for a in work.addresses if a.id == work.items[0].message.address)
    assume(not judge.trusted(writer))
    by_id = {address.id: address for address in work.addresses}
    heard = {a.address for a in work.addresses if judge.may(writer, "history") and judge.may(a, "history")}
    alone = replace(
        work,
        addresses=tuple(a for a in work.addresses if a == writer or a.address in heard or _speaks(a, work, judge)),
        items=tuple(item for item in work.items if item.address == writer.id),
        facts=tuple(f for f in work.facts if judge.may_know(writer, f) or f.key == "language"),
        timeline=tuple(m for m in work.timeline if m.address in heard | {writer.address}),
        events=work.events if judge.may(writer, "account") else (),
        cases=tuple(c for c in work.cases if c.address == writer.id or judge.may_hear(writer, by_id[c.address])),
    )
    assert drafts(take(work, steps)) == drafts(take(alone, steps))
    assert {to for to, _, _ in drafts(take(work, steps))} <= {writer.id}


def _speaks(address: KnownAddress, work: Work, judge: Rules) -> bool:
    """Whether facts that others may know came from there."""
    return any(fact.address == address.id for fact in work.facts)


@OFTEN
@given(data=st.data(), rules=disclosures)
def test_replies_stay_or_move_between_addresses_that_may_know_all(
    data: st.DataObject, rules: Disclosure, steps: Steps
) -> None:
    steps, judge = replace(steps, disclosure=rules), Rules(rules)
    work = data.draw(works(steps.company.knowledge))
    for outcome in turns(work, steps):
        wrote = {item.address for item in outcome.work.items}
        together = [address for address in work.addresses if address.id in wrote]
        assert len(wrote) == 1 or all(map(judge.trusted, together))
        for reply in outcome.replies:
            to = next(address for address in work.addresses if address.id == reply.draft.to.id)
            assert to.id in wrote or (judge.trusted(to) and all(map(judge.trusted, together)))
        if any(address.shared for address in together):
            assert [change.key for change in outcome.changes if change.key != "language"] == []


# --- and by which it holds ---

SOURCES = sorted((ROOT / "src" / "omnibot").rglob("*.py"))


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]


def test_only_identify_makes_a_snapshot() -> None:
    makers = {
        str(source.relative_to(ROOT / "src" / "omnibot"))
        for source in SOURCES
        if _calls(ast.parse(source.read_text(encoding="utf-8")), "Snapshot")
    }
    ours = {"voice/samples.py", "cli/person.py", "history/reading.py"}  # made up, for staff, of nobody
    assert makers - ours == {"identity/__init__.py"}


KEPT = ("facts", "timeline", "addresses", "events", "usage", "cases", "habits")
TELL_NOBODY = {
    "address_of",  # whose turn it is, for the commit
    "opened",  # where they wrote
    "with_events",  # before anybody is identified
    "_taken_in",  # how often something was used, for the commit
    "remind",  # asks for what was said at addresses that may be known of
    "rested_on",  # writes the record, which is for staff
}


def test_a_turn_gives_what_is_known_to_identify_alone() -> None:
    """Everything behind gets the snapshot, and so no more than may be told."""
    package = ROOT / "src" / "omnibot"
    files = [package / "turn.py", *(package / "turns").glob("*.py")]
    modules = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    users = {
        (function.name, node.attr)
        for module in modules
        for function in module.body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "work"
        and node.attr in KEPT
    }
    assert {(function, name) for function, name in users if function not in TELL_NOBODY} == {
        ("identified", name) for name in KEPT
    }

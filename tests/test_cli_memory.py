"""What staff sees of what is remembered: facts in time, cases, events, and what an answer rests on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from typer.testing import Result

from omnibot.events import Events
from omnibot.model import Address, Attempt, CaseChange, CaseState, Change, Draft, IncomingMessage, Paragraph, Sender
from omnibot.model import Result as R
from omnibot.settings import Settings
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from omnibot.store.work import Arrived, Outcome, Purpose, Reply, Work
from tests.conftest import SECRET, lines
from tests.store.test_events import taken

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
UPGRADED = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
TELEGRAM, MAIL = Address("telegram", "4711"), Address("email", "sarah@example.org")
WHY = ("--reason", "she called", "--by", "anna")
Command = Callable[..., Result]


async def heard(store: Store, sender: Address, text: str) -> Work:
    item = IncomingMessage(id=text, at=NOON, sender=Sender(sender), message_id=text, text=text)
    await store.path.accept([Arrived(channel=sender.channel, account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    assert isinstance(work, Work)
    return work


@pytest_asyncio.fixture
async def sarah(dsn: str) -> None:
    """She has upgraded, asks by mail and again on Telegram why her bill is higher, and was helped before."""
    async with Store.open(dsn, SECRET) as store:
        person = NewCustomer(row=2, addresses=(TELEGRAM, MAIL), facts={"name": "Sarah"})
        await store.records.import_customers([person], {"telegram": "main", "email": "main"})
        events = Events(store, Settings(channels={}))
        told = [("plan_changed", "1", UPGRADED - timedelta(days=300), "Basic"), ("plan_changed", "2", UPGRADED, "Pro")]
        for name, id_, at, plan in told:
            await events.tell(name, of="email:sarah@example.org", id=id_, at=at, plan=plan)
        await events.tell("feature_used", of="email:sarah@example.org", id="3", at=NOON, feature="export")
        [work] = await store.path.load(await store.path.claim(1, lease=30))
        assert isinstance(work, Work)
        outcome = taken(work)
        happened = tuple(replace(one, told_of=one.event.name != "feature_used") for one in outcome.happened)
        await store.path.commit([replace(outcome, happened=happened)])

        work = await heard(store, MAIL, "why is my bill higher")
        by_mail = next(one.id for one in work.addresses if one.address == MAIL)
        attempts = (Attempt(what="article:bill-changed", by="bot", at=NOON),)
        case = CaseChange(
            id=None, intent="bill-changed", topic="INV-7", state=CaseState.WAITING, contact=True, attempts=attempts
        )
        unsure = Change(key="plan", value="Free", confidence=0.6)
        await store.path.commit(
            [Outcome(work=work, address=by_mail, record={"why": "asked"}, case=case, changes=(unsure,))]
        )

        work = await heard(store, TELEGRAM, "it still is")
        [side] = work.cases
        to = next(one for one in work.addresses if one.address == TELEGRAM)
        failed = (Attempt(what="article:bill-changed", by="customer", at=NOON, result=R.FAILED),)
        again = CaseChange(
            id=side.id, intent="bill-changed", topic="INV-7", state=CaseState.OPEN, contact=True, attempts=failed
        )
        [fact] = [one for one in work.facts if one.key == "plan"]
        record = {
            "messages": [item.message.id for item in work.items if item.message],
            "recollection": {"case": side.id, "contacts": 2, "solved": False, "agents": ["Ana"], "recalled": [1]},
            "moves": [
                {
                    "kind": "cause",
                    "topic": "bill-changed.upgrade",
                    "sources": ["event:2", "fact:plan", f"case:{side.id}", "article:bill-changed"],
                    "why": "the plan was changed 5 days ago",
                }
            ],
            "used": {
                "event:2": {"name": "plan_changed", "at": UPGRADED},
                "fact:plan": {"id": fact.id, "from": "event", "since": UPGRADED},
            },
        }
        reply = Reply(Draft(to=to, parts=(Paragraph("Your upgrade is the likely cause."),)), Purpose.REPLY)
        await store.path.commit(
            [
                Outcome(
                    work=work, address=to.id, record=record, case=again, sides=(by_mail,), replies=(reply,)
                )
            ]
        )  # fmt: skip


def test_facts_are_shown_in_time(omnibot: Command, sarah: None) -> None:
    told = lines(omnibot("customer", "facts", "telegram:4711", "--json"))
    plans = [(one["value"], one["since"][:10], (one["until"] or "")[:10], one["held"], one["event"]) for one in told
             if one["key"] == "plan"]  # fmt: skip
    assert plans[:2] == [
        ("Basic", "2025-03-21", "2026-01-15", True, "plan_changed"),
        ("Pro", "2026-01-15", "", True, "plan_changed"),
    ]
    [(value, _, _, held, _)] = plans[2:]
    assert (value, held) == ("Free", False)
    page = " ".join(omnibot("customer", "facts", "telegram:4711").output.split())
    assert "2025-03-21 to 2026-01-15" in page
    assert "since 2026-01-15" in page
    assert "contradicts what was surer" in page
    assert len(lines(omnibot("customer", "facts", "telegram:4711", "--limit", "1", "--json"))) == 1


async def test_of_whom_nothing_is_remembered_it_says_so(omnibot: Command, dsn: str) -> None:
    async with Store.open(dsn, SECRET) as store:
        work = await heard(store, TELEGRAM, "hello")
        await store.path.commit([Outcome(work=work, address=work.addresses[0].id)])
    assert (await asyncio.to_thread(omnibot, "customer", "facts", "telegram:4711")).output == "nothing is remembered\n"


def test_cases_events_and_use_are_shown(omnibot: Command, sarah: None) -> None:
    [told] = lines(omnibot("customer", "show", "telegram:4711", "--json"))
    [case] = told["cases"]
    assert (case["intent"], case["topic"], case["state"], case["contacts"]) == ("bill-changed", "INV-7", "open", 2)
    assert [(one["what"], one["by"], one["result"]) for one in case["attempts"]] == [
        ("article:bill-changed", "bot", "failed")
    ]
    assert (sorted(case["addresses"]), case["elsewhere"]) == (["email:sarah@example.org", "telegram:4711"], 0)
    assert [(one["name"], one["properties"]) for one in told["events"]] == [
        ("plan_changed", {"plan": "Pro"}),
        ("plan_changed", {"plan": "Basic"}),
    ]
    assert ("feature_used:export", 1) in [(one["name"], one["count"]) for one in told["usage"]]
    page = " ".join(omnibot("customer", "show", "telegram:4711").output.split())
    tried = "tried article:bill-changed (failed, bot)"
    for words in ("bill-changed INV-7", tried, "plan=Pro", "feature_used:export 1"):
        assert words in page


def test_after_a_split_staff_sees_the_whole_of_a_case_from_each_side(omnibot: Command, sarah: None) -> None:
    assert omnibot("customer", "unlink", "email:sarah@example.org", "--yes", *WHY).exit_code == 0
    for address, channel in (("telegram:4711", "telegram"), ("email:sarah@example.org", "email")):
        [told] = lines(omnibot("customer", "show", address, "--json"))
        [case] = told["cases"]
        assert (case["contacts"], case["addresses"], case["elsewhere"]) == (2, [address], 1)
        assert channel in case["channels"]
        assert [one["result"] for one in case["attempts"]] == ["failed"]
    page = " ".join(omnibot("customer", "show", "telegram:4711").output.split())
    assert "in part with 1 address of somebody else now" in page


def test_an_answer_tells_what_it_rests_on(omnibot: Command, sarah: None) -> None:
    told = " ".join(omnibot("customer", "why", "telegram:4711", "--limit", "1").output.split())
    [raw] = lines(omnibot("customer", "why", "telegram:4711", "--limit", "1", "--json"))
    case = raw["recollection"]["case"]
    for sentence in (
        "They wrote: it still is",
        f"We remembered case {case}: contact 2 about it; Ana helped before.",
        "They said that what was tried has not worked.",
        "We were reminded of 1 earlier messages (1).",
        "We named a likely cause (bill-changed.upgrade): the plan was changed 5 days ago"
        f" (from plan changed on 2026-01-15, the fact plan since 2026-01-15, case {case}).",
        "We wrote to telegram:4711: Your upgrade is the likely cause.",
        f"It belongs to case {case}.",
    ):
        assert sentence in told

"""Commands about customers, as support and administrators use them: who somebody is, and who is one person."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import Result

from omnibot.model import Address, Change, Draft, IncomingMessage, Paragraph, Sender
from omnibot.store import Store
from omnibot.store.work import Arrived, Outcome, Purpose, Reply
from tests.conftest import SECRET, lines

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TELEGRAM = Address("telegram", "4711")
MAIL = Address("email", "priya@example.org")
OFFICE = Address("sms", "+4930901820")
OFFICE_WHATSAPP = Address("whatsapp", "+4930901820")
WHY = ("--reason", "they told me on the phone", "--by", "anna")

Command = Callable[..., Result]


async def take_turn(store: Store, sender: Address, text: str, name: str = "", answer: str = "Right.") -> None:
    """Somebody writes, says who they are, and is answered."""
    id_ = f"{sender} {text}"
    item = IncomingMessage(id=id_, at=NOON, sender=Sender(sender), message_id=id_, text=text)
    await store.path.accept([Arrived(channel=sender.channel, account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    source = next(item.message.id for item in work.items if item.message)
    changes = (Change(key="name", value=name, source=source),) if name else ()
    to = next(known for known in work.addresses if known.address == sender)
    reply = Reply(Draft(to=to, parts=(Paragraph(answer),)), Purpose.REPLY)
    record = {
        "messages": [source],
        "reading": {
            "language": {"value": "es", "confidence": 0.9, "evidence": ["hola"], "known": True},
            "sentiment": {"value": -0.6, "confidence": 0.9, "evidence": ["angry"], "known": True},
            "urgency": {"value": "high", "confidence": 0.9, "evidence": [], "known": True},
        },
        "moves": [{"kind": "answer", "topic": "reset-password", "facts": [], "why": "score 1.00 by password"}],
        "to": to.id,
        "pointer": None,
        "handoff": "asked for a person",
        "why": "score 1.00 by password",
    }
    done = Outcome(
        work=work, address=to.id, record=record, replies=(reply,), changes=changes, handoff="asked for a person"
    )
    await store.path.commit([done])


@pytest_asyncio.fixture
async def priyas(dsn: str) -> None:
    """Priya writes on Telegram, and somebody of that name by mail; two people share an office's phone."""
    async with Store.open(dsn, SECRET) as store:
        await take_turn(store, TELEGRAM, "hola, my password", name="Priya Raman")
        await take_turn(store, MAIL, "I forgot my password", name="Priya R.")
        await take_turn(store, OFFICE, "hello from the office")


async def sql(dsn: str, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement, *arguments)
    await connection.close()


def customer_of(omnibot: Command, who: str) -> int:
    [found] = lines(omnibot("customer", "find", who, "--json"))
    return found["customer"]


def texts(omnibot: Command, who: str) -> set[str]:
    told = lines(omnibot("customer", "timeline", who, "--json"))
    return {message["text"] for message in told if message["direction"] == "in"}


# --- who somebody is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["telegram:4711", "4711", "raman", "PRIYA RAMAN", "1"],
    ids=["address", "bare id of Telegram", "part of a name", "name in any case", "id of the customer"],
)
def test_somebody_is_found_by_what_is_known_of_them(omnibot: Command, priyas: None, written: str) -> None:
    [found] = lines(omnibot("customer", "find", written, "--json"))
    assert (found["name"], found["addresses"]) == ("Priya Raman", ["telegram:4711"])
    assert "Priya Raman" in omnibot("customer", "find", written).output


@pytest.mark.parametrize("written", ["priya@example.org", "email:Priya@Example.org"])
def test_a_mail_address_needs_no_channel_and_no_spelling(omnibot: Command, priyas: None, written: str) -> None:
    [found] = lines(omnibot("customer", "find", written, "--json"))
    assert found["addresses"] == ["email:priya@example.org"]


@pytest.mark.parametrize("written", ["+4930901820", "+49 30 901820", "4930901820", "sms:+49 (30) 901820"])
def test_a_number_needs_no_channel_and_no_spelling(omnibot: Command, priyas: None, written: str) -> None:
    [found] = lines(omnibot("customer", "find", written, "--json"))
    assert found["addresses"] == ["sms:+4930901820"]


def test_of_several_all_are_found_and_none_is_taken(omnibot: Command, priyas: None) -> None:
    assert {found["name"] for found in lines(omnibot("customer", "find", "priya", "--json"))} == {
        "Priya Raman",
        "Priya R.",
    }
    assert len(lines(omnibot("customer", "find", "priya", "--limit", "1", "--json"))) == 1
    told = omnibot("customer", "show", "priya")
    assert told.exit_code == 1
    assert "Priya Raman" in told.output
    assert "name one by their id or an address" in told.output


def test_who_is_not_known_is_not_found(omnibot: Command, priyas: None) -> None:
    for command in ("find", "show", "timeline", "why", "files"):
        told = omnibot("customer", command, "nobody at all")
        assert (told.exit_code, told.stderr) == (1, "nobody is known by nobody at all\n")


def test_all_of_somebody_is_one_document(omnibot: Command, priyas: None) -> None:
    [told] = lines(omnibot("customer", "show", "telegram:4711", "--json"))
    [address] = told["addresses"]
    assert (told["name"], address["address"], address["proof"]) == ("Priya Raman", "telegram:4711", "seen")
    [fact] = told["facts"]
    assert (fact["key"], fact["value"], fact["source"]) == ("name", "Priya Raman", "message")
    assert [(one["address"], one["reason"]) for one in told["handoffs"]] == [("telegram:4711", "asked for a person")]
    assert (told["merges"], told["requests"], told["reviews"]) == ([], [], [])


def test_a_person_reads_who_that_is(omnibot: Command, priyas: None) -> None:
    told = omnibot("customer", "show", "telegram:4711").output
    assert told.startswith("Priya Raman, customer 1, known since ")
    for part in ("telegram:4711", "seen", "name", "message, telegram:4711", "asked for a person"):
        assert part in told
    assert "Somebody without a name" in omnibot("customer", "show", OFFICE.value).output


@pytest_asyncio.fixture
async def marked(dsn: str, priyas: None) -> None:
    """The mail address was proven long ago, and is stopped, unreachable; a code is under way to it from Telegram."""
    await sql(
        dsn,
        "UPDATE links SET proof = 'proven', evidence = 'code', proven_at = now() - interval '400 days' FROM addresses"
        " WHERE id = address_id AND channel = 'email'",
    )
    await sql(dsn, "UPDATE addresses SET stopped_at = now(), unreachable_at = now() WHERE channel = 'email'")
    await sql(
        dsn,
        "INSERT INTO proof_requests (address_id, target_id, purpose, about_id, source_id, code_hash, tries, created_at,"
        " expires_at) SELECT t.id, m.id, 'unlink', m.id, 1, '\\x00', 2, now(), now() + interval '10 minutes'"
        " FROM addresses t, addresses m WHERE t.channel = 'telegram' AND m.channel = 'email'",
    )


def test_what_is_wrong_with_an_address_is_told(omnibot: Command, environment: dict[str, str], marked: None) -> None:
    environment["OMNIBOT_IDENTITY__PROOF_DAYS__EMAIL"] = "180"
    [told] = lines(omnibot("customer", "show", MAIL.value, "--json"))
    [address] = told["addresses"]
    assert (address["aged"], address["stopped"], address["unreachable"], address["shared"]) == (True, True, True, False)
    read = " ".join(omnibot("customer", "show", MAIL.value).output.split())
    for part in ("proven 1 year ago,", "counts as", "stopped", "unreachable"):
        assert part in read


@pytest.mark.parametrize("whose", ["telegram:4711", "priya@example.org"], ids=["who asked", "who got it"])
def test_a_code_that_is_under_way_is_shown_to_whom_it_concerns(omnibot: Command, marked: None, whose: str) -> None:
    [told] = lines(omnibot("customer", "show", whose, "--json"))
    [request] = told["requests"]
    assert (request["purpose"], request["asked"], request["sent_to"], request["about"], request["wrong"]) == (
        "unlink",
        "telegram:4711",
        "email:priya@example.org",
        "email:priya@example.org",
        2,
    )
    read = " ".join(omnibot("customer", "show", whose).output.split())
    assert "unlink email:priya@example.org: sent to email:priya@example.org, to be typed at telegram:4711," in read
    assert "2 wrong tries" in read


def test_an_answer_has_its_why_in_sentences(omnibot: Command, priyas: None) -> None:
    told = " ".join(omnibot("customer", "why", "telegram:4711").output.split())
    for sentence in (
        "They wrote: hola, my password",
        "We read Spanish (“hola”); a bad mood, -0.60 (“angry”); high urgency.",
        "We answered from the article reset-password: score 1.00 by password.",
        "People take over: asked for a person.",
    ):
        assert sentence in told
    assert "{" not in told
    [raw] = lines(omnibot("customer", "why", "telegram:4711", "--json"))
    assert raw["reading"]["urgency"] == {"value": "high", "confidence": 0.9, "evidence": [], "known": True}


async def test_what_was_not_understood_or_answered_says_so(omnibot: Command, dsn: str) -> None:
    async with Store.open(dsn, SECRET) as store:
        for address in (TELEGRAM, MAIL):
            item = IncomingMessage(id=str(address), at=NOON, sender=Sender(address), message_id="1", text="…")
            await store.path.accept([Arrived(channel=address.channel, account="main", item=item)])
            [work] = await store.path.load(await store.path.claim(1, lease=30))
            unknown = {"value": "", "confidence": 0.0, "evidence": [], "known": False}
            record: dict[str, object] = {"reading": dict.fromkeys(("language", "sentiment", "urgency"), unknown)}
            if address is MAIL:
                elsewhere = [known.id for known in work.addresses]
                record = {
                    "moves": [{"kind": "dance", "topic": "the_tango"}],
                    "asks": [{"purpose": "forget", "channel": "sms"}],
                    "to": 1,
                    "pointer": elsewhere[0],
                }
            else:
                record["why"] = "nothing was said"
            await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record=record)])
    silent = (await asyncio.to_thread(omnibot, "customer", "why", "telegram:4711")).output
    assert "We read no language for sure; no mood; no urgency." in silent
    assert "We did not answer: nothing was said." in silent
    strange = (await asyncio.to_thread(omnibot, "customer", "why", "priya@example.org")).output
    assert "We did: dance the tango." in strange
    assert "A code was to go out by sms, to forget what is theirs." in strange


def test_who_has_never_written_has_no_turn_and_no_message(omnibot: Command, priyas: None) -> None:
    omnibot("customer", "link", "telegram:815", "2", *WHY)
    omnibot("customer", "unlink", "telegram:815", *WHY)
    assert omnibot("customer", "why", "815").output == "there was no turn yet\n"
    assert omnibot("customer", "why", "815", "--json").output == ""
    assert omnibot("customer", "timeline", "815").output == "nothing was written\n"


def test_a_timeline_has_pages(omnibot: Command, priyas: None) -> None:
    [latest] = lines(omnibot("customer", "timeline", "4711", "--limit", "1", "--json"))
    [before] = lines(omnibot("customer", "timeline", "4711", "--limit", "1", "--page", "2", "--json"))
    assert (before["text"], latest["text"]) == ("hola, my password", "Right.")
    assert "what was before: --page 2" in omnibot("customer", "timeline", "4711", "--limit", "1").output
    assert omnibot("customer", "timeline", "4711", "--page", "9").output == "there is no page 9\n"
    help_ = " ".join(omnibot("customer", "timeline", "--help").output.split())
    assert "the oldest of them first" in help_
    assert "newest first" not in help_


# --- who is one person ----------------------------------------------------------------------------------------------


def test_two_become_one_and_are_two_again(omnibot: Command, priyas: None) -> None:
    told = omnibot("customer", "merge", "telegram:4711", "priya@example.org", *WHY)
    assert told.exit_code == 0, told.output
    assert told.output == "they are one: customer 1; `omnibot customer split m1` undoes it\n"
    both = {"hola, my password", "I forgot my password"}
    assert texts(omnibot, "telegram:4711") == texts(omnibot, "priya@example.org") == both
    [person] = lines(omnibot("customer", "show", "priya@example.org", "--json"))
    assert {one["address"] for one in person["addresses"]} == {"telegram:4711", "email:priya@example.org"}
    assert "of customer 2" in omnibot("customer", "show", "1").output

    told = omnibot("customer", "split", "m1", *WHY)
    assert told.output == "they are two: customer 1 and customer 2\n"
    assert texts(omnibot, "telegram:4711") == {"hola, my password"}
    assert texts(omnibot, "priya@example.org") == {"I forgot my password"}

    acts = [(one["act"], one["by"], one["reason"]) for one in lines(omnibot("customer", "log", "2", "--json"))][:2]
    assert acts == [("split", "anna", "they told me on the phone"), ("merge", "anna", "they told me on the phone")]
    assert "customer 1 and customer 2 became one (m1)" in omnibot("customer", "log", "4711").output
    assert omnibot("customer", "log", "--replay").output == "the log gives the links and merges as they are\n"


def test_programs_get_what_was_done(omnibot: Command, priyas: None) -> None:
    [merged] = lines(omnibot("customer", "merge", "1", "2", "--json", *WHY))
    assert merged == {"verdict": "merged", "customer": 1, "merge": 1, "review": None, "why": ""}
    [again] = lines(omnibot("customer", "merge", "2", "1", "--json", *WHY))
    assert again["verdict"] == "already one"
    [parted] = lines(omnibot("customer", "split", "2", "--for-good", "--json", *WHY))
    assert parted == {"stays": 1, "leaves": 2, "merge": 1}
    entries = lines(omnibot("customer", "log", "1", "--replay", "--json"))
    assert entries.pop() == {"agrees": True, "differences": []}
    assert [entry["act"] for entry in entries][:3] == ["apart", "split", "merge"]


def test_who_is_one_already_is_said_to_be(omnibot: Command, priyas: None) -> None:
    omnibot("customer", "merge", "1", "2", *WHY)
    assert omnibot("customer", "merge", "2", "1", *WHY).output == "they were one already: customer 1\n"


def test_of_several_merges_one_is_named(omnibot: Command, priyas: None) -> None:
    for other in ("2", "3"):
        assert omnibot("customer", "merge", "1", other, *WHY).exit_code == 0
    told = omnibot("customer", "split", "1", *WHY)
    assert told.exit_code == 1
    assert "m1 (1 and 2, staff), m2 (1 and 3, staff): write the one that is to be undone" in told.output
    assert omnibot("customer", "split", "sms:+4930901820", *WHY).exit_code == 0
    assert customer_of(omnibot, OFFICE.value) == 3
    assert customer_of(omnibot, MAIL.value) == 1


def test_an_address_comes_and_goes(omnibot: Command, priyas: None) -> None:
    told = omnibot("customer", "link", "telegram:815", "priya@example.org", *WHY)
    assert told.output == "telegram:815 is theirs: customer 2\n"
    [person] = lines(omnibot("customer", "show", "815", "--json"))
    new = next(one for one in person["addresses"] if one["address"] == "telegram:815")
    assert (new["proof"], new["evidence"]) == ("proven", "staff")
    assert (
        omnibot("customer", "link", "telegram:815", "2", *WHY).output == "telegram:815 belongs to customer 2 already\n"
    )
    told = omnibot("customer", "unlink", "telegram:815", *WHY)
    assert told.output == "they are two: customer 2 and customer 4\n"
    assert customer_of(omnibot, "815") == 4
    assert omnibot("customer", "log", "--replay").exit_code == 0


def test_an_address_that_nobody_can_be_reached_by_is_not_linked(omnibot: Command, priyas: None) -> None:
    told = omnibot("customer", "link", "slack:T1/U2", "1", *WHY)
    assert told.exit_code == 1
    assert "slack:T1/U2 is not known" in told.output


def test_an_office_phone_links_nobody(omnibot: Command, priyas: None) -> None:
    assert omnibot("customer", "share", OFFICE.value, *WHY).output == "sms:+4930901820 is marked as shared\n"
    assert "shared" in omnibot("customer", "show", OFFICE.value).output
    told = omnibot("customer", "merge", "1", OFFICE.value, *WHY)
    assert told.exit_code == 1
    assert "marked as shared" in told.output
    told = omnibot("customer", "merge", "1", OFFICE.value, "--json", *WHY)
    assert (told.exit_code, '"verdict":"refused"' in told.output) == (1, True)
    assert omnibot("customer", "merge", "1", OFFICE.value, "--shared-too", *WHY).exit_code == 0
    assert "marked as shared already" in omnibot("customer", "share", OFFICE.value, *WHY).output
    told = omnibot("customer", "unshare", OFFICE.value, *WHY)
    assert told.output == "sms:+4930901820 is not marked as shared any more\n"
    [shared] = lines(omnibot("customer", "share", OFFICE.value, "--json", *WHY))
    [unshared] = lines(omnibot("customer", "unshare", OFFICE.value, "--json", *WHY))
    assert shared == unshared | {"shared": True} == {"address": "sms:+4930901820", "shared": True, "parted": []}
    assert omnibot("customer", "log", "--replay").exit_code == 0


async def test_whom_a_shared_number_has_made_one_are_parted(omnibot: Command, dsn: str, priyas: None) -> None:
    async with Store.open(dsn, SECRET) as store:
        await take_turn(store, OFFICE_WHATSAPP, "hello from the office, too")
        for address in (OFFICE, OFFICE_WHATSAPP):
            await store.identity.prove(address, evidence="code", by="customer")
        await store.identity.match(OFFICE)

    def share() -> tuple[int, Result, Result]:
        one = customer_of(omnibot, OFFICE_WHATSAPP.value)
        return one, omnibot("customer", "share", str(OFFICE), "--json", *WHY), omnibot("customer", "log", "--replay")

    one, shared, audit = await asyncio.to_thread(share)
    assert one == 3
    [told] = lines(shared)
    assert (told["address"], told["shared"]) == (str(OFFICE), True)
    assert [(parted["stays"], parted["leaves"]) for parted in told["parted"]] == [(3, 4)]
    assert audit.exit_code == 0


# --- reviews --------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def parked(dsn: str, priyas: None) -> None:
    """Their user ids say that they are two, their mail address that they are one."""
    async with Store.open(dsn, SECRET) as store:
        await sql(
            dsn,
            "INSERT INTO reviews (left_id, right_id, reason, evidence, at)"
            " VALUES (1, 2, 'both have a user id, and they differ', 'email', now())",
        )
        await sql(
            dsn,
            "INSERT INTO identity_log (at, act, customer_id, other_id, proof, evidence, by, reason)"
            " VALUES (now(), 'review', 1, 2, '', 'email', 'rule', 'both have a user id, and they differ')",
        )
        assert await store.identity.reviews()


def test_a_person_decides_that_they_are_one(omnibot: Command, parked: None) -> None:
    [review] = lines(omnibot("customer", "reviews", "--json"))
    assert (review["left"]["name"], review["right"]["name"]) == ("Priya Raman", "Priya R.")
    assert "both have a user id, and they differ" in " ".join(omnibot("customer", "reviews").output.split())
    assert "review 1" in omnibot("customer", "show", "1").output
    told = omnibot("customer", "reviews", "--resolve", "1", "--merge", *WHY)
    assert told.output.startswith("they are one: customer 1; ")
    assert texts(omnibot, "1") == {"hola, my password", "I forgot my password"}
    assert omnibot("customer", "reviews").output == "nothing\n"
    assert omnibot("customer", "log", "--replay").exit_code == 0


@pytest.mark.parametrize("program", [False, True])
def test_a_person_decides_that_they_are_two(omnibot: Command, parked: None, program: bool) -> None:
    told = omnibot("customer", "reviews", "--resolve", "1", "--dismiss", *WHY, *(["--json"] if program else []))
    if program:
        assert lines(told) == [{"verdict": "dismissed", "review": 1}]
    else:
        assert told.output == "review 1 is dismissed: they are two\n"
    assert customer_of(omnibot, MAIL.value) == 2
    assert omnibot("customer", "reviews", "--json").output == ""
    again = omnibot("customer", "reviews", "--resolve", "1", "--dismiss", *WHY)
    assert (again.exit_code, "there is no open review 1" in again.output) == (1, True)


@pytest.mark.parametrize(
    "options", [("--merge",), ("--resolve", "1"), ("--resolve", "1", "--merge", "--dismiss")], ids=" ".join
)
def test_a_decision_names_the_review_and_what_is_decided(omnibot: Command, options: tuple[str, ...]) -> None:
    told = omnibot("customer", "reviews", *options, *WHY)
    assert told.exit_code == 2
    assert "--resolve ID --merge" in told.output


def test_a_decision_has_a_reason(omnibot: Command, parked: None) -> None:
    told = omnibot("customer", "reviews", "--resolve", "1", "--merge", "--by", "anna")
    assert told.exit_code == 1
    assert "say who you are and why" in told.output


# --- what cannot be done --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["merge 1 2", "split m1", "link telegram:1 2", "unlink telegram:1", "share sms:+1"])
def test_nothing_is_changed_without_a_reason(omnibot: Command, command: str) -> None:
    told = omnibot("customer", *command.split(), "--by", "anna")
    assert (told.exit_code, "--reason" in told.output) == (2, True)
    for empty in ("", "  ", "two\nlines"):
        told = omnibot("customer", *command.split(), "--by", "anna", "--reason", empty)
        assert (told.exit_code, "whoever reads the log" in " ".join(told.output.replace("│", "").split())) == (2, True)


@pytest.mark.parametrize("name", ["rule", "Customer", "import", "", "x" * 65])
def test_who_acts_has_a_name_of_their_own(omnibot: Command, name: str) -> None:
    told = omnibot("customer", "merge", "1", "2", "--reason", "so", "--by", name)
    assert (told.exit_code, "--by" in told.output) == (2, True)


def test_without_a_name_it_is_who_is_logged_in(omnibot: Command, priyas: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "support-desk")
    assert omnibot("customer", "merge", "1", "2", "--reason", "so").exit_code == 0
    assert lines(omnibot("customer", "log", "1", "--json"))[0]["by"] == "support-desk"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("merge 1 99", "nothing belongs to customer 99"),
        ("merge 1 telegram:99", "telegram:99 is not known"),
        ("split m99", "there is no merge 99"),
        ("split 1", "no merge has joined 1 to anybody"),
        ("unlink telegram:99", "telegram:99 is not known"),
        ("unlink telegram:4711", "is the only address of its customer"),
        ("unshare telegram:4711", "is not marked as shared"),
        ("share +4930", "may be sms:+4930 and whatsapp:+4930: write which"),
        ("unlink +49309018299", "may be sms:+49309018299 and whatsapp:+49309018299: write which"),
    ],
)
def test_what_cannot_be_done_says_why(omnibot: Command, priyas: None, command: str, told: str) -> None:
    refused = omnibot("customer", *command.split(), *WHY)
    assert refused.exit_code == 1
    assert told in refused.stderr
    assert refused.stdout == ""


def test_a_name_is_no_customer_to_be_changed(omnibot: Command, priyas: None) -> None:
    told = omnibot("customer", "merge", "raman", "2", *WHY)
    assert (told.exit_code, "channel:value" in told.output) == (2, True)


def test_a_log_of_nobody_is_asked_for_by_name(omnibot: Command) -> None:
    told = omnibot("customer", "log")
    assert (told.exit_code, "--replay" in told.output) == (2, True)
    assert omnibot("customer", "log", "99").output == "nothing\n"


@pytest_asyncio.fixture
async def meddled(dsn: str, priyas: None) -> None:
    """Somebody has changed a table by hand."""
    await sql(dsn, "UPDATE links SET customer_id = 1, home_id = 1 WHERE home_id = 2")


def test_the_audit_finds_what_was_changed_by_hand(omnibot: Command, meddled: None) -> None:
    told = omnibot("customer", "log", "--replay")
    assert told.exit_code == 1
    assert "✗ address 2: the log says" in told.output
    told = omnibot("customer", "log", "--replay", "--json")
    assert (told.exit_code, '"agrees":false' in told.output) == (1, True)


def at_a_terminal(environment: dict[str, str], answer: bytes, *arguments: str) -> str:
    """What a command shows to somebody who answers its question."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "omnibot", *arguments], os.environ | environment)
    shown = b""
    try:
        os.write(terminal, answer)
        while True:
            shown += os.read(terminal, 10_000)
    except OSError:  # it has ended
        pass
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    return shown.decode()


def test_in_a_terminal_it_asks_first(omnibot: Command, environment: dict[str, str], priyas: None) -> None:
    arguments = ("customer", "merge", "1", "2", *WHY)
    shown = at_a_terminal(environment, b"n\n", *arguments)
    assert "Make one person of customer 1 (Priya Raman, telegram:4711) and customer 2 (Priya R., " in shown
    assert "nothing was changed" in shown
    assert customer_of(omnibot, MAIL.value) == 2
    assert "they are one: customer 1" in at_a_terminal(environment, b"y\n", *arguments)
    assert "they are two" in at_a_terminal(environment, b"", "customer", "split", "m1", "--yes", *WHY)


def test_in_a_pipe_there_is_no_colour(omnibot: Command, priyas: None) -> None:
    for command in ("find", "show", "timeline", "why", "log"):
        told = omnibot("customer", command, "1").output
        assert told
        assert "\x1b" not in told


@pytest.mark.parametrize("width", ["80", "120"])
def test_nothing_is_cut_off_at_the_edge(
    omnibot: Command, environment: dict[str, str], priyas: None, width: str
) -> None:
    environment["COLUMNS"] = width
    omnibot("customer", "merge", "1", "2", *WHY)
    for command in ("find", "show"):
        told = omnibot("customer", command, "1").output
        assert max(map(len, told.splitlines())) <= int(width)
        for whole in ("telegram:4711", "email:priya@example.org"):
            assert whole in told


def test_a_proof_has_an_age() -> None:
    from omnibot.cli.person import ago

    now = datetime.now(UTC)
    told = [ago(now - timedelta(seconds=seconds)) for seconds in (5, 70, 7300, 3 * 86400, 70 * 86400, 800 * 86400)]
    assert told == ["just now", "1 minute ago", "2 hours ago", "3 days ago", "2 months ago", "2 years ago"]
    assert ago(now + timedelta(seconds=630)) == "in 10 minutes"
    assert ago(now + timedelta(seconds=30)) == "in a moment"

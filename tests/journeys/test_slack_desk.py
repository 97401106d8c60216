"""The support desk in Slack, from somebody's WhatsApp to what worked, with an app made of the printed manifest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from omnibot.cli import app
from omnibot.contract import Place
from omnibot.model import ActKind, Address, CaseState, Result
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.demo import STAFFED
from omnibot.sandbox.faults import Throttle
from omnibot.sandbox.slack import Person
from omnibot.sandbox.team import ROOMS, Team
from omnibot.sandbox.world import World
from omnibot.settings import Desk
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from tests.crew import SECONDS, until
from tests.journeys.conftest import MakeWorld, serving_with

PHONE, CHAT = Address("whatsapp", "+447700900321"), Address("telegram", "8123")
PLEASE = "I want to talk to a human, please"
SEND = "desk:send"
SLOW = "That took too long. Try it once more."
BOTH_MODES = pytest.mark.parametrize("mode", ["events", "socket"])


@dataclass
class AtWork:
    """A server, the people of a team, and a customer who is on WhatsApp and on Telegram."""

    place: World
    store: Store
    team: Team

    @property
    def zoe(self) -> Person:
        return self.team.people["Zoe Lang"]

    @property
    def matteo(self) -> Person:
        return self.team.people["Matteo Rossi"]

    def says(self, text: str, where: Address = PHONE, **more) -> None:
        self.place.people.write(where, text, **more)

    def got(self, where: Address = PHONE) -> list[str]:
        """What the customer has got from us."""
        return [entry.text for entry in self.place.ledger.entries() if entry.accepted and entry.to == str(where)]

    async def arrives(self, text: str, where: Address = PHONE) -> str:
        [found] = await until(lambda: [one for one in self.got(where) if text in one])
        return found

    async def handed_off(self) -> str:
        """The thread that opens when the customer asks for a person."""
        self.says(PLEASE)
        [thread] = await until(self.team.threads)
        assert thread.room == ROOMS["support"]
        await self.known(thread)
        return thread.thread

    async def known(self, thread: Place) -> None:
        """A thread is known to be there a moment after it is."""
        async with asyncio.timeout(SECONDS):
            while await self.store.desk.of_place(thread) is None:
                await asyncio.sleep(0.02)

    def write(self, who: Person, text: str, thread: str, **more) -> str:
        return who.write(text, ROOMS["support"], thread, **more)

    async def sees(self, text: str, thread: str, who: Person | None = None) -> str:
        """The thread, once it has that."""
        reader = who or self.zoe

        def seen() -> str:
            return whole if text in (whole := reader.see_thread(thread)) else ""

        return await until(seen)

    async def offered(self, label: str, thread: str) -> None:
        """Wait until the card offers something."""
        await until(lambda: any(label in shown.choices for shown in self.zoe.messages if shown.ts == thread))

    async def opens(self, label: str, thread: str) -> None:
        """Press what opens a form; again where a machine under load was too slow for Slack."""
        await self.offered(label, thread)
        while not await self._opened(label, thread, self.zoe.notices.count(SLOW)):
            continue

    async def _opened(self, label: str, thread: str, slow: int) -> bool:
        zoe = self.zoe
        zoe.press(label, thread)

        def told() -> bool:
            return self._fills() or SLOW in zoe.see_modal() or zoe.notices.count(SLOW) > slow

        await until(told)
        return self._fills()

    def _fills(self) -> bool:
        """Whether a form is open that can be submitted."""
        return self.zoe.modal is not None and bool(self.zoe.modal["submit"])

    async def marked(self, ts: str, *names: str) -> None:
        """Wait until the marks of a message are these."""

        def marks() -> bool:
            message = self.place.slack.main.message(ts)
            return tuple(one["name"] for one in message.get("reactions", ())) == names

        await until(marks)

    async def told(self, who: Person, text: str) -> None:
        await until(lambda: any(text in notice for notice in who.notices))


def manifest(mode: str, url: str) -> str:
    options = [] if mode == "socket" else ["--url", url]
    result = CliRunner().invoke(app, ["slack", "manifest", *options])
    assert result.exit_code == 0
    return result.output


@asynccontextmanager
async def desk(make_world: MakeWorld, mode: str, rooms: Desk = STAFFED, **settings: Any) -> AsyncIterator[AtWork]:
    channels = ("whatsapp", "telegram", "slack", "email")
    async with make_world({"desk": rooms}, channels=channels, slack_mode=mode) as place:
        workspace = place.slack.main
        workspace.install(manifest(mode, "https://bot.example.com/channels/slack/main/events"))
        team = Team(place.slack)
        workspace.usergroup("S0AGENTS", "agents", [team.people["Matteo Rossi"]])
        agents = {"staff": [team.people["Zoe Lang"].id], "staff_group": "S0AGENTS"}
        async with (
            serving_with(place, "slack", conversation_seconds=0, **agents, **settings),
            place.looking() as store,
        ):
            known = NewCustomer(row=2, addresses=(PHONE, CHAT), facts={"name": "Sarah Miller"})
            await store.records.import_customers([known], {"whatsapp": "main", "telegram": "main"})
            yield AtWork(place, store, team)


@BOTH_MODES
async def test_a_matter_from_the_hand_off_to_what_worked(make_world: MakeWorld, mode: str) -> None:
    async with desk(make_world, mode) as work:
        zoe, matteo, twilio = work.zoe, work.matteo, work.place.twilio
        thread = await work.handed_off()
        card = await work.sees("[Reply]", thread)
        for shown in ("Sarah Miller", str(PHONE), str(CHAT), "Why people:", PLEASE, "First answer due", "[Timeline]"):
            assert shown in card
        await until(work.got)  # she is told what happens next
        said = len(work.got())

        # what she writes on, from wherever, is in the thread; nothing of it calls anybody or formats
        work.says("Is <!channel> there? *Now*")
        await work.sees("Is <!channel> there? *Now*", thread)  # her channel stands on the card already
        work.says("I write here, too", CHAT, files=(SentFile("e17.txt", "text/plain", b"E17"),))
        seen = await work.sees("I write here, too", thread)
        assert "Sarah Miller (telegram)" in seen
        assert seen.index("Is <!channel> there? *Now*") < seen.index("I write here, too")
        await work.sees("[file] e17.txt", thread)
        work.says("and here again")
        await work.sees("and here again", thread)
        assert len(work.got()) == said

        # a note reaches nobody; somebody who is no agent cannot act
        work.write(zoe, "do not tell her about the outage", thread)
        guest = work.place.slack.main.user("U0GUEST", "Gus Guest", guest=True)
        guest.join("support-desk")
        work.write(guest, "> I answer her", thread)
        await work.told(guest, "guests may not act here")

        # the modal, with what was suggested to begin with
        await work.opens("Reply", thread)
        zoe.submit(text="We are on it, Sarah.")
        await work.arrives("We are on it, Sarah.")
        assert not zoe.errors
        await work.sees("Zoe Lang → customer (whatsapp)", thread)
        await until(lambda: not zoe.see_modal())

        # somebody else wants to answer what Zoe has
        work.write(matteo, "> me too", thread)
        await work.told(matteo, "Zoe Lang has it")

        # the shortcut at a message that stands there, and how far it has come
        acknowledged = work.place.slack.main.acknowledged
        note = work.write(zoe, "Please use the new key.", thread)
        await until(lambda: work.place.slack.main.acknowledged > acknowledged)
        zoe.shortcut(SEND, note)
        await work.arrives("Please use the new key.")
        await work.marked(note, "white_check_mark")
        twilio.phone(PHONE.value).read()
        await work.marked(note, "eyes")

        # the prefix; an event that comes again sends nothing again; a change sends nothing either
        plan = SentFile("plan.pdf", "application/pdf", b"%PDF-1.7")
        marked = work.write(zoe, "> It is on your page.", thread, files=[plan])
        work.place.slack.main.redeliver()
        await work.arrives("It is on your page.")
        await work.marked(marked, "white_check_mark")
        assert [file.content for seen in twilio.phone(PHONE.value).messages for file in seen.media] == [plan.content]
        zoe.edit(marked, "> It is on your page now.")
        await work.told(zoe, "the customer has what was sent")

        # what does not arrive is told, and is sent again by its button
        twilio.phone(PHONE.value).fail_with(30008, count=1)
        lost = work.write(zoe, "> One more thing.", thread)
        await work.marked(lost, "x")
        await work.sees("This did not arrive", thread)
        await work.sees("[Send again]", thread)
        zoe.press("Send again")
        await work.arrives("One more thing.")
        await work.marked(lost, "white_check_mark")

        # resolved, with what worked
        await work.opens("Resolve", thread)
        zoe.submit({"Why it is over": "solved", "What worked": "a new export key"})
        await work.sees("What worked: a new export key", thread)
        await work.offered("Reopen", thread)
        assert "outage" not in "".join((*work.got(), *work.got(CHAT)))
        assert sum("It is on your page" in text for text in work.got()) == 1
        await remembered(work)


async def remembered(work: AtWork) -> None:
    """What worked is memory, and each act is written down."""
    [attended] = [await work.store.desk.of_place(place) for place in work.team.threads()]
    assert attended is not None
    acts = [act.kind for act in await work.store.desk.acts(attended.stretch.id)]
    reply, note = ActKind.REPLY, ActKind.NOTE
    # what two people do at the same moment comes in in any order
    assert sorted(acts) == sorted([
        note, ActKind.REFUSED, reply, reply, note, reply, reply, ActKind.EDITED, reply, ActKind.RETRY, ActKind.RESOLVE
    ])  # fmt: skip
    assert acts[-1] is ActKind.RESOLVE
    customer = await work.store.records.customer_of(PHONE)
    assert customer is not None
    sides = await work.store.profiles.sides(await work.store.records.addresses_of(customer))
    assert {side.state for side in sides} == {CaseState.RESOLVED}
    [attempt] = [one for side in sides for one in side.attempts if one.by == "Zoe Lang"]
    assert (attempt.what, attempt.result) == ("a new export key", Result.WORKED)


@BOTH_MODES
async def test_the_command_and_the_home_show_whose_each_matter_is(make_world: MakeWorld, mode: str) -> None:
    async with desk(make_world, mode) as work:
        zoe, thread = work.zoe, await work.handed_off()

        async def commanded(text: str) -> str:
            before = len(zoe.notices)
            zoe.command("/omnibot", text, ROOMS["support"])
            return await until(lambda: zoe.notices[-1] if len(zoe.notices) > before else "")

        async def home() -> str:
            zoe.open_home()
            return await until(lambda: zoe.see_home())

        assert "Sarah Miller" in await commanded("queue")
        assert "Sarah Miller" in await commanded("queue support")
        assert "The queue: 0" in await commanded("queue senior")
        assert "Your cases: 0" in await commanded("mine")
        assert "My cases (0)" in await home()
        zoe.press("Take", thread)
        await work.sees("Zoe Lang has it now.", thread)
        assert "Your cases: 1" in await commanded("mine")
        assert "Sarah Miller" in await commanded("search miller")
        assert "Overdue: 0" in await commanded("overdue")
        shown = await commanded(f"customer {PHONE.value}")
        assert str(CHAT) in shown
        assert PLEASE in shown
        await until_home(zoe, "My cases (1)")
        assert "reminded of it no more" in await commanded("mute")
        zoe.press("Timeline", thread)
        await until(lambda: PLEASE in zoe.see_modal())
        zoe.close()
        assert list(zoe.errors) == []


async def until_home(who: Person, text: str) -> None:
    who.open_home()
    await until(lambda: text in who.see_home())


@BOTH_MODES
async def test_what_can_be_done_in_the_thread_is_done_once_and_told_there(make_world: MakeWorld, mode: str) -> None:
    async with desk(make_world, mode) as work:
        zoe, thread = work.zoe, await work.handed_off()

        async def chooses(label: str, filled: dict[str, str], told: str) -> None:
            await work.opens(label, thread)
            zoe.submit(filled)
            await work.sees(told, thread)
            await until(lambda: not zoe.see_modal())

        await chooses("Change its priority…", {"How urgent it is": "Urgent"}, "made its priority urgent")
        await chooses("Assign…", {"Who shall have it": "Matteo Rossi"}, "Zoe Lang has given it to Matteo Rossi")
        await chooses("Assign…", {"Who shall have it": "Zoe Lang"}, "Zoe Lang has taken it over")
        await chooses("Snooze", {"Until when": "4000000000"}, "Not done: choose a time within the next year")
        await chooses("Ask for consent…", {"What they shall agree to": "May we call you?"}, "has asked the customer")
        await work.arrives("May we call you?")
        work.says("yes")
        await work.sees("yes", thread)
        await chooses("Hand back to the bot…", {"What it should know": "she has a new key"}, "the bot goes on")
        await work.offered("Reopen", thread)
        zoe.press("Reopen", thread)
        await work.sees("Zoe Lang has reopened it", thread)
        await chooses("Give to another team…", {"Which team": "our senior support team"}, "given it to")
        moved = await until(lambda: [one for one in work.team.threads() if one.room == ROOMS["senior"]])
        await work.sees("Sarah Miller", moved[0].thread)


async def test_two_workspaces_are_two_desks(make_world: MakeWorld) -> None:
    """A matter goes from one to the other; who is an agent in one is none in the other."""
    support, senior = {"slack.main": ROOMS["support"]}, {"slack.second": "C0SECOND"}
    rooms = STAFFED.model_validate({"teams": {"support": {"rooms": support}, "senior": {"rooms": senior}}})
    async with make_world({"desk": rooms}, channels=("whatsapp", "slack"), slack_mode="events") as place:
        second = place.slack.workspace("T0SECOND")
        yuki, other_zoe = second.user("U0YUKI", "Yuki Ito"), second.user("U0ZOE", "Zoe Other")
        room = second.channel("C0SECOND", "senior", [yuki, other_zoe])
        main = {**place.settings.channels["slack"]["main"], "conversation_seconds": 0}
        theirs = {"token": second.bot_token, "signing_secret": second.signing_secret, "staff": ["U0YUKI"]}
        second.deliver_to(f"{place.settings.server.public_url}/channels/slack/second/events")
        channels = {**place.settings.channels, "slack": {"main": main, "second": main | theirs}}
        two = World(place.settings.model_copy(update={"channels": channels}), place.providers)
        async with two.serving(), two.looking() as store:
            work = AtWork(two, store, Team(two.slack))
            thread = await work.handed_off()
            await work.opens("Give to another team…", thread)
            work.zoe.submit({"Which team": "our senior support team"})
            card = await until(lambda: next(iter(room.messages), ""))
            await work.known(Place("slack.second", "C0SECOND", card))
            other_zoe.write("> me, too", room, card)
            await work.told(other_zoe, "only who is on the list of staff may act here")
            yuki.write("> I am here now.", room, card)
            await work.arrives("I am here now.")
            work.write(work.zoe, "> And I am.", thread)  # where it was before: it is no matter's any more
            work.says("thanks")
            await until(lambda: "thanks" in yuki.see_thread(card))
            assert not any(text.startswith(("me, too", "And I am")) for text in work.got())


def archived(work: AtWork, thread: str) -> None:
    work.zoe.archive(ROOMS["support"])


def removed(work: AtWork, thread: str) -> None:
    work.zoe.remove_bot(ROOMS["support"])


def deleted(work: AtWork, thread: str) -> None:
    work.zoe.delete_thread(thread)


MAILBOX = "team@example.net"
WITH_MAIL = STAFFED.model_validate({"teams": {"support": {"rooms": {"slack": ROOMS["support"], "email": MAILBOX}}}})


@pytest.mark.parametrize("trouble", [archived, removed, deleted])
async def test_trouble_in_slack_loses_nothing(make_world: MakeWorld, trouble: Callable[[AtWork, str], None]) -> None:
    """Bad inputs 27 and 28: the matter goes on by mail, with all that was not shown, in its order."""
    async with desk(make_world, "socket", rooms=WITH_MAIL) as work:
        thread = await work.handed_off()
        work.place.faults.add(Throttle(0.2), provider="slack", method="chat.postMessage", count=2)
        work.says("one")
        await work.sees("one", thread)
        trouble(work, thread)
        for text in ("two", "three"):
            work.says(text)
        mailbox = work.place.mail.mailbox(MAILBOX)
        await until(lambda: any("three" in mail.text for mail in mailbox.mails))
        seen = "\n".join(mail.text for mail in mailbox.mails)
        assert "Sarah Miller" in seen
        assert seen.index("two") < seen.index("three")

"""Slack, from somebody's question to the timeline and back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from omnibot.model import Address, DeliveryState, Direction, TimelineMessage
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.faults import Blocked, Cut, ServerError, Throttle
from omnibot.sandbox.ledger import Entry
from omnibot.sandbox.slack import Person
from omnibot.sandbox.world import World, world
from omnibot.settings import Bot
from omnibot.store import Store
from omnibot.store.imports import NewCustomer
from tests.journeys.conftest import DEADLINE, KNOWLEDGE, MakeWorld, mail_got
from tests.journeys.test_bad_day import QUICK, Switch, switch  # noqa: F401 - a fixture
from tests.journeys.test_day import until

PASSWORD = "How do I reset my password?"
BOTH_MODES = pytest.mark.parametrize("mode", ["events", "socket"])


@pytest_asyncio.fixture
async def place(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world with a running server that Slack calls."""
    async with make_world(channels=("slack",), slack_mode="events") as place, place.serving():
        yield place


def ada_of(place: World) -> Person:
    return place.slack.main.user("U0ADA", "Ada Byron", email="ada@example.org")


async def got(place: World, person: Person, count: int = 1) -> list[Entry]:
    """The first messages that somebody has got from us."""

    def theirs(entry: Entry) -> bool:
        return entry.accepted and entry.to == f"slack:{person.address}"

    return await place.ledger.wait_for(theirs, DEADLINE, count=count)


async def timeline(store: Store, person: Person) -> list[TimelineMessage]:
    customer = await store.records.customer_of(Address("slack", person.address))
    return list(await store.records.timeline(customer)) if customer is not None else []


async def last_state(store: Store, person: Person) -> DeliveryState | None:
    ours = [message for message in await timeline(store, person) if message.direction is Direction.OUT]
    return ours[-1].state if ours else None


# --- questions and answers -------------------------------------------------------------------------------------------


@BOTH_MODES
async def test_a_direct_message_is_answered(make_world: MakeWorld, mode: str) -> None:
    async with make_world(channels=("slack",), slack_mode=mode) as place, place.serving():
        ada = ada_of(place)
        ada.write(PASSWORD)
        [reply] = await got(place, ada)
        assert "Ada" in reply.text
        assert "password" in reply.text.lower()
        assert [shown.thread_ts for shown in ada.messages] == ["", ""]
        async with place.looking() as store:
            question, answer = await timeline(store, ada)
    assert question.text == PASSWORD
    assert answer.answers == question.id


@BOTH_MODES
async def test_a_mention_is_answered_once_and_in_its_thread(make_world: MakeWorld, mode: str) -> None:
    async with make_world(channels=("slack",), slack_mode=mode) as place, place.serving():
        ada = ada_of(place)
        place.slack.main.channel("C0HELP", "help", [ada])
        root = ada.mention(PASSWORD, "C0HELP")
        await got(place, ada)
        ada.write("How can I export my data?", "C0HELP", root)
        replies = await got(place, ada, 2)
        async with place.looking() as store:
            assert len(await timeline(store, ada)) == 4
    assert [reply.payload["thread_ts"] for reply in replies] == [root, root]
    assert "Export" in replies[1].text


async def test_what_people_say_to_each_other_is_left_alone(place: World) -> None:
    ada, ben = ada_of(place), place.slack.main.user("U0BEN", "Ben")
    place.slack.main.channel("C0HELP", "help", [ada, ben])
    root = ben.write(PASSWORD, "C0HELP")
    ada.write("Under your profile.", "C0HELP", root)
    ada.write(PASSWORD)
    await got(place, ada)
    async with place.looking() as store:
        assert await timeline(store, ben) == []
        assert len(await timeline(store, ada)) == 2


async def test_a_slash_command_is_answered_directly(place: World) -> None:
    ada = ada_of(place)
    place.slack.main.channel("C0HELP", "help", [ada])
    ada.command("/ask", PASSWORD, "C0HELP")
    pointer, reply = await got(place, ada, 2)
    assert pointer.text == f"→ @{place.slack.main.bot_name}"
    assert reply.payload["channel"] == place.slack.main.direct(ada.id).id
    assert "password" in reply.text.lower()


@BOTH_MODES
async def test_a_choice_that_is_pressed_is_answered(make_world: MakeWorld, mode: str) -> None:
    async with make_world(channels=("slack",), slack_mode=mode) as place, place.serving():
        ada = ada_of(place)
        ada.write("What can you do?")
        [offered] = await got(place, ada)
        ada.press(offered.choices[0])
        assert (await got(place, ada, 2))[1].text
        async with place.looking() as store:
            [why, *_] = await store.records.why(Address("slack", ada.address))
    assert "chosen by a button" in str(why["why"])


async def test_the_file_of_an_article_goes_along(make_world: MakeWorld, tmp_path: Path) -> None:
    folder = await asyncio.to_thread(shutil.copytree, KNOWLEDGE, tmp_path / "knowledge")
    (folder / "guide.pdf").write_bytes(b"the guide")
    article = folder / "export-data.en.md"
    article.write_text(article.read_text("utf-8").replace("title:", "files: [guide.pdf]\ntitle:"), "utf-8")
    async with make_world({"bot": Bot(knowledge=folder)}, channels=("slack",)) as place, place.serving():
        ada = ada_of(place)
        ada.write("How can I export my data?")
        [sent] = await got(place, ada)
        assert sent.method == "files.completeUploadExternal"
        assert "Export" in sent.text
        assert [file.content for file in place.slack.main.files.values()] == [b"the guide"]


# --- who they are ----------------------------------------------------------------------------------------------------


async def test_two_workspaces_are_two_accounts_and_their_people_are_others(make_world: MakeWorld) -> None:
    async with make_world(channels=("slack",)) as place:
        second = place.slack.workspace("T0SECOND")
        accounts = {
            **place.settings.channels["slack"],
            "second": place.settings.channels["slack"]["main"]
            | {
                "token": second.bot_token,
                "mode": "events",
                "signing_secret": second.signing_secret,
                "staff": ["U0BEN"],
            },
        }
        second.deliver_to(f"{place.settings.server.public_url}/channels/slack/second/events")
        settings = place.settings.model_copy(update={"channels": {"slack": accounts}})
        two = World(settings, place.providers)
        async with two.serving():
            ada, eva = ada_of(two), second.user("U0ADA", "Eva Sund")
            ada.write(PASSWORD)
            eva.write(PASSWORD)
            second.user("U0BEN", "Ben").write("I am staff in this one")
            place.slack.main.user("U0BEN", "Ben").write(PASSWORD)
            assert "Ada" in (await got(two, ada))[0].text
            assert "Eva" in (await got(two, eva))[0].text
            await got(two, place.slack.main.user("U0BEN"))
            async with two.looking() as store:
                people = [await store.records.customer_of(Address("slack", one.address)) for one in (ada, eva)]
                assert await timeline(store, second.user("U0BEN")) == []
            assert people[0] != people[1]
            assert [entry.account for entry in two.ledger.entries("slack", "chat.postMessage")].count("T0SECOND") == 1


async def test_somebody_of_another_company_is_a_customer_of_their_own(place: World) -> None:
    eva = place.slack.main.user("U0EVA", "Eva Sund", team="T0PARTNER")
    place.slack.main.channel("C0SHARED", "shared", [eva], shared=True)
    eva.mention(PASSWORD, "C0SHARED")
    [reply] = await got(place, eva)
    assert eva.address == "T0PARTNER/U0EVA"
    assert "Eva" in reply.text
    assert reply.payload["channel"] == "C0SHARED"


async def test_somebody_who_prefers_mail_is_answered_there_and_told_so(make_world: MakeWorld) -> None:
    async with make_world(channels=("slack", "email")) as place, place.serving():
        ada = ada_of(place)
        async with place.looking() as store:
            both = (Address("slack", ada.address), Address("email", "ada@example.org"))
            facts = {"name": "Ada Byron", "preference.channel": "email"}
            known = NewCustomer(row=2, addresses=both, facts=facts)
            await store.records.import_customers([known], {"slack": "main", "email": "support"})
        ada.write(PASSWORD)
        [mail] = await mail_got(place, "ada@example.org")
        [pointer] = await got(place, ada)
    assert "password" in mail.lower()
    assert "mail" in pointer.text


# --- what they do to messages ----------------------------------------------------------------------------------------


async def test_an_edit_after_the_answer_is_kept_and_not_answered(place: World) -> None:
    ada = ada_of(place)
    ts = ada.write("How do I cancle?")
    await got(place, ada)
    ada.edit(ts, "How do I cancel?")
    async with place.looking() as store:

        async def revised() -> bool:
            return (await timeline(store, ada))[0].revisions == 1

        await until(revised)
        question, *answers = await timeline(store, ada)
    assert question.text == "How do I cancel?"
    assert len(answers) == 1


async def test_a_file_is_kept_to_be_downloaded(place: World) -> None:
    ada = ada_of(place)
    ada.write(PASSWORD, files=[SentFile("page.html", "text/html", b"<script>alert(1)</script>")])
    await got(place, ada)
    async with aiohttp.ClientSession(place.settings.server.public_url) as session:

        async def fetched() -> bool:
            async with session.get(place.download_path(1)) as answer:
                if answer.status != 200:
                    return False
                assert answer.headers["Content-Disposition"].startswith("attachment")
                return await answer.read() == b"<script>alert(1)</script>"

        await until(fetched)


async def test_the_same_event_four_times_is_answered_once(place: World) -> None:
    """Bad input 21."""
    ada = ada_of(place)
    ada.write(PASSWORD)
    for _ in range(3):
        place.slack.main.redeliver()
    await got(place, ada)

    async def acknowledged() -> bool:
        return place.slack.main.acknowledged >= 4

    await until(acknowledged)
    async with place.looking() as store:
        assert len(await timeline(store, ada)) == 2


# --- the bad day -----------------------------------------------------------------------------------------------------


async def test_what_comes_while_the_database_is_away_is_answered_when_it_is_back(
    switch: Switch,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Bad input 22."""
    dsn = await switch.on()
    async with (
        world(
            tmp_path, knowledge=KNOWLEDGE, database_url=dsn, channels=("slack",), slack_mode="events", sections=QUICK
        ) as place,
        place.serving(),
    ):
        ada = ada_of(place)
        ada.write("hello")
        await got(place, ada)
        await switch.off()
        place.slack.main.app.retries = (0.1,) * 100
        acknowledged = place.slack.main.acknowledged
        ada.write(PASSWORD)

        async def turned_away() -> bool:
            return 503 in place.slack.main.posted

        await until(turned_away)
        await switch.on()
        assert "password" in (await got(place, ada, 2))[1].text.lower()
        assert place.slack.main.acknowledged > acknowledged


@pytest.mark.parametrize("fault", [Throttle(1), ServerError(503)], ids=str)
async def test_a_reply_that_was_turned_down_comes_later_and_once(place: World, fault: Throttle | ServerError) -> None:
    ada = ada_of(place)
    place.faults.add(fault, method="chat.postMessage")
    ada.write(PASSWORD)
    await got(place, ada)
    async with place.looking() as store:

        async def sent() -> bool:
            return await last_state(store, ada) is DeliveryState.SENT

        await until(sent)
    assert len(place.ledger.entries("slack", "chat.postMessage")) == 1


async def test_a_reply_that_may_have_arrived_is_found_and_never_repeated(make_world: MakeWorld) -> None:
    async with make_world(channels=("slack",), slack_mode="events") as place:
        ada = ada_of(place)
        place.faults.add(Cut(accepted=True), method="chat.postMessage")
        async with place.serving(), place.looking() as store:
            ada.write(PASSWORD)

            async def unknown() -> bool:
                return await last_state(store, ada) is DeliveryState.UNKNOWN

            await until(unknown)
        async with place.serving(), place.looking() as store:  # what is unknown is asked for at every start

            async def found() -> bool:
                return await last_state(store, ada) is DeliveryState.SENT

            await until(found)
    assert len(place.ledger.entries("slack", "chat.postMessage")) == 1


async def test_whoever_is_gone_is_handed_to_people(place: World) -> None:
    ada = ada_of(place)
    place.faults.add(Blocked(), method="chat.postMessage", count=None)
    ada.write(PASSWORD)
    async with place.looking() as store:

        async def refused() -> bool:
            return await last_state(store, ada) is DeliveryState.REFUSED

        await until(refused)


async def test_what_happens_between_two_connections_is_answered(make_world: MakeWorld) -> None:
    async with make_world(channels=("slack",)) as place, place.serving():
        ada = ada_of(place)
        ada.write("hello")
        await got(place, ada)
        for _ in range(3):
            place.slack.main.app.sockets.cut()
            ada.write(PASSWORD)
        replies = await got(place, ada, 2)
        assert "password" in replies[1].text.lower()
        async with place.looking() as store:

            async def all_there() -> bool:
                return [m.direction for m in await timeline(store, ada)].count(Direction.IN) == 4

            await until(all_there)

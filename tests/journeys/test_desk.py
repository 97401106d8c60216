"""People take over: from the hand-off to what worked, with a desk that fails and a server that stops."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from omnibot.contract import Look, TryLater
from omnibot.contract import Refused as CannotReach
from omnibot.model import ActKind, Attachment, CaseState, DeliveryState, EntryKind, Result, StretchState
from omnibot.settings import Bot, Database, Delivery, Server, Settings
from omnibot.store import Store
from tests.conftest import SECRET
from tests.crew import ANA, BEN, SECONDS, Thread, World, accounts_of, running, until, with_rooms

ROOT = Path(__file__).parents[2]
MAIL = "sarah@example.org"
CHAT, POST = "chat:sarah", "post:sarah"
PLEASE = "I want to talk to a human, please"
SAID = (EntryKind.HEARD, EntryKind.SAID)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    accounts = accounts_of(world)
    monkeypatch.setattr("omnibot.app.server.load_channels", lambda _: accounts)
    return world


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> Settings:
    settings = Settings(
        secret=SecretStr(SECRET.decode()),
        data_folder=tmp_path,
        database=Database(url=SecretStr(dsn)),
        server=Server(port=0),
        delivery=Delivery(poll_seconds=0.05),
        bot=Bot(knowledge=ROOT / "config" / "knowledge", voice=ROOT / "config" / "voice", playbooks=None),
    )
    hours = {"opens": "00:00", "closes": "23:59:59", "days": _EVERY_DAY}
    rooms = {"crew": "general", "crew.spare": "backup"}
    return with_rooms(
        settings, support={"rooms": rooms, "hours": hours}, senior={"rooms": {"crew": "seniors"}, "hours": hours}
    )


_EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


async def handed_off(world: World) -> Thread:
    """Sarah asks for a person, and a thread opens."""
    await world.says(CHAT, PLEASE, mail=MAIL)
    thread = (await until(lambda: world.of("general")))[0]
    await until(lambda: world.to("chat"))
    async with asyncio.timeout(SECONDS):  # it is known to be there a moment after it is
        while await world.at_desk(lambda office: office.card(thread.place)) is None:
            await asyncio.sleep(0.02)
    return thread


async def test_from_the_hand_off_to_what_worked(world: World, settings: Settings, dsn: str) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        assert (thread.card.name, thread.card.contacts[0][0]) == ("Sarah Miller", CHAT)
        assert "asked for a person" in thread.card.stretch.why
        assert PLEASE in [line.text for line in thread.card.said]

        # what she writes later comes into the thread, and the bot is silent about it
        said = len(world.sent)
        await world.says(CHAT, "The export fails with E17", mail=MAIL)
        await until(lambda: thread.lines(EntryKind.HEARD) == ["The export fails with E17"])
        await world.says(POST, "I wrote by mail, too", mail=MAIL)
        await until(lambda: thread.lines(EntryKind.HEARD)[1:] == ["I wrote by mail, too"])
        channels = [entry.channel for entry in thread.entries if entry.kind is EntryKind.HEARD]
        assert channels == ["chat", "post"]
        assert len(world.sent) == said

        # two agents
        assert await world.act(thread.place, ActKind.TAKE)
        await until(lambda: thread.lines(EntryKind.NOTICE) == ["Ana Silva has it now."])
        await world.act(thread.place, ActKind.TAKE, BEN)
        await until(lambda: [entry.to for entry in thread.entries if entry.to] == [BEN.id])
        assert "Ana Silva has it" in thread.entries[-1].text
        await until(lambda: thread.card.stretch.owner == ANA)

        # a note stays, a reply leaves: to where she wrote last, signed
        await world.act(thread.place, ActKind.NOTE, text="do not tell her about the outage")
        await world.act(thread.place, ActKind.REPLY, text="Please use the new key.", entry="17.2")
        [reply] = await until(lambda: [m for m in world.sent if "new key" in m.text])
        assert reply.to.channel == "post"
        assert reply.text == "Please use the new key.\n\nAna, Example Ltd"
        await until(lambda: ("17.2", DeliveryState.SENT, "") in thread.marks)
        await world.reports(reply, DeliveryState.READ)
        await until(lambda: ("17.2", DeliveryState.READ, "") in thread.marks)
        assert "outage" not in "".join(m.text for m in world.sent)
        assert "Please use the new key." not in "".join(thread.lines())  # it stands there already

        # what worked is remembered
        await world.act(thread.place, ActKind.RESOLVE, text="a new export key", value="fixed")
        await until(lambda: thread.card.stretch.state is StretchState.RESOLVED)
        assert "What worked: a new export key" in thread.lines()[-1]
        await world.act(thread.place, ActKind.REPLY, text="One more thing", entry="17.3")
        await until(lambda: thread.entries[-1].about == "17.3")
        assert "Reopen it first" in thread.entries[-1].text
    async with Store.open(dsn, SECRET) as store:
        sides = await store.profiles.sides(await addresses(store))
        assert {side.state for side in sides} == {CaseState.RESOLVED}
        [attempt] = [one for side in sides for one in side.attempts if one.by == "Ana Silva"]
        assert (attempt.what, attempt.result) == ("a new export key", Result.WORKED)
        acts = [act.kind for act in await store.desk.acts(thread.card.stretch.id)]
    assert acts == [ActKind.TAKE, ActKind.TAKE, ActKind.NOTE, ActKind.REPLY, ActKind.RESOLVE, ActKind.REPLY]


async def addresses(store: Store) -> list:
    from omnibot.model import Address

    customer = await store.records.customer_of(Address.parse(CHAT))
    assert customer is not None
    return list(await store.records.addresses_of(customer))


async def test_what_is_reopened_is_peoples_again_and_what_is_handed_back_the_bots(
    world: World, settings: Settings
) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        await world.act(thread.place, ActKind.RESOLVE)
        await until(lambda: thread.card.stretch.state is StretchState.RESOLVED)
        await world.act(thread.place, ActKind.REOPEN, BEN)
        await until(lambda: thread.card.stretch.owner == BEN)
        said = len(world.sent)
        await world.says(CHAT, "thanks", mail=MAIL)
        await until(lambda: "thanks" in thread.lines(EntryKind.HEARD))
        await world.act(thread.place, ActKind.HAND_BACK, BEN)
        await until(lambda: thread.card.stretch.state is StretchState.RETURNED)
        assert len(world.sent) == said
        await world.says(CHAT, "What are your opening hours?", mail=MAIL)
        await until(lambda: len(world.sent) > said)


async def test_the_same_act_again_is_the_same_act(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        for _ in range(3):
            assert await world.act(thread.place, ActKind.REPLY, text="Here I am.", id="event-1", entry="17.2")
        await until(lambda: [m for m in world.sent if "Here I am." in m.text])
        await world.act(thread.place, ActKind.PRIORITY, value="urgent")
        await until(lambda: thread.card.stretch.priority == "urgent")
        assert len([m for m in world.sent if "Here I am." in m.text]) == 1


async def test_a_thread_that_nobody_knows_is_none_of_ours(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        other = type(thread.place)(thread.place.desk, thread.place.room, "another")
        assert not await world.act(other, ActKind.TAKE)


async def test_a_room_that_takes_nothing_more_is_left_for_the_next_and_nothing_is_lost(
    world: World, settings: Settings
) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        await world.says(CHAT, "first", mail=MAIL)
        await until(lambda: thread.lines(EntryKind.HEARD) == ["first"])
        world.refusing.add("general")
        await world.says(CHAT, "second", mail=MAIL)
        await world.says(CHAT, "third", mail=MAIL)
        [moved] = await until(lambda: world.of("backup"))
        assert moved.place.desk == "crew.spare"
        await until(lambda: moved.lines(EntryKind.HEARD) == ["second", "third"])
        await world.act(moved.place, ActKind.TAKE)
        await until(lambda: moved.card.stretch.owner == ANA)


async def test_where_the_first_room_refuses_at_once_the_next_opens(world: World, settings: Settings) -> None:
    world.refusing.add("general")
    async with running(settings, world):
        await world.says(CHAT, PLEASE, mail=MAIL)
        await until(lambda: world.of("backup"))
        assert not world.of("general")


async def test_a_desk_that_is_slow_is_waited_for_in_order(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        world.failing += [TryLater("ratelimited", 0.2), TryLater("ratelimited", 0.2)]
        for text in ("one", "two", "three"):
            await world.says(CHAT, text, mail=MAIL)
        await until(lambda: thread.lines(EntryKind.HEARD) == ["one", "two", "three"])


async def test_a_lost_answer_opens_no_second_thread_and_a_line_is_told_as_doubtful(
    world: World, settings: Settings
) -> None:
    world.losing = 1
    async with running(settings, world):
        thread = await handed_off(world)
        assert len(world.of("general")) == 1
        await world.says(CHAT, "is anybody there?", mail=MAIL)
        await until(lambda: "is anybody there?" in thread.lines(EntryKind.HEARD))
        world.losing = 1
        await world.says(CHAT, "hello??", mail=MAIL)
        await until(lambda: thread.lines(EntryKind.NOTICE))
        assert thread.lines(EntryKind.NOTICE) == ["This may stand above already. Sarah Miller wrote by chat: hello??"]
        assert thread.lines(EntryKind.HEARD).count("hello??") == 1


async def test_a_server_that_stops_in_between_goes_on_where_it_was(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        await world.says(CHAT, "before", mail=MAIL)
    async with running(settings, world):
        await world.says(CHAT, "after", mail=MAIL)
        await until(lambda: thread.lines(EntryKind.HEARD) == ["before", "after"])
        await world.act(thread.place, ActKind.REPLY, text="We are here.", entry="17.2")
        await until(lambda: [m for m in world.sent if "We are here" in m.text])
    assert len(world.threads) == 1


async def test_another_team_has_a_thread_of_its_own(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        await world.act(thread.place, ActKind.TEAM, value="senior")
        [moved] = await until(lambda: world.of("seniors"))
        assert "has given it to our senior support team" in thread.lines(EntryKind.NOTICE)[-1]
        await world.says(CHAT, "still there?", mail=MAIL)
        await until(lambda: moved.lines(EntryKind.HEARD) == ["still there?"])
        assert "still there?" not in thread.lines()


async def test_what_does_not_arrive_is_told_and_can_be_sent_again(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        world.unsendable.append(CannotReach("blocked"))
        await world.act(thread.place, ActKind.REPLY, text="Here I am.", entry="17.2")
        await until(lambda: [mark for mark in thread.marks if mark[:2] == ("17.2", DeliveryState.REFUSED)])
        await world.act(thread.place, ActKind.RETRY, entry="17.2")
        await until(lambda: [m for m in world.sent if "Here I am." in m.text])
        await until(lambda: ("17.2", DeliveryState.SENT, "") in thread.marks)


async def test_files_go_along_and_what_may_not_is_told(world: World, settings: Settings, tmp_path: Path) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        world.files["f1"] = b"%PDF-1.7 ..."
        plan = Attachment(name="plan.pdf", media_type="application/pdf", ref="f1")
        await world.act(thread.place, ActKind.REPLY, text="Here it is.", entry="17.2", files=[plan])
        [sent] = await until(lambda: [m for m in world.sent if "Here it is." in m.text])
        [file] = [part for part in sent.parts if hasattr(part, "ref")]
        assert (file.name, file.size, file.ref[:5]) == ("plan.pdf", 12, "kept:")
        assert (tmp_path / "files" / file.ref.removeprefix("kept:")).read_bytes() == world.files["f1"]
        tool = Attachment(name="tool.exe", media_type="application/x-msdownload", content=b"MZ")
        await world.act(thread.place, ActKind.REPLY, text="And this.", entry="17.3", files=[tool])
        await until(lambda: thread.entries[-1].about == "17.3")
        assert "tool.exe is of a type" in thread.entries[-1].text
        gone = Attachment(name="gone.pdf", media_type="application/pdf", ref="f2")
        await world.act(thread.place, ActKind.REPLY, text="And that.", entry="17.4", files=[gone])
        await until(lambda: thread.entries[-1].about == "17.4")
        assert "gone.pdf could not be fetched" in thread.entries[-1].text


async def test_who_has_written_stop_gets_no_reply_and_the_agent_is_told(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)
        await world.says(CHAT, "STOP", mail=MAIL)
        await until(lambda: "STOP" in thread.lines(EntryKind.HEARD))
        said = len(await until(lambda: world.sent))
        await world.act(thread.place, ActKind.REPLY, text="Please stay", entry="17.2")
        await until(lambda: thread.entries[-1].about == "17.2")
        assert thread.entries[-1].text == "Not sent: they have written STOP."
        assert len([m for m in world.sent[said:] if "stay" in m.text]) == 0


async def test_agents_look_at_the_queue_and_the_timeline(world: World, settings: Settings) -> None:
    async with running(settings, world):
        thread = await handed_off(world)

        async def cards(look: Look, **more: str) -> list:
            return [place for place, _ in await world.at_desk(lambda office: office.cards(look, ANA, **more))]

        assert await cards(Look.ALL) == [thread.place]
        assert await cards(Look.MINE) == []
        assert await cards(Look.TEAM, team="support") == [thread.place]
        assert await cards(Look.TEAM, team="senior") == []
        assert await cards(Look.OVERDUE) == []
        assert await cards(Look.ALL, text="miller") == [thread.place]
        await world.act(thread.place, ActKind.TAKE)
        await until(lambda: thread.card.stretch.owner == ANA)
        assert await cards(Look.MINE) == [thread.place]
        assert await cards(Look.TEAM) == []
        page = await world.at_desk(lambda office: office.timeline(thread.place))
        assert (page.lines[0].text, page.lines[0].channel, page.earlier) == (PLEASE, "chat", False)
        assert (await world.at_desk(lambda office: office.card(thread.place))).name == "Sarah Miller"
        assert set(await world.at_desk(lambda office: office.teams())) == {"support", "senior"}
        nowhere = type(thread.place)(thread.place.desk, "x", "y")
        assert await world.at_desk(lambda office: office.card(nowhere)) is None
        assert (await world.at_desk(lambda office: office.timeline(nowhere))).lines == ()


async def test_without_a_room_the_bot_answers_on(world: World, settings: Settings) -> None:
    settings = settings.model_copy(update={"desk": Settings().desk})
    async with running(settings, world):
        await world.says(CHAT, PLEASE, mail=MAIL)
        await until(lambda: world.to("chat"))
        await world.says(CHAT, "What are your opening hours?", mail=MAIL)
        await until(lambda: len(world.to("chat")) > 1)
    assert world.threads == []

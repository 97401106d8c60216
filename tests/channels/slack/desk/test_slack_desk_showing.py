"""How threads are opened, kept, marked and found again, and what comes of Slack's troubles."""

from dataclasses import replace
from datetime import timedelta

import pytest
from slack_office import ROOM, AtWork, at_work, card, heard, stretch

from omnibot.contract import Place, Refused, TryLater, Unsure
from omnibot.model import DeliveryState, EntryKind, File, StretchId
from omnibot.sandbox import Cut, Throttle
from omnibot.sandbox.slack import SlackSandbox
from omnibot_slack.desk.cards import card_blocks
from omnibot_slack.desk.lines import PART, entry_blocks

ANA = "slack:T0SANDBOX1/U0ANA"


def lines(work: AtWork, place: Place | None = None) -> list[dict]:
    return work.room.thread((place or work.place).thread)[1:]


def texts(work: AtWork) -> list[str]:
    return [work.house.workspace.text_of(message) for message in lines(work)]


async def test_a_card_opens_a_thread_and_is_kept_current(work: AtWork):
    assert work.place == Place("slack.main", ROOM, work.ts)
    assert "Nobody has it yet" in work.ana.see_thread(work.ts)
    assert work.room.messages[work.ts]["text"] == "Sarah Miller: asked for a person"
    await work.changed(stretch=stretch(why="asked twice"))
    assert "asked twice" in work.ana.see_thread(work.ts)
    assert len(work.room.messages) == 1


async def test_the_same_account_has_one_desk(work: AtWork):
    assert work.house.channel.desk() is work.desk


async def test_lines_go_into_the_thread(work: AtWork):
    id = await work.desk.show(work.place, heard("<!channel> <@U1> *help*"))
    [line] = lines(work)
    assert id == f"{ROOM}:{line['ts']}"
    assert line["text"] == "Sarah Miller (telegram): &lt;!channel&gt; &lt;@U1&gt; *help*"
    assert "<!channel> <@U1> *help*" in texts(work)[0]
    assert all(block["type"] == "rich_text" for block in line["blocks"])


async def test_a_reminder_is_heard_in_the_room(work: AtWork):
    await work.desk.show(work.place, heard("Answer it by noon", kind=EntryKind.REMINDER))
    assert lines(work)[0]["subtype"] == "thread_broadcast"
    await work.desk.show(work.place, heard("Ana has it", kind=EntryKind.NOTICE))
    assert "subtype" not in lines(work)[1]


async def test_a_long_text_is_shown_whole(work: AtWork):
    long = "".join(f"{number} " for number in range(6000))
    id = await work.desk.show(work.place, heard(long))
    first, *rest = lines(work)
    assert id == f"{ROOM}:{first['ts']}"
    assert len(rest) == len(long) // PART
    assert "".join(texts(work)).endswith(long[-100:])


async def test_what_was_shown_of_a_long_text_is_not_shown_twice(work: AtWork):
    long = "x" * (PART + 10)
    work.slack.faults.add(Throttle(1), method="chat.postMessage")
    with pytest.raises(TryLater):
        await work.desk.show(work.place, heard(long))
    await work.desk.show(work.place, heard("first", id=6))
    await work.desk.show(work.place, heard(long))
    again = await work.desk.show(work.place, heard(long))
    assert len(lines(work)) == 3
    assert again == f"{ROOM}:{lines(work)[1]['ts']}"


async def test_files_are_shown_below_the_line_that_names_them(work: AtWork):
    work.house.files.contents["kept"] = b"%PDF"
    file = File("a.pdf", "application/pdf", 4, "kept")
    large = File("film.mov", "video/quicktime", 10**12, "kept")
    await work.desk.show(work.place, heard("Look", files=(file, large)))
    said, shown = lines(work)
    assert "📎 a.pdf\n📎 film.mov" in work.house.workspace.text_of(said)
    [carried] = shown["files"]
    assert work.house.workspace.files[carried["id"]].content == b"%PDF"


async def test_files_that_cannot_be_shown_are_told_of(work: AtWork):
    work.house.files.contents["kept"] = b"%PDF"
    work.slack.faults.add(Throttle(1), method="files.completeUploadExternal")
    await work.desk.show(work.place, heard("Look", files=(File("a.pdf", "application/pdf", 4, "kept"),)))
    assert "The files cannot be shown here" in texts(work)[1]


async def test_a_notice_is_for_one_person(work: AtWork):
    assert await work.desk.show(work.place, heard("You are too late", kind=EntryKind.NOTICE, to=ANA)) == ""
    assert work.ana.notices == ["You are too late"]
    assert lines(work) == []
    away = heard("Hello?", kind=EntryKind.NOTICE, to="slack:T0SANDBOX1/U0NOBODY")
    assert await work.desk.show(work.place, away) == ""
    with pytest.raises(Refused):
        await work.desk.show(work.place, replace(away, to="email:ana@example.org"))
    work.slack.faults.add(Throttle(3), method="chat.postEphemeral")
    with pytest.raises(TryLater):
        await work.desk.show(work.place, heard("x", kind=EntryKind.NOTICE, to=ANA))


# --- how far it has come -----------------------------------------------------------------------------------------


def reactions(work: AtWork, ts: str) -> list[str]:
    return [one["name"] for one in work.room.messages[ts].get("reactions", ())]


async def test_a_mark_tells_how_far_it_has_come(work: AtWork):
    ts = work.write(work.ana, "> Hello")
    for state, name in (
        (DeliveryState.QUEUED, "hourglass_flowing_sand"),
        (DeliveryState.HELD, "hourglass_flowing_sand"),
        (DeliveryState.SENT, "arrow_upper_right"),
        (DeliveryState.DELIVERED, "white_check_mark"),
        (DeliveryState.READ, "eyes"),
    ):
        await work.desk.mark(work.place, f"{ROOM}:{ts}", state)
        assert reactions(work, ts) == [name]
    assert len(lines(work)) == 1


async def test_a_mark_of_an_earlier_process_is_taken_away(work: AtWork):
    ts = work.write(work.ana, "> Hello")
    work.house.workspace.react(work.room, ts, "x", work.house.workspace.bot_user)
    work.ana.react(ts, "eyes")  # theirs stays
    await work.desk.mark(work.place, f"{ROOM}:{ts}", DeliveryState.SENT)
    assert reactions(work, ts) == ["eyes", "arrow_upper_right"]


async def test_what_nobody_can_mark_is_told_alone(work: AtWork):
    await work.desk.mark(work.place, "", DeliveryState.DELIVERED)
    await work.desk.mark(work.place, "", DeliveryState.DEAD, "no <route>")
    assert texts(work) == ["❌ This did not arrive: no <route>"]
    assert lines(work)[0]["text"] == "Not delivered: no &lt;route&gt;"
    await work.desk.mark(work.place, "", DeliveryState.UNKNOWN)
    assert texts(work)[1] == "❌ Nobody can say whether this has arrived."
    gone = f"{ROOM}:1700000000.000001"
    with pytest.raises(Refused):
        await work.desk.mark(work.place, gone, DeliveryState.SENT)


async def test_marks_are_worth_no_thread(work: AtWork):
    ts = work.write(work.ana, "> Hello")
    work.house.workspace.scopes.discard("reactions:write")
    await work.desk.mark(work.place, f"{ROOM}:{ts}", DeliveryState.SENT)
    assert reactions(work, ts) == []
    work.house.workspace.scopes.add("reactions:write")
    work.slack.faults.add(Throttle(5), method="reactions.add")
    with pytest.raises(TryLater) as later:
        await work.desk.mark(work.place, f"{ROOM}:{ts}", DeliveryState.DELIVERED)
    assert later.value.after == 5


# --- looking for it ----------------------------------------------------------------------------------------------


async def test_a_thread_whose_answer_was_lost_is_found(work: AtWork):
    other = card(stretch=stretch(id=StretchId(2)))
    work.slack.faults.add(Cut(accepted=True), method="chat.postMessage")
    with pytest.raises(Unsure):
        await work.desk.open(ROOM, other)
    found = await work.desk.find(ROOM, other)
    assert found is not None
    assert found.thread in work.room.messages
    assert found != work.place
    assert await work.desk.find(ROOM, card()) == work.place
    assert await work.desk.find(ROOM, card(stretch=stretch(id=StretchId(3)))) is None
    later = stretch(opened_at=work.house.clock() + timedelta(hours=1))
    assert await work.desk.find(ROOM, card(stretch=later)) is None


async def test_another_servers_thread_is_not_found(sandbox: SlackSandbox):
    async with at_work(sandbox) as ours, at_work(sandbox, key=b"another server") as theirs:
        assert await ours.desk.find(ROOM, card()) == ours.place
        assert await theirs.desk.find(ROOM, card()) == theirs.place


async def test_where_too_much_was_written_nobody_can_tell(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.showing.PAGE", 1)
    for number in range(6):
        work.ana.write(str(number), work.room)
    with pytest.raises(Refused):
        await work.desk.find(ROOM, card(stretch=stretch(id=StretchId(9))))


async def test_a_room_that_cannot_be_read_is_refused(work: AtWork):
    work.ana.remove_bot(work.room)
    with pytest.raises(Refused):
        await work.desk.find(ROOM, card())
    work.slack.faults.add(Throttle(2), method="conversations.replies")
    with pytest.raises((TryLater, Refused)):
        await work.desk.show(work.place, heard("x" * (PART + 1)))


# --- trouble -----------------------------------------------------------------------------------------------------


async def everything(work: AtWork) -> list[str]:
    """What comes of each way of showing something."""
    told = []
    for doing in (
        lambda: work.desk.open(ROOM, card(stretch=stretch(id=StretchId(5)))),
        lambda: work.desk.refresh(work.place, card()),
        lambda: work.desk.show(work.place, heard("x")),
    ):
        try:
            await doing()
            told.append("shown")
        except (Refused, TryLater, Unsure) as error:
            closed = " (closed)" if isinstance(error, Refused) and error.unreachable else ""
            told.append(f"{type(error).__name__}: {error.reason}{closed}")
    return told


async def test_an_archived_room_refuses(work: AtWork):
    work.ana.archive(work.room)
    opened, refreshed, shown = await everything(work)
    assert opened == shown == "Refused: is_archived (closed)"
    assert refreshed.startswith("Refused")


async def test_a_room_without_the_bot_refuses(work: AtWork):
    work.ana.remove_bot(work.room)
    opened, _, shown = await everything(work)
    assert opened == shown == "Refused: not_in_channel (closed)"


async def test_a_deleted_thread_refuses(work: AtWork):
    work.ana.delete_thread(work.ts)
    opened, refreshed, shown = await everything(work)
    assert (opened, refreshed) == ("shown", "Refused: message_not_found")
    assert shown in ("Refused: thread_not_found (closed)", "Refused: cannot_reply_to_message (closed)")


async def test_a_room_that_there_is_not_refuses(work: AtWork):
    with pytest.raises(Refused):
        await work.desk.open("C0NOWHERE", card())


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_rate_limit_says_when(work: AtWork, method):
    work.slack.faults.add(Throttle(17), method=method)
    with pytest.raises(TryLater) as later:
        await (work.desk.refresh(work.place, card()) if "update" in method else work.desk.show(work.place, heard("x")))
    assert later.value.after == 17


async def test_an_update_whose_answer_was_lost_can_be_done_again(work: AtWork):
    work.slack.faults.add(Cut(accepted=True), method="chat.update")
    with pytest.raises(TryLater):
        await work.desk.refresh(work.place, card())


def unliked(blocks):
    """The same blocks, with one that Slack does not know."""
    return [*blocks, {"type": "unheard_of"}]


async def test_what_slack_finds_wrong_with_blocks_costs_no_word(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.showing.entry_blocks", lambda *a, **b: unliked(entry_blocks(*a, **b)))
    said = "Help! <!channel> &amp; " + "why? " * 1500 + "END"
    await work.desk.show(work.place, heard(said))
    assert texts(work) == [f"Sarah Miller (telegram) · 2026-11-23 12:00 UTC\n{said}"]


async def test_a_card_that_slack_finds_wrong_is_shown_in_words(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.showing.card_blocks", lambda card: unliked(card_blocks(card)))
    await work.desk.refresh(work.place, card(name="Łucja &lt; " * 100, suggestion="ą" * 5000))
    shown = work.house.workspace.text_of(work.room.messages[work.ts])
    assert shown.startswith("Łucja &lt; Łucja")
    assert "Nobody has it yet" in shown
    place = await work.desk.open(ROOM, card(stretch=stretch(id=StretchId(9))))
    opened = work.house.workspace.text_of(work.room.messages[place.thread])
    for words in ("Sarah Miller", "email:sarah@example.org (proven)", "asked for a person", "It fails again!"):
        assert words in opened

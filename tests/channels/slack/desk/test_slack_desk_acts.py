"""What agents do in a thread, and what the core gets of it. The numbers are those of docs/bad-inputs.md."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_office import ROOM, AtWork, at_work, heard

from omnibot.contract import Place
from omnibot.model import ActKind, DeliveryState, StretchState
from omnibot.sandbox import Duplicate, Hang
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.slack import SlackSandbox
from omnibot_slack import profiles, staff
from omnibot_slack.desk import counter
from omnibot_slack.desk.tokens import place_of, token
from omnibot_slack.parse import dereference

ANA = "slack:T0SANDBOX1/U0ANA"


# --- what is written in the thread --------------------------------------------------------------------------


async def test_what_an_agent_writes_is_a_note(either: AtWork):
    ts = either.write(either.ana, "They threaten to leave, be careful")
    act = await either.acted()
    assert (act.kind, act.text, act.by.id, act.by.name) == (
        ActKind.NOTE,
        "They threaten to leave, be careful",
        ANA,
        "Ana Silva",
    )
    assert act.entry == f"{ROOM}:{ts}"
    assert either.office.acts[0][0] == either.place
    assert either.house.inbox.offers == []


async def test_what_begins_with_the_prefix_goes_to_the_customer(either: AtWork):
    ts = either.write(
        either.grace, "> We have refunded *12 €* & more", files=[SentFile("a.pdf", "application/pdf", b"%")]
    )
    act = await either.acted()
    assert (act.kind, act.text) == (ActKind.REPLY, "We have refunded *12 €* & more")
    assert act.entry == f"{ROOM}:{ts}"
    assert [(file.name, file.media_type) for file in act.files] == [("a.pdf", "application/pdf")]


@pytest.mark.parametrize(
    ("prefix", "typed", "sent"),
    [
        (">", "> one\n> two", "one\ntwo"),
        (">", ">one\n\n>two", "one\n\ntwo"),
        ("!c", "!c one\ntwo", "one\ntwo"),
        ("", "> one", None),
    ],
)
async def test_the_prefix_is_the_teams(sandbox: SlackSandbox, prefix, typed, sent):
    async with at_work(sandbox, desk_prefix=prefix) as work:
        work.write(work.ana, typed)
        act = await work.acted()
        assert (act.kind, act.text) == ((ActKind.REPLY, sent) if sent else (ActKind.NOTE, typed))


async def test_a_note_that_quotes_the_customer_is_not_sent(work: AtWork):
    work.write(work.ana, "> It fails again!\nI think they are lying")
    assert (await work.acted()).kind is ActKind.NOTE
    await work.told(work.ana, "has stayed here as a note")


async def test_a_quotation_of_which_slack_marks_the_first_line_is_one(work: AtWork):
    body = work.house.event(
        channel=ROOM,
        channel_type="channel",
        user="U0ANA",
        thread_ts=work.ts,
        parent_user_id=work.house.workspace.bot_user,
        text="&gt; one\ntwo",
        blocks=[{"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": []}]}],
    )
    assert await work.house.post(body) == 200
    assert work.office.did() == [(ActKind.REPLY, "one\ntwo", "")]


async def test_a_text_that_mentions_the_bot_comes_twice_and_is_one_act(work: AtWork):
    work.ana.mention("look", work.room, work.ts)
    await work.acted()
    await work.taken(2)
    assert len(work.office.offers) == 2
    assert work.office.did() == [(ActKind.NOTE, "look", "")]


async def test_what_comes_again_is_one_act(work: AtWork):  # row 21
    work.slack.faults.add(Duplicate(3), address=work.ana.address)
    work.write(work.ana, "> Hello")
    await work.taken(4)
    assert work.office.did() == [(ActKind.REPLY, "Hello", "")]


async def test_what_is_not_committed_is_not_acknowledged(work: AtWork):  # row 22
    work.office.refusing = True
    work.house.workspace.app.retries = (0.05,) * 50
    work.write(work.ana, "> Hello")
    await work.until(lambda: 503 in work.house.workspace.posted)
    work.office.refusing = False
    assert (await work.acted()).text == "Hello"


async def test_other_threads_are_none_of_the_desks(work: AtWork):
    root = work.ana.write("Lunch?", work.room)
    work.ana.write("> Pizza", work.room, root)
    await work.taken(2)
    assert work.office.offers == []
    assert work.house.inbox.offers == []


async def test_nobody_is_a_customer_where_a_team_works(work: AtWork):
    stranger = work.house.workspace.user("U0BOB", "Bob")
    stranger.mention("how do I export?", work.room)
    stranger.mention("and this?", work.room, work.ts)
    await work.taken(4)
    assert work.house.inbox.offers == []
    assert work.office.acts == []


# --- edits and deletions: row 29 ------------------------------------------------------------------------------


async def test_a_change_of_what_was_sent_is_handed_in_as_that(work: AtWork):
    ts = work.write(work.ana, "> It costs 10 €")
    await work.acted()
    work.ana.edit(ts, "> It costs 12 €")
    act = await work.acted(2)
    assert (act.kind, act.text, act.entry) == (ActKind.EDITED, "> It costs 12 €", f"{ROOM}:{ts}")
    work.ana.delete(ts)
    act = await work.acted(3)
    assert (act.kind, act.text, act.entry) == (ActKind.DELETED, "> It costs 12 €", f"{ROOM}:{ts}")


async def test_a_change_of_what_went_by_the_shortcut_is_known_by_its_mark(work: AtWork):
    ts = work.write(work.ana, "It costs 10 €")
    await work.acted()
    await work.desk.mark(work.place, f"{ROOM}:{ts}", DeliveryState.SENT)
    work.ana.edit(ts, "It costs 12 €")
    assert (await work.acted(2)).kind is ActKind.EDITED
    work.ana.delete(ts)
    assert (await work.acted(3)).kind is ActKind.DELETED


async def test_a_note_that_is_changed_stays_one(work: AtWork):
    ts = work.write(work.ana, "It costs 10 €")
    await work.acted()
    work.ana.edit(ts, "> It costs 10 €")
    act = await work.acted(2)
    assert act.kind is ActKind.NOTE
    await work.told(work.ana, "A change sends nothing")
    work.ana.delete(work.write(work.ana, "by mistake"))
    await work.taken(5)
    assert [kind for kind, _, _ in work.office.did()] == [ActKind.NOTE] * 3


async def test_the_preview_of_a_link_is_no_change(work: AtWork):
    """Slack tells of it as of a change, by nobody, with the same text."""
    for text in ("> See https://example.com/e17", "See https://example.com/e17"):
        ts = work.write(work.ana, text)
        preview = {"attachments": [{"title": "E17", "text": "> what it says", "from_url": "https://example.com/e17"}]}
        work.house.workspace.change(work.room, ts, preview)
    await work.taken(4)
    assert sorted(kind for kind, _, _ in work.office.did()) == [ActKind.NOTE, ActKind.REPLY]


async def test_what_is_sent_to_the_channel_as_well_is_one_act(either: AtWork):
    either.write(either.ana, "> Hello", broadcast=True)
    assert (await either.acted()).text == "Hello"
    await either.taken(1)
    assert len(either.office.acts) == 1


# --- who may act: rows 24, 25 -----------------------------------------------------------------------------------


GUEST = {"guest": True}
EXTERNAL = {"team": "T0OTHER"}


@pytest.mark.parametrize(
    ("about", "why"),
    [({}, "list of staff"), (GUEST, "guests"), ({"single_channel": True}, "guests"), (EXTERNAL, "other workspaces")],
    ids=["colleague", "guest", "single-channel guest", "another company"],
)
async def test_who_may_not_act_is_told_so_and_written_down(either: AtWork, about, why):
    workspace = either.house.workspace
    eve = workspace.user("U0EVE", "Eve", **about)
    if about in (GUEST, {"single_channel": True}):
        workspace.usergroup("S0AGENTS", "agents", [either.grace, eve])
    eve.join(either.room)
    eve.write("> I am the company", either.room, either.ts)
    act = await either.acted()
    assert act.kind is ActKind.REFUSED
    assert (act.text, act.by.id) == ("> I am the company", f"slack:{eve.address}")
    assert why in act.value
    await either.told(eve, why)
    eve.press("Take", either.ts)
    assert (await either.acted(2)).text == "take"
    note = either.write(either.ana, "a note")
    await either.acted(3)
    eve.shortcut("desk:send", note)
    assert (await either.acted(4)).kind is ActKind.REFUSED
    eve.press("Reply", either.ts)
    await either.acted(5)
    assert eve.modal is None
    eve.write("what do you think?", either.room, either.ts)
    await either.taken(7)
    assert {act.kind for _, act in either.office.acts if act.by.name == "Eve"} == {ActKind.REFUSED}


async def test_somebody_of_another_workspace_who_is_listed_may_act(sandbox: SlackSandbox):
    async with at_work(sandbox, staff=["U0ANA", "T0PARTNER/U0PIA"]) as work:
        pia = work.house.workspace.user("U0PIA", "Pia", team="T0PARTNER")
        pia.join(work.room)
        work.write(pia, "> Hello")
        assert (await work.acted()).by.id == "slack:T0PARTNER/U0PIA"


async def test_a_bare_id_is_of_our_own_workspace(sandbox: SlackSandbox):
    async with at_work(sandbox, staff=["U0ANA", "U0PIA"]) as work:
        pia = work.house.workspace.user("U0PIA", "Pia", team="T0PARTNER")
        pia.join(work.room)
        work.write(pia, "> Hello")
        assert (await work.acted()).kind is ActKind.REFUSED


async def test_a_colleague_of_another_workspace_of_the_organisation_is_one_of_ours(sandbox: SlackSandbox):
    """Enterprise Grid: who is in both workspaces may have either as their own, and an id that begins with W."""
    async with at_work(sandbox, staff=["U0ANA"]) as work:
        workspace = work.house.workspace
        wanda = workspace.user("W0WANDA", "Wanda", team="T0HQ", teams=("T0HQ", workspace.team))
        otto = workspace.user("W0OTTO", "Otto", team="T0HQ", teams=("T0HQ",))
        workspace.usergroup("S0AGENTS", "agents", [wanda, otto])
        for person in (wanda, otto):
            person.join(work.room)
        work.write(wanda, "> Hello")
        act = await work.acted()
        assert (act.kind, act.by.id) == (ActKind.REPLY, f"slack:{workspace.team}/W0WANDA")
        work.write(otto, "> Hello")
        act = await work.acted(2)
        assert (act.kind, act.by.id) == (ActKind.REFUSED, "slack:T0HQ/W0OTTO")


async def test_nobody_acts_while_slack_does_not_tell_who_it_is(work: AtWork):
    work.house.workspace.scopes.discard("users:read")
    work.ana.press("Take", work.ts)
    await work.until(lambda: 503 in work.house.workspace.posted)
    assert work.office.offers == []


# --- buttons ------------------------------------------------------------------------------------------------------


async def test_taking_and_reopening_need_no_form(either: AtWork):
    either.ana.press("Take", either.ts)
    assert (await either.acted()).kind is ActKind.TAKE
    ended = replace(either.office.cards_by_place[either.place].stretch, state=StretchState.RESOLVED)
    await either.changed(stretch=ended)
    either.ana.press("Reopen", either.ts)
    assert (await either.acted(2)).kind is ActKind.REOPEN


async def test_a_press_that_comes_twice_is_one_act(work: AtWork):
    work.slack.faults.add(Duplicate(), address=work.ana.address)
    work.ana.press("Take", work.ts)
    await work.taken(2)
    assert work.office.did() == [(ActKind.TAKE, "", "")]


async def test_what_failed_is_sent_again_by_its_button(work: AtWork):
    ts = work.write(work.ana, "> Hello")
    await work.acted()
    await work.desk.mark(work.place, f"{ROOM}:{ts}", DeliveryState.REFUSED, "blocked")
    assert "This did not arrive: blocked" in work.ana.see_thread(work.ts)
    work.grace.press("Send again")
    act = await work.acted(2)
    assert (act.kind, act.entry) == (ActKind.RETRY, f"{ROOM}:{ts}")


async def test_a_button_of_what_is_over_is_refused(work: AtWork):  # row 30
    del work.office.cards_by_place[work.place]
    work.ana.press("Take", work.ts)
    await work.told(work.ana, "no customer's matter")
    work.ana.press("Reply", work.ts)
    await work.until(lambda: len(work.ana.notices) == 2)
    assert work.ana.modal is None
    assert set(work.house.workspace.posted) == {200}
    assert work.office.acts == []


async def interact(work: AtWork, payload: dict) -> tuple[int, str]:
    return await work.house.answer({"payload": json.dumps(payload)}, form=True)


def press(work: AtWork, **fields) -> dict:
    action = {"type": "button", "action_id": "desk:take", "block_id": "b", "action_ts": "1700000000.000001"}
    return {
        "type": "block_actions",
        "user": {"id": "U0ANA", "team_id": work.house.workspace.team},
        "trigger_id": "1.2.a",
        "container": {"type": "message", "message_ts": work.ts, "channel_id": ROOM},
        "message": {"ts": work.ts, "user": work.house.workspace.bot_user},
        "actions": [{**action, **fields.pop("action", {})}],
        **fields,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"action": {"action_id": "desk:everything"}},
        {"action": {"action_id": "desk:page:earlier", "value": "1"}, "view": {"private_metadata": "C0:1.2:00"}},
        {"action": {"action_id": "desk:page:earlier", "value": "1"}, "view": {}},
        {"message": {"ts": "1.2", "user": "U0OTHERBOT"}},
        {"container": {"type": "message", "message_ts": "9999999999.000001", "channel_id": ROOM}},
        {"action": {"action_id": "desk:mute:0", "value": f"{ROOM}:1.2:" + "0" * 32}},
    ],
)
async def test_a_forged_button_does_nothing(work: AtWork, fields):  # row 30
    status, _ = await interact(work, press(work, **fields))
    assert status == 200
    assert {kind for kind, _, _ in work.office.did()} <= {ActKind.REFUSED, ActKind.MUTE}
    assert ActKind.MUTE not in {kind for kind, _, _ in work.office.did()} or "mute" in str(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"container": "nothing"},
        {"container": {"channel_id": 7}},
        {"user": {}},
        {"action": {"action_ts": "soon"}},
        {"action": {"value": 7}},
    ],
)
async def test_a_press_that_is_malformed_is_taken_and_left(work: AtWork, fields):
    assert (await interact(work, press(work, **fields)))[0] == 200
    assert work.office.offers == []


# --- the shortcut -------------------------------------------------------------------------------------------------


async def test_a_shortcut_sends_what_a_colleague_wrote(either: AtWork):
    ts = either.write(either.grace, "We look into it.")
    await either.acted()
    either.ana.shortcut("desk:send", ts)
    act = await either.acted(2)
    assert (act.kind, act.text, act.entry, act.by.id) == (ActKind.REPLY, "We look into it.", f"{ROOM}:{ts}", ANA)
    either.grace.shortcut("desk:send", ts)
    await either.told(either.grace, "handed over for the customer already")
    assert len(either.office.acts) == 2


async def test_a_shortcut_sends_nothing_twice(work: AtWork):
    ts = work.write(work.ana, "> Hello")
    await work.acted()
    work.ana.shortcut("desk:send", ts)
    await work.told(work.ana, "already")
    note = work.write(work.ana, "And this")
    await work.acted(2)
    await work.desk.mark(work.place, f"{ROOM}:{note}", DeliveryState.DELIVERED)
    work.ana.shortcut("desk:send", note)
    await work.until(lambda: len(work.ana.notices) == 2)
    assert len(work.office.acts) == 2


async def test_a_shortcut_whose_act_was_not_committed_can_be_used_again(work: AtWork):
    ts = work.write(work.ana, "Hello")
    await work.acted()
    work.office.refusing = True
    work.ana.shortcut("desk:send", ts)
    await work.until(lambda: 503 in work.house.workspace.posted)
    work.office.refusing = False
    work.ana.shortcut("desk:send", ts)
    assert (await work.acted(2)).kind is ActKind.REPLY


async def test_a_shortcut_sends_nothing_that_the_bot_or_nobody_wrote(work: AtWork):
    _, line = dereference(await work.desk.show(work.place, heard("Help!")))
    work.ana.shortcut("desk:send", line)
    await work.told(work.ana, "Only what one of you has written")
    other = work.ana.write("Lunch?", work.room)
    work.ana.shortcut("desk:send", other)
    await work.told(work.ana, "no customer's matter")
    work.ana.shortcut("something_else", other)
    await work.taken(3)
    assert work.office.acts == []


# --- forms ----------------------------------------------------------------------------------------------------------


async def opened(work: AtWork, label: str, title: str) -> None:
    work.ana.press(label, work.ts)
    await work.until(lambda: work.ana.see_modal().startswith(title))


async def test_a_reply_begins_with_what_is_suggested(either: AtWork):
    await opened(either, "Reply", "Reply")
    assert "I am looking into it now." in either.ana.see_modal()
    either.ana.submit({"To the customer": "It is done.\n<!channel>"})
    act = await either.acted()
    assert (act.kind, act.text, act.by.id) == (ActKind.REPLY, "It is done.\n<!channel>", ANA)
    await either.until(lambda: either.ana.modal is None)


@pytest.mark.parametrize(
    ("label", "title", "filled", "expected"),
    [
        ("Assign…", "Assign", {"Who shall have it": "Grace Hopper"}, "assign"),
        ("Give to another team…", "Another team", {"Which team": "Billing"}, (ActKind.TEAM, "", "billing")),
        ("Change its priority…", "Priority", {"How urgent it is": "Urgent"}, (ActKind.PRIORITY, "", "urgent")),
        (
            "Ask for consent…",
            "Ask for consent",
            {"What they shall agree to": "May we look?"},
            (ActKind.CONSENT, "May we look?", ""),
        ),
        (
            "Resolve",
            "Resolve",
            {"Why it is over": "solved", "What worked": "a new token"},
            (ActKind.RESOLVE, "a new token", "solved"),
        ),
        ("Hand back to the bot…", "Hand back", {"What it should know": "paid"}, (ActKind.HAND_BACK, "paid", "")),
    ],
)
async def test_each_act_has_its_form(work: AtWork, label, title, filled, expected):
    await opened(work, label, title)
    work.ana.submit(filled)
    await work.acted()
    if expected == "assign":
        expected = (ActKind.ASSIGN, "Grace Hopper", "slack:T0SANDBOX1/U0GRACE")
    assert work.office.did() == [expected]
    await work.until(lambda: work.ana.modal is None)


async def test_snoozing_needs_a_time_to_come(work: AtWork):
    await opened(work, "Snooze", "Snooze")
    past = datetime(2020, 1, 1, tzinfo=UTC)
    work.ana.submit({"Until when": past.isoformat()})
    await work.until(lambda: "still to come" in work.ana.see_modal())
    until = (work.house.clock() + timedelta(days=1)).replace(microsecond=0)
    work.ana.submit({"Until when": until.isoformat()})
    assert (await work.acted()).value == until.isoformat()


async def test_nothing_is_assigned_to_who_may_not_act(work: AtWork):
    work.house.workspace.user("U0EVE", "Eve", guest=True)
    await opened(work, "Assign…", "Assign")
    work.ana.submit({"Who shall have it": "Eve"})
    await work.until(lambda: "guests may not act" in work.ana.see_modal())
    assert work.office.offers == []


async def test_nothing_is_assigned_to_whose_account_is_closed(work: AtWork):
    await opened(work, "Assign…", "Assign")
    work.grace.deactivate()
    work.ana.submit({"Who shall have it": "Grace Hopper"})
    await work.until(lambda: "their account is closed" in work.ana.see_modal())
    assert work.office.offers == []


async def test_blank_words_are_none(work: AtWork):
    await opened(work, "Reply", "Reply")
    work.ana.submit({"To the customer": "   "})
    await work.until(lambda: "Write something" in work.ana.see_modal())
    assert work.office.offers == []


async def test_a_merge_is_confirmed_with_a_reason(work: AtWork):
    await work.changed(reviews=(12, 13))
    await opened(work, "Same person?", "Same person?")
    work.ana.submit({"Which of them": "Review 13", "Why you are sure": "same phone"})
    await work.acted()
    assert work.office.did() == [(ActKind.MERGE, "same phone", "13")]


async def test_a_merge_that_waits_no_more_is_told(work: AtWork):
    await work.changed(reviews=(12,))
    work.office.cards_by_place[work.place] = card_without_reviews(work)
    await opened(work, "Same person?", "Same person?")
    assert "waits for anybody any more" in work.ana.see_modal()


def card_without_reviews(work: AtWork):
    return replace(work.office.cards_by_place[work.place], reviews=())


async def test_a_form_that_was_not_committed_stays_open_and_can_be_sent_again(work: AtWork):
    await opened(work, "Reply", "Reply")
    work.office.refusing = True
    work.ana.submit()
    await work.until(lambda: 503 in work.house.workspace.posted)
    assert work.ana.modal is not None
    work.office.refusing = False
    work.ana.submit()
    await work.acted()
    assert len({act.id for act in work.office.offers}) == 1  # what was committed after all would be known


async def test_a_form_that_comes_twice_is_one_act(work: AtWork):
    await opened(work, "Reply", "Reply")
    work.slack.faults.add(Duplicate(), address=work.ana.address)
    before = work.house.workspace.acknowledged
    work.ana.submit()
    await work.taken(before + 2)
    assert len(work.office.acts) == 1


async def test_a_form_of_what_is_over_says_so(work: AtWork):  # row 30
    await opened(work, "Reply", "Reply")
    del work.office.cards_by_place[work.place]
    work.ana.submit()
    await work.until(lambda: "no customer's matter" in work.ana.see_modal())


async def test_a_form_is_refused_to_who_may_not_act_any_more(sandbox: SlackSandbox):
    async with at_work(sandbox) as work:
        work.grace.press("Reply", work.ts)
        await work.until(lambda: work.grace.modal is not None)
        work.house.workspace.usergroup("S0AGENTS", "agents", [])
        work.house.clock.forward(301)
        work.house.workspace.app.now = lambda: work.house.clock().timestamp()
        work.grace.submit()
        await work.until(lambda: "list of staff" in work.grace.see_modal())
        assert [kind for kind, _, _ in work.office.did()] == [ActKind.REFUSED]


@pytest.mark.parametrize("word", ["", "C0SENIOR:1.2:" + "0" * 32, "nonsense"])
async def test_a_forged_form_is_refused(work: AtWork, word):  # row 30
    view = {"id": "V1", "hash": "1.a", "callback_id": "desk:reply", "private_metadata": word}
    view["state"] = {"values": {"text": {"text": {"type": "plain_text_input", "value": "Hello"}}}}
    payload = {"type": "view_submission", "user": {"id": "U0ANA"}, "trigger_id": "1.2.a", "view": view}
    status, body = await interact(work, payload)
    assert status == 200
    assert "out of date" in body
    assert work.office.offers == []


async def test_another_apps_form_is_left(work: AtWork):
    payload = {"type": "view_submission", "user": {"id": "U0ANA"}, "view": {"callback_id": "survey"}}
    assert await interact(work, payload) == (200, "")


async def test_a_modal_opens_before_what_it_shows_is_there(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.counter.PROMPT", 0.05)
    work.office.open.clear()
    work.ana.press("Reply", work.ts)
    await work.until(lambda: "One moment" in work.ana.see_modal())
    work.office.open.set()
    await work.until(lambda: "I am looking into it now." in work.ana.see_modal())


async def test_a_modal_says_that_what_it_shows_does_not_come(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.counter.PROMPT", 0.05)
    monkeypatch.setattr("omnibot_slack.desk.counter.FILLED_WITHIN", 0.1)
    work.office.open.clear()
    work.ana.press("Reply", work.ts)
    await work.until(lambda: "too long" in work.ana.see_modal())
    await work.taken(1)


def test_a_form_opens_and_a_command_is_answered_before_slack_gives_up():
    """However slow Slack itself is: who it is, what is shown, and showing it, one after the other."""
    known = max(profiles.ASK_WITHIN, staff.ASK_WITHIN)  # asked at the same time
    assert known + counter.PROMPT + counter.OPENED_WITHIN < counter.ACKNOWLEDGED_WITHIN
    assert known + counter.ANSWER_WITHIN < counter.ACKNOWLEDGED_WITHIN
    assert counter.FILLED_WITHIN < counter.ACKNOWLEDGED_WITHIN


async def test_a_press_is_acknowledged_though_slack_opens_nothing(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.counter.OPENED_WITHIN", 0.1)
    work.slack.faults.add(Hang(accepted=False), method="views.open")
    work.ana.press("Reply", work.ts)
    await work.told(work.ana, "took too long")
    await work.taken(1)


async def test_who_pressed_too_late_is_told(work: AtWork):
    status, _ = await interact(work, press(work, action={"action_id": "desk:reply"}))  # no trigger of Slack's
    assert status == 200
    await work.told(work.ana, "took too long")


# --- the timeline ---------------------------------------------------------------------------------------------------


async def test_the_timeline_is_paged(either: AtWork):
    ana = either.ana
    await opened(either, "Timeline", "Timeline")
    assert "page 0 line 2" in ana.see_modal()
    assert "[Later]" not in ana.see_modal()
    ana.press("Earlier")
    await either.until(lambda: "page 1 line 0" in ana.see_modal())
    ana.press("Earlier")
    await either.until(lambda: "page 2 line 0" in ana.see_modal())
    assert "[Earlier]" not in ana.see_modal()
    ana.press("Later")
    await either.until(lambda: "page 1 line 0" in ana.see_modal())
    del either.office.cards_by_place[either.place]
    ana.press("Later")
    await either.until(lambda: "no customer's matter" in ana.see_modal())


def test_a_place_is_named_by_this_server_alone():
    place = Place("slack.main", "C1", "1700000000.000100")
    assert place_of(b"key", "slack.main", token(b"key", place)) == place
    assert place_of(b"other", "slack.main", token(b"key", place)) is None
    assert place_of(b"key", "slack.sales", token(b"key", place)) is None

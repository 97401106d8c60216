"""The slash command of staff, and the app's home."""

import pytest
from slack_house import house
from slack_office import ROOM, AtWork, at_work, card, stretch

from omnibot.contract import Look, Place
from omnibot.model import ActKind, IncomingMessage, StretchId
from omnibot.sandbox import Throttle
from omnibot.sandbox.slack import SlackSandbox

LINK = "https://sandbox-t0sandbox1.slack.com/archives/C0SENIOR/p"


async def asked(work: AtWork, text: str, command: str = "/omnibot") -> str:
    """What the command says to Ana."""
    before = len(work.ana.notices)
    work.ana.command(command, text, work.room)
    await work.until(lambda: len(work.ana.notices) > before)
    return work.ana.notices[-1]


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("", (Look.MINE, "", "")),
        ("mine", (Look.MINE, "", "")),
        ("queue", (Look.TEAM, "", "")),
        ("queue billing", (Look.TEAM, "billing", "")),
        ("Overdue", (Look.OVERDUE, "", "")),
        ("search sarah miller", (Look.ALL, "", "sarah miller")),
    ],
)
async def test_the_command_lists_matters(either: AtWork, text, look):
    told = await asked(either, text)
    assert either.office.looked == [look]
    assert "Sarah Miller" in told
    assert LINK + either.ts.replace(".", "") in told
    assert either.house.inbox.offers == []


async def test_a_customer_is_shown_whole(work: AtWork):
    told = await asked(work, "customer Sarah")
    assert "It fails again!" in told
    work.office.cards_by_place[Place("email.main", "senior@example.org", "9")] = card(name="Sarah Other")
    told = await asked(work, "customer sarah")
    assert "It fails again!" not in told
    assert "Sarah Other · Nobody has it yet · Senior support · senior@example.org" in told


async def test_a_matter_is_muted(work: AtWork):
    assert await asked(work, "mute sarah") == "You are reminded of it no more."
    assert work.office.did() == [(ActKind.MUTE, "", "")]
    other = await work.desk.open(ROOM, card(stretch=stretch(id=StretchId(2)), name="Sarah Other"))
    work.office.cards_by_place[other] = card(name="Sarah Other")
    assert "Which one?" in await asked(work, "mute sarah")
    work.ana.press("Mute")
    await work.acted(2)
    assert work.office.acts[-1][0] == work.place
    assert await asked(work, "mute nobody") == "Nothing was found."


async def test_a_button_of_muting_names_its_matter_and_no_other(work: AtWork):
    del work.office.cards_by_place[work.place]
    work.office.cards_by_place[Place("slack.main", ROOM, "1700000000.000001")] = card()
    work.office.cards_by_place[Place("slack.main", ROOM, "1700000000.000002")] = card()
    await asked(work, "mute")
    assert work.office.looked[-1][0] is Look.MINE
    work.office.cards_by_place.clear()
    work.ana.press("Mute")
    await work.told(work.ana, "no customer's matter")


@pytest.mark.parametrize("text", ["help", "search", "customer", "dance now"])
async def test_what_it_does_not_know_it_explains(work: AtWork, text):
    assert await asked(work, text) == (
        "/omnibot mine · queue [team] · overdue · search <words> · customer <name or address> ·"
        " mute [name or address]: you are reminded of that matter no more"
    )


async def test_who_may_not_act_is_told_nothing_of_customers(work: AtWork):
    eve = work.house.workspace.user("U0EVE", "Eve", guest=True)
    eve.command("/omnibot", "search sarah", work.room)
    await work.told(eve, "Not done: guests may not act here.")
    assert work.office.looked == []
    assert work.house.inbox.offers == []


async def test_what_takes_too_long_is_told(work: AtWork, monkeypatch):
    monkeypatch.setattr("omnibot_slack.desk.counter.ANSWER_WITHIN", 0.05)
    work.office.open.clear()
    assert await asked(work, "queue") == "That took too long. Try it once more."
    work.ana.open_home()
    await work.until(work.ana.see_home)
    assert "too long" in work.ana.see_home()


async def test_the_customers_command_is_theirs(work: AtWork):
    bob = work.house.workspace.user("U0BOB", "Bob")
    bob.command("/ask", "how do I export?", work.house.workspace.channel("C0OPEN", "open"))
    await work.house.inbox.arrived(1)
    assert isinstance(work.house.inbox.arrivals[0], IncomingMessage)
    assert work.office.looked == []


async def test_the_command_has_the_name_of_the_settings(sandbox: SlackSandbox):
    async with at_work(sandbox, desk_command="/desk") as work:
        assert "Sarah Miller" in await asked(work, "mine", "/desk")


async def test_without_a_desk_every_command_is_a_customers(sandbox: SlackSandbox):
    async with house(sandbox) as opened:
        opened.ada.command("/omnibot", "hello")
        await opened.inbox.arrived(1)
        opened.ada.open_home()
        assert await sandbox.until(opened.ada.see_home)
        assert "Messages" in opened.ada.see_home()


async def test_a_command_of_another_workspace_is_nobodys(work: AtWork):
    body = {"command": "/omnibot", "text": "mine", "team_id": "T0OTHER", "user_id": "U0ANA", "channel_id": ROOM}
    assert await work.house.answer({**body, "trigger_id": "1.2.x"}, form=True) == (200, "")
    assert work.office.looked == []
    body = {**body, "team_id": work.house.workspace.team, "user_id": "…"}
    assert await work.house.answer(body, form=True) == (200, "")


# --- the home ----------------------------------------------------------------------------------------------------


async def test_the_home_has_ones_own_the_teams_and_what_is_overdue(either: AtWork):
    either.ana.open_home()
    await either.until(either.ana.see_home)
    home = either.ana.see_home()
    for title in ("My cases (1)", "Overdue (1)", "The team's queue (1)"):
        assert title in home
    assert LINK in home
    assert [look for look, _, _ in either.office.looked] == [Look.MINE, Look.OVERDUE, Look.TEAM]
    either.office.cards_by_place.clear()
    either.ana.press("Look again")
    await either.until(lambda: "My cases (0)\nNothing." in either.ana.see_home())


async def test_nobody_else_sees_customers_at_home(work: AtWork):
    eve = work.house.workspace.user("U0EVE", "Eve", guest=True)
    eve.open_home()
    await work.until(eve.see_home)
    assert eve.see_home() == "Write to me under “Messages”, and I answer there."
    assert work.office.looked == []


async def test_a_home_that_cannot_be_shown_holds_up_nothing(work: AtWork):
    work.slack.faults.add(Throttle(1), method="views.publish")
    work.ana.open_home()
    await work.taken(1)
    assert work.ana.see_home() == ""


async def test_the_tab_of_messages_is_no_home(work: AtWork):
    body = work.house.event()
    body["event"] = {"type": "app_home_opened", "user": "U0ANA", "tab": "messages", "channel": "D0ANA"}
    assert await work.house.post(body) == 200
    body["event"] = {"type": "app_home_opened", "user": 7, "tab": "home"}
    assert await work.house.post(body) == 200
    assert work.ana.see_home() == ""


async def test_an_event_of_another_workspace_is_none_of_the_desks(work: AtWork):
    body = work.house.event(channel=ROOM, thread_ts=work.ts, user="U0ANA", text="&gt; hello")
    body["team_id"] = body["context_team_id"] = body["authorizations"][0]["team_id"] = "T0OTHER"
    assert await work.house.post(body) == 200
    assert work.office.offers == []

"""What a desk needs of the app, and what is told where it has not got it."""

import re
from pathlib import Path

import pytest
import yaml
from slack_house import house
from typer.testing import CliRunner

from omnibot.cli import app
from omnibot.sandbox.slack import SlackSandbox
from omnibot.sandbox.slack.manifest import Manifest
from omnibot.settings import Desk as DeskTables
from omnibot_slack.desk.payloads import SEND
from omnibot_slack.health import NEEDED, NEEDED_BY_DESK
from omnibot_slack.manifest import DESK_EVENTS, DESK_SCOPES, EVENTS, SCOPES, manifest

DOCS = Path(__file__).parents[4] / "docs"
GUIDE = (DOCS / "channels" / "slack.md").read_text(encoding="utf-8")
DESK = (DOCS / "desk.md").read_text(encoding="utf-8")
URL = "https://bot.example.com/channels/slack/main/events"


def printed_text(*options: str) -> str:
    result = CliRunner().invoke(app, ["slack", "manifest", *options])
    assert result.exit_code == 0
    return result.output


def printed(*options: str) -> dict:
    return yaml.safe_load(printed_text(*options))


def test_the_manifest_of_a_desk_has_all_that_agents_use():
    told = printed()
    features, settings = told["features"], told["settings"]
    assert set(told["oauth_config"]["scopes"]["bot"]) == {*SCOPES, *DESK_SCOPES}
    assert {*NEEDED, *NEEDED_BY_DESK} <= {*SCOPES, *DESK_SCOPES}
    assert [one["callback_id"] for one in features["shortcuts"]] == [SEND]
    assert [one["command"] for one in features["slash_commands"]] == ["/ask", "/omnibot"]
    assert features["app_home"]["home_tab_enabled"]
    assert settings["socket_mode_enabled"]
    assert {"message.channels", "message.groups", "app_home_opened"} < set(
        settings["event_subscriptions"]["bot_events"]
    )


def test_it_is_what_slack_takes():
    """Limits of docs.slack.dev/reference/app-manifest."""
    told = printed()
    assert len(told["display_information"]["name"]) <= 35
    assert len(told["display_information"]["description"]) <= 140
    for command in told["features"]["slash_commands"]:
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    for shortcut in told["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def test_a_request_url_stands_in_each_place():
    told = printed("--url", URL, "--command", "/desk")
    assert str(told).count(URL) == 4
    assert not told["settings"]["socket_mode_enabled"]
    assert told["features"]["slash_commands"][1]["command"] == "/desk"


def test_what_is_no_request_url_is_told():
    result = CliRunner().invoke(app, ["slack", "manifest", "--url", "http://bot.example.com"])
    assert result.exit_code == 1
    assert "https://bot.example.com/channels/slack/main/events" in result.output


def test_without_a_desk_it_is_that_of_the_guide():
    written = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0])
    assert yaml.safe_load(manifest(desk=False)) == written
    assert printed("--no-desk") == written


@pytest.mark.parametrize("url", ["", URL])
@pytest.mark.parametrize("desk", [True, False])
def test_slack_takes_it_as_it_is(url, desk):
    written = printed_text(*(["--url", url] if url else []), *([] if desk else ["--no-desk"]))
    assert Manifest.read(written).settings.socket_mode_enabled == (not url)


@pytest.mark.parametrize("scope", DESK_SCOPES)
def test_each_scope_of_a_desk_is_explained(scope):
    table = GUIDE.split("| scope |")[1].split("\n\n")[0]  # a blank line would end it
    assert f"`{scope}`" in table


@pytest.mark.parametrize("name", [*SCOPES, *DESK_SCOPES, *EVENTS, *DESK_EVENTS])
def test_the_desks_page_explains_all_that_the_app_may_and_hears(name):
    assert f"`{name}`" in DESK.split("### What the app may do, and why")[1].split("\n## ")[0]


@pytest.mark.parametrize("setting", ["staff", "staff_group", "desk_prefix", "desk_command", *DeskTables.model_fields])
def test_the_desks_page_has_its_settings(setting):
    assert re.search(rf"\b{setting}\b", DESK)


def test_the_desks_page_has_its_pictures_and_tells_what_is_on_them():
    shown = dict(re.findall(r"!\[(.*?)\]\((desk/.*?)\)", DESK))
    assert sorted(shown.values()) == sorted(f"desk/{one.name}" for one in (DOCS / "desk").glob("*.png"))
    assert all(len(told) > 20 for told in shown)
    assert sum((DOCS / path).stat().st_size for path in shown.values()) < 300_000
    assert all((DOCS / path).read_bytes().startswith(b"\x89PNG") for path in shown.values())


# --- omnibot check -----------------------------------------------------------------------------------------------


async def said(sandbox: SlackSandbox, **settings) -> list[str]:
    given = {"staff": ["U0ANA"], **settings}
    async with house(sandbox, rooms=["C0TEAM"], **given) as opened:
        return [finding.what for finding in await opened.channel.health()]


@pytest.mark.parametrize("private", [False, True])
async def test_a_room_that_works_is_not_talked_about(sandbox: SlackSandbox, private):
    sandbox.main.channel("C0TEAM", "team", private=private)
    sandbox.main.scopes |= {"groups:history", "groups:read", "channels:history"}
    assert await said(sandbox) == []
    sandbox.main.scopes -= {"groups:history"} if private else {"channels:history"}
    [told] = await said(sandbox)
    assert "what agents write in channel C0TEAM is not heard" in told


async def test_a_room_without_the_bot_or_that_is_not_there_is_found(sandbox: SlackSandbox):
    assert "there is no channel C0TEAM" in (await said(sandbox))[0]
    sandbox.main.channel("C0TEAM", "team", bot=False)
    assert await said(sandbox) == ["the bot is not in channel C0TEAM"]


async def test_that_nobody_may_act_is_found(sandbox: SlackSandbox):
    sandbox.main.channel("C0TEAM", "team")
    assert await said(sandbox, staff=[]) == ["teams work in this workspace, and nobody may act there"]


async def test_what_a_desk_needs_of_the_token_is_found(sandbox: SlackSandbox):
    sandbox.main.channel("C0TEAM", "team")
    sandbox.main.scopes -= {"reactions:write"}
    [told] = await said(sandbox)
    assert "reactions:write (nothing tells at a message how far it has come)" in told


@pytest.mark.parametrize(
    ("settings", "reason"), [({"desk_prefix": " >"}, "people type"), ({"desk_command": "omnibot"}, "slash command")]
)
async def test_settings_that_cannot_work_are_refused(sandbox: SlackSandbox, settings, reason):
    with pytest.raises(ValueError, match=reason):
        await said(sandbox, **settings)

"""What `omnibot check` says of an account: everything that docs/channels/slack.md warns of."""

import dataclasses

import pytest
from slack_house import House, house

from omnibot.sandbox import Hang, ServerError, Throttle
from omnibot.sandbox.slack import SlackSandbox
from omnibot_slack import SlackSettings
from omnibot_slack.account import Me
from omnibot_slack.health import FATAL, NEEDED, identity, scopes

MODES = pytest.mark.parametrize("mode", ["events", "socket"])


async def said(opened: House) -> list[str]:
    return [finding.what for finding in await opened.channel.health()]


@MODES
async def test_a_working_account_is_fine(sandbox: SlackSandbox, mode):
    sandbox.main.usergroup("S0TEAM", "support", [])
    sandbox.main.channel("C0TEAM", "team")
    settings = {"team": sandbox.main.team, "staff_group": "S0TEAM", "staff_channels": ["C0TEAM"]}
    async with house(sandbox, mode, **settings) as opened:
        assert await said(opened) == []


@MODES
async def test_a_wrong_token_is_found(sandbox: SlackSandbox, mode):
    async with house(sandbox, mode, token="xoxb-wrong") as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert "invalid_auth" in finding.what
        assert "OAuth & Permissions" in finding.action


async def test_an_app_that_was_removed_is_found(sandbox: SlackSandbox):
    sandbox.main.active = False
    async with house(sandbox) as opened:
        [finding] = await opened.channel.health()
        assert "account_inactive" in finding.what


@pytest.mark.parametrize("fault", [ServerError(500), Hang(accepted=False)], ids=str)
async def test_slack_that_is_away_is_no_fault_of_the_token(sandbox: SlackSandbox, fault):
    sandbox.faults.add(fault, method="auth.test")
    async with house(sandbox, timeout=0.2) as opened:
        [finding] = await opened.channel.health()
        assert not finding.fatal
        assert "did not answer" in finding.what


async def test_another_workspace_is_found(sandbox: SlackSandbox):
    async with house(sandbox, team="T0OTHER") as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert finding.what == "the token belongs to workspace T0SANDBOX1, and `team` says T0OTHER"


def me(**fields) -> Me:
    known = {"team": "T0", "user": "U0BOT", "bot": "B0BOT", "name": "bot", "org_wide": False, "scopes": frozenset()}
    return Me(**known | fields)


def settings_of(**more) -> SlackSettings:
    return SlackSettings.model_validate({"token": "xoxb-1", "app_token": "xapp-1", **more})


def test_an_app_of_a_whole_organisation_is_found():
    [finding] = identity(me(org_wide=True), settings_of())
    assert finding.fatal
    assert "whole organisation" in finding.what


def test_scopes_that_slack_does_not_tell_are_not_called_missing():
    assert list(scopes(me(), settings_of())) == []


@pytest.mark.parametrize("scope", NEEDED)
async def test_a_missing_scope_is_found(sandbox: SlackSandbox, scope):
    sandbox.main.scopes.discard(scope)
    async with house(sandbox) as opened:
        [finding] = await opened.channel.health()
        assert f"the token lacks {scope}" in finding.what
        assert finding.fatal == (scope in FATAL)


async def test_a_scope_that_was_added_is_seen_at_once(sandbox: SlackSandbox):
    sandbox.main.scopes.discard("files:read")
    async with house(sandbox) as opened:
        assert len(await said(opened)) == 1
        sandbox.main.scopes.add("files:read")
        assert await said(opened) == []


async def test_without_its_scope_the_group_cannot_be_read(sandbox: SlackSandbox):
    sandbox.main.scopes.discard("usergroups:read")
    async with house(sandbox) as opened:
        assert await said(opened) == []
    async with house(sandbox, staff_group="S0TEAM") as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert "usergroups:read" in finding.what


async def test_an_unknown_group_is_found(sandbox: SlackSandbox):
    async with house(sandbox, staff_group="S0NONE") as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert "S0NONE" in finding.what


async def test_the_named_channels_are_looked_at(sandbox: SlackSandbox):
    sandbox.main.channel("C0TEAM", "team", bot=False)
    async with house(sandbox, staff_channels=["C0TEAM", "C0NONE"]) as opened:
        assert await said(opened) == [
            "the bot is not in channel C0TEAM",
            "there is no channel C0NONE that the bot can see (channel_not_found)",
        ]
        sandbox.main.scopes.discard("channels:read")
        assert "the token may not look at channel C0TEAM" in await said(opened)


# --- Socket Mode -----------------------------------------------------------------------------------------------


async def test_a_wrong_app_token_is_found(sandbox: SlackSandbox):
    async with house(sandbox, "socket", app_token="xapp-1-A0-1-wrong") as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert "app-level token (invalid_auth)" in finding.what


async def test_an_app_token_without_its_scope_is_found(sandbox: SlackSandbox):
    sandbox.main.app.app_scopes.clear()
    async with house(sandbox, "socket") as opened:
        [finding] = await opened.channel.health()
        assert finding.what == "the app-level token lacks connections:write"


async def test_tokens_of_two_apps_are_found(sandbox: SlackSandbox):
    other = sandbox.workspace("T0SECOND")
    async with house(sandbox, "socket", app_token=other.app_token) as opened:
        [finding] = await opened.channel.health()
        assert finding.fatal
        assert finding.what == "`app_token` is of app A0SECOND and `token` of app A0SANDBOX1"


async def test_which_app_it_is_cannot_be_told_without_a_scope(sandbox: SlackSandbox):
    sandbox.main.scopes.discard("users:read")
    async with house(sandbox, "socket") as opened:
        assert ["users:read" in what for what in await said(opened)] == [True]


async def test_socket_mode_that_cannot_be_entered_is_found(sandbox: SlackSandbox):
    sandbox.faults.add(ServerError(), method="apps.connections.open")
    async with house(sandbox, "socket") as opened:
        assert await said(opened) == ["Socket Mode cannot be entered (internal_error)"]
        sandbox.faults.add(Throttle(5), method="apps.connections.open")
        assert await said(opened) == []  # whoever asks too often has a good token


# --- the request URL -------------------------------------------------------------------------------------------


async def test_a_public_url_is_needed(sandbox: SlackSandbox):
    async with house(sandbox, public=False) as opened:
        assert await said(opened) == ['mode = "events", but no public URL is configured']


async def test_a_request_url_that_leads_elsewhere_is_found(sandbox: SlackSandbox):
    async with house(sandbox) as opened, house(sandbox) as other:
        other.channel.site = dataclasses.replace(other.site, public_url=opened.site.public_url + "/elsewhere")
        [what] = await said(other)
        assert "does not answer as Slack wants it (status 404)" in what


async def test_a_request_url_that_does_not_know_the_secret_is_found(sandbox: SlackSandbox):
    async with house(sandbox) as opened, house(sandbox, signing_secret="another one") as other:
        other.channel.site = opened.site
        [what] = await said(other)
        assert "does not answer as Slack wants it (status 401)" in what


async def test_a_request_url_where_nobody_listens_is_found(sandbox: SlackSandbox):
    async with house(sandbox, serving=False) as opened:
        [what] = await said(opened)
        assert "does not answer as Slack wants it (Client" in what

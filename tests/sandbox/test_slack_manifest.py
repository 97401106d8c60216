"""Manifests as strictly as Slack takes them, and an app that has what stands in its own and no more."""

import copy
import json

import pytest
import yaml

from omnibot.sandbox.slack import SlackSandbox
from omnibot.sandbox.slack.manifest import Manifest

URL = "https://bot.example.com/slack"
WHOLE = {
    "_metadata": {"major_version": 2, "minor_version": 1},
    "display_information": {"name": "Desk", "description": "A desk", "background_color": "#0a0"},
    "features": {
        "bot_user": {"display_name": "desk", "always_online": True},
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "shortcuts": [{"name": "Send", "type": "message", "callback_id": "send", "description": "Sends it"}],
        "slash_commands": [{"command": "/desk", "description": "Looks", "usage_hint": "mine", "should_escape": True}],
    },
    "oauth_config": {"scopes": {"bot": ["chat:write", "commands", "im:history"]}},
    "settings": {
        "event_subscriptions": {"bot_events": ["message.im", "app_home_opened"]},
        "interactivity": {"is_enabled": True},
        "org_deploy_enabled": False,
        "socket_mode_enabled": True,
        "token_rotation_enabled": False,
    },
}


def changed(path: str, value: object) -> str:
    """The whole manifest, but for what stands at a path; None: without it."""
    manifest = copy.deepcopy(WHOLE)
    *parents, name = [int(part) if part.isdecimal() else part for part in path.split("/")]
    there = manifest
    for part in parents:
        there = there[part]
    if value is None:
        del there[name]
    else:
        there[name] = value
    return json.dumps(manifest)


@pytest.mark.parametrize("written", [json.dumps(WHOLE), yaml.safe_dump(WHOLE)])
def test_a_whole_manifest_is_read_of_json_and_of_yaml(written):
    manifest = Manifest.read(written)
    assert manifest.scopes == {"chat:write", "commands", "im:history"}
    assert manifest.events == {"message.im", "app_home_opened"}
    assert manifest.commands == {"/desk"}
    assert manifest.has_shortcut("send", at_message=True)
    assert not manifest.has_shortcut("send", at_message=False)


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("display_information/name", "x" * 36, "at most 35 characters"),
        ("display_information/name", None, "Field required"),
        ("display_information/description", "x" * 141, "at most 140 characters"),
        ("display_information/long_description", "x" * 173, "at least 174 characters"),
        ("display_information/background_color", "red", "pattern"),
        ("display_information/icon", "x", "Extra inputs"),
        ("features/bot_user/display_name", "x" * 81, "at most 80 characters"),
        ("features/bot_user", None, "bot_user: is needed"),
        ("features/shortcuts/0/name", "x" * 25, "at most 24 characters"),
        ("features/shortcuts/0/description", "x" * 151, "at most 150 characters"),
        ("features/shortcuts/0/callback_id", "x" * 256, "at most 255 characters"),
        ("features/shortcuts/0/type", "channel", "'message' or 'global'"),
        ("features/shortcuts", WHOLE["features"]["shortcuts"] * 11, "at most 10 items"),
        ("features/slash_commands/0/command", "desk", "pattern"),
        ("features/slash_commands/0/command", "/" + "x" * 32, "at most 32 characters"),
        ("features/slash_commands/0/usage_hint", "x" * 1001, "at most 1000 characters"),
        ("features/slash_commands/0/description", None, "Field required"),
        ("features/slash_commands", WHOLE["features"]["slash_commands"] * 51, "at most 50 items"),
        ("oauth_config/scopes/bot", ["chat:write", "im:history"], "commands is needed"),
        ("oauth_config/scopes/bot", ["chat:write", "commands"], "im:history is needed for message.im"),
        ("settings/event_subscriptions/bot_events", ["message.dm"], "message.dm is no event"),
        ("settings/event_subscriptions/bot_events", ["app_home_opened"] * 101, "at most 100 items"),
        ("settings/event_subscriptions/request_url", "http://bot.example.com", "pattern"),
        ("settings/interactivity/is_enabled", False, "is needed for shortcuts"),
        ("settings/interactivity/is_enabled", "yes", "valid boolean"),
        ("settings/socket_mode_enabled", False, "/settings/event_subscriptions: needs a request_url"),
        ("settings/socket_mode_enabled", False, "/settings/interactivity: needs a request_url"),
        ("settings/socket_mode_enabled", False, "/features/slash_commands/0: needs a url"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(path, value, fault):
    with pytest.raises(ValueError, match=fault):
        Manifest.read(changed(path, value))


@pytest.mark.parametrize("written", ["a: b: c", "[]", "text", ""])
def test_what_is_no_manifest_is_refused(written):
    with pytest.raises(ValueError, match=r"YAML|dictionary"):
        Manifest.read(written)


def test_with_urls_it_needs_no_socket_mode():
    manifest = json.loads(changed("settings/socket_mode_enabled", False))
    manifest["settings"]["event_subscriptions"]["request_url"] = URL
    manifest["settings"]["interactivity"]["request_url"] = URL
    manifest["features"]["slash_commands"][0]["url"] = URL
    assert not Manifest.read(json.dumps(manifest)).settings.socket_mode_enabled


async def test_an_app_has_what_stands_in_its_manifest_and_no_more():
    async with SlackSandbox() as slack:
        workspace, grace = slack.main, slack.main.user("U0GRACE", "Grace Hopper")
        workspace.deliver_to(URL)
        workspace.install(json.dumps(WHOLE))
        assert workspace.scopes == {"chat:write", "commands", "im:history"}
        assert workspace.app.subscriptions == {"message.im", "app_home_opened"}
        assert workspace.app.socket_mode
        ts = grace.write("hello")
        for known in (lambda: grace.command("/desk"), lambda: grace.shortcut("send", ts), grace.open_home):
            known()
        with pytest.raises(LookupError, match="/other is not a valid command"):
            grace.command("/other")
        with pytest.raises(LookupError, match="no shortcut 'send' anywhere"):
            grace.shortcut("send")
        with pytest.raises(LookupError, match="no shortcut 'keep' at messages"):
            grace.shortcut("keep", ts)


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("features/app_home/home_tab_enabled", False, "no home"),
        ("features/app_home/messages_tab_read_only_enabled", True, "turned off"),
        ("features/app_home/messages_tab_enabled", False, "turned off"),
    ],
)
async def test_what_is_switched_off_nobody_can_use(path, value, fault):
    async with SlackSandbox() as slack:
        grace = slack.main.user("U0GRACE", "Grace Hopper")
        slack.main.install(changed(path, value))
        with pytest.raises(LookupError, match=fault):
            grace.open_home() if "home_tab" in path else grace.write("hello")


async def test_a_button_of_an_app_without_interactivity_does_nothing():
    async with SlackSandbox() as slack:
        grace = slack.main.user("U0GRACE", "Grace Hopper")
        manifest = json.loads(changed("features/shortcuts", None))
        manifest["settings"]["interactivity"]["is_enabled"] = False
        slack.main.install(json.dumps(manifest))
        room = slack.main.channel("C0DESK", "desk", [grace])
        shown = [
            {
                "type": "actions",
                "block_id": "b",
                "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Take"}}],
            }
        ]
        slack.main.post(room, {"type": "message", "user": slack.main.bot_user, "bot_id": "B", "blocks": shown})
        with pytest.raises(LookupError, match="not configured to handle interactive"):
            grace.press("Take")

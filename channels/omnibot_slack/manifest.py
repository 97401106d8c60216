"""The app as Slack makes it: docs.slack.dev/reference/app-manifest. `omnibot slack manifest` prints it."""

from __future__ import annotations

from typing import Any

import yaml

from omnibot_slack.desk.payloads import SEND

Json = dict[str, Any]

SCOPES = (
    "app_mentions:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
)
DESK_SCOPES = (
    "channels:history",
    "channels:read",
    "groups:history",
    "groups:read",
    "reactions:write",
    "usergroups:read",
)
EVENTS = ("app_mention", "message.im")
DESK_EVENTS = ("app_home_opened", "message.channels", "message.groups")


def manifest(url: str = "", *, desk: bool = True, command: str = "/omnibot") -> str:
    """What *Create New App* → *From a manifest* takes: for Socket Mode, or for events at a request URL.

    With a `desk` staff can act in threads, and have a command and the app's home.
    """
    app: Json = {
        "display_information": {
            "name": "Omnibot",
            "description": "Answers questions, and fetches people where it cannot",
        },
        "features": {
            "bot_user": {"display_name": "Omnibot", "always_online": True},
            "app_home": {
                "home_tab_enabled": desk,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            **(_shortcuts() if desk else {}),
            "slash_commands": _commands(url, command if desk else ""),
        },
        "oauth_config": {"scopes": {"bot": sorted({*SCOPES, *(DESK_SCOPES if desk else ())})}},
        "settings": {
            "event_subscriptions": {**_at(url), "bot_events": sorted({*EVENTS, *(DESK_EVENTS if desk else ())})},
            "interactivity": {"is_enabled": True, **_at(url)},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
    return str(yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=1000))


def _shortcuts() -> Json:
    send = {
        "name": "Send to customer",
        "type": "message",
        "callback_id": SEND,
        "description": "Send this message to the customer of the thread",
    }
    return {"shortcuts": [send]}


def _commands(url: str, command: str) -> list[Json]:
    asking: Json = {
        "command": "/ask",
        **({"url": url} if url else {}),
        "description": "Ask a question; the answer comes as a direct message",
        "usage_hint": "how do I export my data?",
        "should_escape": True,
    }
    looking: Json = {
        "command": command,
        **({"url": url} if url else {}),
        "description": "Matters that customers need people for",
        "usage_hint": "mine, queue, overdue, search …, customer …, mute …",
        "should_escape": True,
    }
    return [asking, looking] if command else [asking]


def _at(url: str) -> Json:
    return {"request_url": url} if url else {}

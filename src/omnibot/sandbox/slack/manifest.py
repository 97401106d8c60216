"""An app's manifest, as Slack reads it before it makes the app.

Source: docs.slack.dev/reference/app-manifest. Laxer than Slack: of what no bot here uses (functions, workflows,
assistants, webhooks) nothing is known, and a manifest that has it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["Manifest"]

_NEEDED = {
    "app_mention": ("app_mentions:read",),
    "channel_archive": ("channels:read",),
    "channel_left": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_left": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
}  # scopes of which an event wants one
_WITHOUT_SCOPE = frozenset({"app_home_opened", "app_uninstalled", "tokens_revoked"})

_Url = Annotated[str, Field(pattern="^https://", max_length=3000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Metadata(_Part):
    major_version: Literal[1, 2] = 1
    minor_version: int = 0


class _Display(_Part):
    name: Annotated[str, Field(min_length=1, max_length=35)]
    description: Annotated[str, Field(max_length=140)] = ""
    long_description: Annotated[str, Field(min_length=174, max_length=4000)] | None = None
    background_color: Annotated[str, Field(pattern="^#([0-9A-Fa-f]{3}){1,2}$")] | None = None


class _BotUser(_Part):
    display_name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w.\- ]+$")]
    always_online: bool = False


class _Home(_Part):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = True

    @property
    def takes_messages(self) -> bool:
        """Whether people can write to the app directly."""
        return self.messages_tab_enabled and not self.messages_tab_read_only_enabled


class _Shortcut(_Part):
    name: Annotated[str, Field(min_length=1, max_length=24)]
    type: Literal["message", "global"]
    callback_id: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(min_length=1, max_length=150)]


class _Command(_Part):
    command: Annotated[str, Field(pattern="^/[a-z0-9_-]+$", max_length=32)]
    description: Annotated[str, Field(min_length=1, max_length=2000)]
    url: _Url | None = None
    usage_hint: Annotated[str, Field(max_length=1000)] = ""
    should_escape: bool = False


class _Features(_Part):
    bot_user: _BotUser | None = None
    app_home: _Home = _Home()
    shortcuts: Annotated[list[_Shortcut], Field(max_length=10)] = []
    slash_commands: Annotated[list[_Command], Field(max_length=50)] = []


class _Scopes(_Part):
    bot: Annotated[list[Annotated[str, Field(pattern="^[a-z_.]+(:[a-z_.]+)*$")]], Field(max_length=255)] = []


class _OAuth(_Part):
    scopes: _Scopes = _Scopes()
    redirect_urls: Annotated[list[_Url], Field(max_length=1000)] = []


class _Events(_Part):
    request_url: _Url | None = None
    bot_events: Annotated[list[str], Field(max_length=100)] = []


class _Interactivity(_Part):
    is_enabled: bool
    request_url: _Url | None = None
    message_menu_options_url: _Url | None = None


class _Settings(_Part):
    event_subscriptions: _Events = _Events()
    interactivity: _Interactivity = _Interactivity(is_enabled=False)
    org_deploy_enabled: bool = False
    socket_mode_enabled: bool = False
    token_rotation_enabled: bool = False


class Manifest(_Part):
    """What Slack takes, of YAML or JSON."""

    metadata: Annotated[_Metadata, Field(alias="_metadata")] = _Metadata()
    display_information: _Display
    features: _Features = _Features()
    oauth_config: _OAuth = _OAuth()
    settings: _Settings = _Settings()

    @classmethod
    def read(cls, text: str) -> Manifest:
        """A manifest in which nothing is wrong; raises ValueError with all that is, a line each."""
        try:
            manifest = cls.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise ValueError(f"it is neither YAML nor JSON: {error}") from None
        except ValidationError as error:
            faults = [f"/{'/'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
            raise ValueError("\n".join(faults)) from None
        if faults := list(manifest._faults()):
            raise ValueError("\n".join(faults))
        return manifest

    @property
    def scopes(self) -> frozenset[str]:
        """What the bot's token may."""
        return frozenset(self.oauth_config.scopes.bot)

    @property
    def events(self) -> frozenset[str]:
        """What the app is told of."""
        return frozenset(self.settings.event_subscriptions.bot_events)

    @property
    def commands(self) -> frozenset[str]:
        """The slash commands that people can give."""
        return frozenset(one.command for one in self.features.slash_commands)

    def has_shortcut(self, callback_id: str, *, at_message: bool) -> bool:
        """Whether people find a shortcut: at a message, or anywhere."""
        kind = "message" if at_message else "global"
        return any((one.type, one.callback_id) == (kind, callback_id) for one in self.features.shortcuts)

    def _faults(self) -> Iterator[str]:
        """What is wrong with its parts taken together."""
        features, settings = self.features, self.settings
        if (self.scopes or self.events) and features.bot_user is None:
            yield "/features/bot_user: is needed where the bot has scopes or events"
        if (features.shortcuts or features.slash_commands) and "commands" not in self.scopes:
            yield "/oauth_config/scopes/bot: commands is needed for shortcuts and slash commands"
        if features.shortcuts and not settings.interactivity.is_enabled:
            yield "/settings/interactivity: is needed for shortcuts"
        for event in sorted(self.events):
            if event not in _NEEDED and event not in _WITHOUT_SCOPE:
                yield f"/settings/event_subscriptions/bot_events: {event} is no event"
            elif event in _NEEDED and self.scopes.isdisjoint(_NEEDED[event]):
                yield f"/oauth_config/scopes/bot: {' or '.join(_NEEDED[event])} is needed for {event}"
        if not settings.socket_mode_enabled:
            yield from self._without_urls()

    def _without_urls(self) -> Iterator[str]:
        """Slack has to know where to call, unless the app connects to it."""
        settings = self.settings
        if self.events and settings.event_subscriptions.request_url is None:
            yield "/settings/event_subscriptions: needs a request_url, or Socket Mode"
        if settings.interactivity.is_enabled and settings.interactivity.request_url is None:
            yield "/settings/interactivity: needs a request_url, or Socket Mode"
        for number, command in enumerate(self.features.slash_commands):
            if command.url is None:
                yield f"/features/slash_commands/{number}: needs a url, or Socket Mode"

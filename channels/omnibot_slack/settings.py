"""What an account on Slack needs: one app, installed in one workspace."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from omnibot.contract import ChannelSettings

_TEAM = re.compile(r"T[A-Z0-9]+")
_PERSON = re.compile(r"([TE][A-Z0-9]+/)?[UW][A-Z0-9]+")
_GROUP = re.compile(r"S[A-Z0-9]+")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
_ROOM = re.compile(r"[CG][A-Z0-9]+")


class SlackSettings(ChannelSettings):
    """One app in one workspace; several workspaces are several accounts."""

    token: SecretStr = Field(description="The Bot User OAuth Token, xoxb-….")
    mode: Literal["events", "socket"] = Field(
        default="socket", description="Slack calls us (needs a public URL), or we connect to Slack."
    )
    signing_secret: SecretStr | None = Field(
        default=None, description='With it Slack signs its calls; needed for mode = "events".'
    )
    app_token: SecretStr | None = Field(
        default=None, description='The app-level token, xapp-…; needed for mode = "socket".'
    )
    team: str = Field(default="", description="The workspace's id (T…): a token of another one is found out.")
    staff: tuple[str, ...] = Field(default=(), description="Members who are staff: U…, or T…/U… of another workspace.")
    staff_group: str = Field(default="", description="The user group (S…) whose members are staff, too.")
    staff_channels: tuple[str, ...] = Field(default=(), description="Channels (C…) in which nobody is a customer.")
    trusted_profiles: tuple[str, ...] = Field(
        default=(), description="Workspaces (T…) whose members are recognised by the email of their profile."
    )
    desk_prefix: str = Field(
        default=">",
        max_length=20,
        description="What begins a message of staff that goes to the customer; '': none does.",
    )
    desk_command: str = Field(default="/omnibot", description="The slash command of staff.")
    api_url: HttpUrl = Field(
        default=HttpUrl("https://slack.com/api/"), description="Another Web API, such as the sandbox's."
    )
    per_second: float = Field(default=0, ge=0, description="Messages a second, all conversations together; 0: any.")
    conversation_seconds: float = Field(
        default=1, ge=0, le=60, description="Between two messages in one conversation; 0: none."
    )
    max_file_bytes: int = Field(
        default=20_000_000, gt=0, le=1_000_000_000, description="Larger attachments are not fetched."
    )
    timeout: float = Field(default=15, gt=0, le=300, description="Seconds after which a call is given up.")

    @property
    def api(self) -> str:
        """The Web API, with a slash at the end."""
        return str(self.api_url).rstrip("/") + "/"

    @property
    def file_hosts(self) -> tuple[str, ...]:
        """Where its files are fetched from: files.slack.com, or the sandbox itself."""
        parts = urlsplit(self.api)
        if parts.scheme == "https" and parts.port is None:
            return (f"files.{parts.hostname}",)
        return (f"{parts.scheme}://{parts.netloc}",)

    @field_validator("token")
    @classmethod
    def _is_bot_token(cls, token: SecretStr) -> SecretStr:
        if not token.get_secret_value().startswith("xoxb-"):
            raise ValueError(
                "is no bot token (xoxb-…): copy the Bot User OAuth Token from OAuth & Permissions of your app"
            )
        return token

    @field_validator("app_token")
    @classmethod
    def _is_app_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not token.get_secret_value().startswith("xapp-"):
            raise ValueError(
                "is no app-level token (xapp-…): make one with connections:write under Basic Information of your app"
            )
        return token

    @field_validator("team")
    @classmethod
    def _is_team(cls, written: str) -> str:
        if written and not _TEAM.fullmatch(written):
            raise ValueError("must be a workspace's id, T…: it stands in the address of Slack in the browser")
        return written

    @field_validator("trusted_profiles")
    @classmethod
    def _are_teams(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TEAM.fullmatch(one) for one in written):
            raise ValueError("must be workspaces' ids, T…: they stand in the address of Slack in the browser")
        return written

    @field_validator("staff_group")
    @classmethod
    def _is_group(cls, written: str) -> str:
        if written and not _GROUP.fullmatch(written):
            raise ValueError("must be a user group's id (People → User groups → ⋮ → Copy group ID): S…, no @name")
        return written

    @field_validator("staff")
    @classmethod
    def _are_people(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_PERSON.fullmatch(one) for one in written):
            raise ValueError("must be member ids (profile → ⋮ → Copy member ID): U…, or T…/U… of another workspace")
        return written

    @field_validator("staff_channels")
    @classmethod
    def _are_rooms(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ROOM.fullmatch(one) for one in written):
            raise ValueError("must be channel ids (channel → About → Channel ID): C…, no #name")
        return written

    @field_validator("desk_prefix")
    @classmethod
    def _is_typed(cls, written: str) -> str:
        if written != written.strip():
            raise ValueError('must be something that people type, such as ">", without spaces around it')
        return written

    @field_validator("desk_command")
    @classmethod
    def _is_command(cls, written: str) -> str:
        if not _COMMAND.fullmatch(written):
            raise ValueError("must be a slash command as it stands in the app's manifest, such as /omnibot")
        return written

    @model_validator(mode="after")
    def _mode_has_its_secret(self) -> Self:
        if self.mode == "events" and not (self.signing_secret and self.signing_secret.get_secret_value().strip()):
            raise ValueError(
                'signing_secret is missing: mode = "events" needs it; copy it from Basic Information of your app'
            )
        if self.mode == "socket" and self.app_token is None:
            raise ValueError(
                'app_token is missing: mode = "socket" needs it; make one with connections:write under Basic'
                " Information of your app"
            )
        return self

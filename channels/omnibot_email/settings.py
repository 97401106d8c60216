"""What one mailbox needs."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from omnibot.contract import ChannelSettings
from omnibot_email.addresses import MAX_LOCAL_PART, Untrustworthy, normalised, sender_of
from omnibot_email.tokens import BOUNCE_TAG, TOKEN_LENGTH, TOKEN_TAG

Security = Literal["none", "starttls", "tls"]

_MOVE = "move:"


class Server(ChannelSettings):
    """What every server of the company or of its provider needs."""

    host: str = Field(min_length=1)
    username: str = ""
    password: SecretStr = SecretStr("")
    token_command: str = ""  # prints an OAuth 2.0 access token; run at each login, without a shell
    ca: str = ""  # PEM certificates of a private authority that are believed besides the system's

    @field_validator("ca")
    @classmethod
    def _is_pem(cls, value: str) -> str:
        if value:
            try:
                ssl.create_default_context().load_verify_locations(cadata=value)
            except (ssl.SSLError, ValueError):
                raise ValueError("is no certificate in PEM: let ca_file name the file of your authority") from None
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.token_command and self.password.get_secret_value():
            raise ValueError("has a password and a token_command: remove one of the two")
        if self.token_command and not self.username:
            raise ValueError("has a token_command and no username: set username")
        return self


class Smtp(Server):
    """The company's submission server, which takes what we send."""

    port: int = Field(default=587, ge=1, le=65535)
    security: Security = "starttls"
    connections: int = Field(default=4, ge=1, le=64)  # one connection sends one mail at a time
    timeout: float = Field(default=30.0, gt=0)  # seconds for one mail, all steps together
    max_bytes: int = Field(default=25_000_000, ge=5_000_000)  # of one mail, with its files

    @model_validator(mode="after")
    def _somebody_logs_in(self) -> Self:
        if self.password.get_secret_value() and not self.username:
            raise ValueError(
                "has a password and no username, and would not log in: set username, or remove the password"
            )
        return self


class Listen(ChannelSettings):
    """Where the company's mail server delivers to us."""

    protocol: Literal["lmtp", "smtp"] = "lmtp"
    host: str = "127.0.0.1"
    port: int = Field(default=8024, ge=1, le=65535)
    max_bytes: int = Field(default=25_000_000, ge=100_000)  # of one mail


class Imap(Server):
    """A mailbox at a provider, which we read where nobody delivers to us."""

    port: int = Field(default=993, ge=1, le=65535)
    security: Security = "tls"
    folder: str = Field(default="INBOX", min_length=1)
    after: str = "seen"  # what becomes of a mail that was taken: seen, delete, or move:FOLDER
    idle: bool = True  # wait for the server's word, where it gives one
    poll_seconds: float = Field(default=60.0, gt=0, le=1680)  # servers hang up on who has idled for 30 minutes
    timeout: float = Field(default=30.0, gt=0)  # seconds for one answer
    max_bytes: int = Field(default=25_000_000, ge=100_000)  # of one mail; of a larger one the beginning is read

    @property
    def target(self) -> str:
        """The folder that taken mail is moved to; '' where it is not."""
        return self.after.removeprefix(_MOVE) if self.after.startswith(_MOVE) else ""

    @field_validator("after")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in ("seen", "delete") and not re.fullmatch(rf"{_MOVE}\S.*", value):
            raise ValueError("is none of the three: write seen, delete or move:FOLDER")
        return value

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if not (self.password.get_secret_value() or self.token_command):
            raise ValueError("has no password: set password_file, or token_command for OAuth 2.0")
        if self.target == self.folder:
            raise ValueError("moves mail to where it is: let after name another folder")
        return self


class EmailSettings(ChannelSettings):
    """One mailbox that customers write to."""

    address: str  # support@example.org; mail to its plus addresses must be delivered to us, too
    from_name: str = Field(default="", max_length=100)
    smtp: Smtp
    listen: Listen | None = None  # as it is by default, where there is no imap
    imap: Imap | None = None
    # where reports of undelivered mail go: `plus` to a plus address of the mailbox, `off` to the mailbox itself, or to
    # plus addresses of another one
    bounces: str = "plus"
    # whose Authentication-Results are believed (RFC 8601): the id that the company's mail server writes there.
    # Empty: we verify DKIM ourselves, and mail that has only SPF is quarantined, because only the server sees SPF.
    authserv_id: str = ""
    token_days: int = Field(default=90, ge=1, le=3650)  # how long a reply finds its conversation by its address
    domain: str = ""  # of our Message-IDs; empty: the address's own
    # who may act by answering the letters to a team, besides the team's own address: "ana@example.org", or with the
    # name that customers see, "Ana Ruiz <ana@example.org>"
    agents: tuple[str, ...] = ()

    @property
    def listener(self) -> Listen | None:
        """Where mail is delivered to us, if anywhere."""
        return self.listen or (None if self.imap else Listen())

    @property
    def reports_to(self) -> str:
        """The mailbox that is told of what could not be delivered, by plus addresses; '' where it has none."""
        return {"plus": self.address, "off": ""}.get(self.bounces, self.bounces)

    @field_validator("address")
    @classmethod
    def _address_has_room_for_a_token(cls, value: str) -> str:
        return _with_room(value, TOKEN_TAG, "replies need")

    @field_validator("bounces")
    @classmethod
    def _bounces_have_room_for_a_token(cls, value: str) -> str:
        return value if value in ("plus", "off") else _with_room(value, BOUNCE_TAG, "reports need")

    @property
    def people(self) -> Mapping[str, str]:
        """The names of the agents by their normalised address; '' where none is told."""
        return {agent.address: agent.name for agent in map(sender_of, self.agents)}

    @field_validator("agents")
    @classmethod
    def _are_people(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for agent in value:
            try:
                sender_of(agent)
            except Untrustworthy:
                raise ValueError(
                    f"{agent!r} is not an email address: write ana@example.org, or Ana Ruiz <ana@example.org>"
                ) from None
        return value

    @field_validator("domain", "authserv_id")
    @classmethod
    def _is_one_word(cls, value: str) -> str:
        if value != "".join(value.split()) or not value.isascii():
            raise ValueError("must be a host name such as mail.example.org")
        return value.casefold()


def _with_room(value: str, tag: str, who: str) -> str:
    """A normalised address that can carry a token before its @."""
    address = normalised(value)
    if address is None:
        raise ValueError("is not an email address: write it as support@example.org")
    if not address.isascii():
        raise ValueError("has letters beyond ASCII before the @, which most servers do not take: use another address")
    room = MAX_LOCAL_PART - len(tag) - TOKEN_LENGTH
    if len(address.partition("@")[0]) > room:
        raise ValueError(f"has more than {room} characters before the @: {who} the rest of 64 for their token")
    return address

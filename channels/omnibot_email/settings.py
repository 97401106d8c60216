"""What one mailbox needs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from omnibot.contract import ChannelSettings
from omnibot_email.addresses import MAX_LOCAL_PART, normalised
from omnibot_email.tokens import TOKEN_LENGTH, TOKEN_TAG


class Smtp(ChannelSettings):
    """The company's submission server, which takes what we send."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    username: str = ""  # empty: no login
    password: SecretStr = SecretStr("")
    security: Literal["none", "starttls", "tls"] = "starttls"
    connections: int = Field(default=4, ge=1, le=64)  # one connection sends one mail at a time
    timeout: float = Field(default=30.0, gt=0)  # seconds for one mail, all steps together


class Listen(ChannelSettings):
    """Where the company's mail server delivers to us."""

    protocol: Literal["lmtp", "smtp"] = "lmtp"
    host: str = "127.0.0.1"
    port: int = Field(default=8024, ge=1, le=65535)
    max_bytes: int = Field(default=25_000_000, ge=100_000)  # of one mail


class EmailSettings(ChannelSettings):
    """One mailbox that customers write to."""

    address: str  # support@example.org; mail to its plus addresses must be delivered to us, too
    from_name: str = Field(default="", max_length=100)
    smtp: Smtp
    listen: Listen = Listen()
    # whose Authentication-Results are believed (RFC 8601): the id that the company's mail server writes there.
    # Empty: we verify DKIM ourselves, and mail that has only SPF is quarantined, because only the server sees SPF.
    authserv_id: str = ""
    token_days: int = Field(default=90, ge=1, le=3650)  # how long a reply finds its conversation by its address
    domain: str = ""  # of our Message-IDs; empty: the address's own

    @field_validator("address")
    @classmethod
    def _address_has_room_for_a_token(cls, value: str) -> str:
        address = normalised(value)
        if address is None:
            raise ValueError("is not an email address: write it as support@example.org")
        room = MAX_LOCAL_PART - len(TOKEN_TAG) - TOKEN_LENGTH
        if len(address.partition("@")[0]) > room:
            raise ValueError(
                f"has more than {room} characters before the @: replies need the rest of 64 for their token"
            )
        return address

    @field_validator("domain", "authserv_id")
    @classmethod
    def _is_one_word(cls, value: str) -> str:
        if value != "".join(value.split()) or not value.isascii():
            raise ValueError("must be a host name such as mail.example.org")
        return value.casefold()

"""What a number at Twilio needs, for SMS and for WhatsApp."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from omnibot.contract import ChannelSettings
from omnibot_twilio.telephone import ANYWHERE, WHATSAPP, country, e164, is_country

_SID = "{}[0-9a-fA-F]{{32}}"
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
NAME, TEXT = "{name}", "{text}"

API = "https://api.twilio.com"
ContentSid = Annotated[str, Field(pattern=f"^{_SID.format('HX')}$")]


class Template(ChannelSettings):
    """An approved template by which somebody is written to who has been silent for a day."""

    sid: ContentSid = Field(description="Its ContentSid, HX and 32 hexadecimal digits.")
    variables: tuple[str, ...] = Field(
        default=(NAME, TEXT), description="What stands for {{1}}, {{2}} and so on; {name} and {text} are replaced."
    )
    nameless: str = Field(default="there", min_length=1, description="Stands for {name} where nobody knows it.")
    max_text: int = Field(
        default=800, ge=100, le=1024, description="Characters that {text} may have: WhatsApp allows 1024 with all else."
    )

    @field_validator("variables")
    @classmethod
    def _say_what_is_to_be_said(cls, variables: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := {p for value in variables for p in PLACEHOLDER.findall(value)} - {"name", "text"}:
            raise ValueError(f"{{{min(unknown)}}} is nothing that can be filled in: there are {NAME} and {TEXT}")
        if "" in variables:
            raise ValueError("WhatsApp takes no empty variable: write what it shall say")
        if sum(value.count(TEXT) for value in variables) != 1:
            raise ValueError(f"{TEXT} must stand in one of them, or what was to be said is lost")
        return variables


class TwilioSettings(ChannelSettings):
    """One number, and the account that it belongs to."""

    anywhere: ClassVar[bool] = False  # whether `countries` means all of them when it is empty

    account_sid: str = Field(
        pattern=f"^{_SID.format('AC')}$", description="The account's SID, AC and 32 hexadecimal digits."
    )
    auth_token: SecretStr = Field(
        min_length=1, description="The account's primary Auth Token: Twilio signs with it what it sends to us."
    )
    api_key: str = Field(
        default="",
        pattern=f"^({_SID.format('SK')})?$",
        description="A standard API key (SK…) to call Twilio with; empty: the Auth Token is used for that, too.",
    )
    api_key_secret: SecretStr = Field(default=SecretStr(""), description="The API key's secret.")
    number: str = Field(description="Our number with its country code, +14155550123.")
    messaging_service_sid: str = Field(
        default="",
        pattern=f"^({_SID.format('MG')})?$",
        description="The messaging service (MG…) to send through, if the number is in one.",
    )
    countries: tuple[str, ...] = Field(
        default=(), description='Countries that are written to and answered, as ISO codes; ["*"]: all.'
    )
    spend_cap: int = Field(default=0, ge=0, description="Billed segments a day, beyond which messages wait; 0: any.")
    per_second: float = Field(default=0, ge=0, description="Messages handed to Twilio a second; 0: any, Twilio queues.")
    look_back_hours: float = Field(
        default=24, ge=0, le=400, description="How far to look back at the start for messages that did not reach us."
    )
    look_every_seconds: float = Field(
        default=3600, gt=0, le=86_400, description="How often to look for messages that did not reach us."
    )
    max_file_bytes: int = Field(
        default=20_000_000, gt=0, le=100_000_000, description="Larger attachments are not fetched."
    )
    media_hosts: tuple[str, ...] = Field(
        default=("mms.twiliocdn.com", "media.twiliocdn.com", "s3-external-1.amazonaws.com"),
        description="Hosts to which Twilio may send us on for an attachment.",
    )
    delete_media: bool = Field(default=False, description="Delete attachments at Twilio once they are here.")
    low_balance: float = Field(
        default=10, ge=0, description="`omnibot check` warns when the account has less, in its own currency."
    )
    api_url: HttpUrl = Field(default=HttpUrl(API), description="Another edge or region of Twilio, or the sandbox.")
    timeout: float = Field(default=15, gt=0, le=300, description="Seconds after which a call is given up.")

    @property
    def api(self) -> str:
        """Where the REST API is, without a slash at the end."""
        return str(self.api_url).rstrip("/")

    @property
    def served(self) -> frozenset[str]:
        """The countries that are written to and answered; ANYWHERE in it means all."""
        if self.countries:
            return frozenset(self.countries)
        return frozenset({ANYWHERE if self.anywhere else country(self.number)})

    @field_validator("number")
    @classmethod
    def _is_number(cls, number: str) -> str:
        written = number.strip().removeprefix(WHATSAPP)
        known = e164(written) or (written if _SHORT_CODE.fullmatch(written) else None)
        if known is None:
            raise ValueError("is no number with its country code: write it like +14155550123")
        return known

    @field_validator("countries")
    @classmethod
    def _are_countries(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(code.strip().upper() for code in countries)
        for code in codes:
            if code != ANYWHERE and not is_country(code):
                raise ValueError(f'{code!r} is no country: write ISO codes such as ["US", "CA"], or ["*"] for all')
        return codes

    @model_validator(mode="after")
    def _key_is_whole(self) -> Self:
        if bool(self.api_key) != bool(self.api_key_secret.get_secret_value()):
            raise ValueError("api_key and api_key_secret belong together: give both, or none")
        return self

    @model_validator(mode="after")
    def _has_a_home(self) -> Self:
        if not (self.countries or self.anywhere or country(self.number)):
            raise ValueError('countries is missing: a short code does not tell its own; write ISO codes such as ["US"]')
        return self


class SmsSettings(TwilioSettings):
    """A number for text messages."""

    segments: int = Field(
        default=10, ge=1, le=10, description="Segments that one message may have; longer replies become several."
    )
    mms: bool = Field(
        default=False, description="Send files as MMS where that exists (US, CA, AU); elsewhere, and else, as links."
    )
    network_keywords: bool = Field(
        default=True, description="Whether Twilio obeys and answers STOP, START and HELP itself, as it does by default."
    )


class WhatsAppSettings(TwilioSettings):
    """A WhatsApp sender."""

    anywhere: ClassVar[bool] = True  # nobody earns by what WhatsApp carries

    template: Template | None = Field(
        default=None, description="Without one, what is to be said after a day of silence waits until they write."
    )
    quick_replies: tuple[ContentSid, ...] = Field(
        default=(),
        max_length=10,
        description="Content templates for one choice, two and so on; without, choices are a numbered list.",
    )

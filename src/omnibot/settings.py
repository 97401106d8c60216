"""Every setting in one frozen tree: built-in defaults < TOML < environment < files named by `…_FILE`.

`config/omnibot.toml` shows them all. `OMNIBOT_SERVER__PORT` is `port` in `[server]`; names from the environment are
lower-cased, so channels and accounts are written in lower case everywhere. Any setting may name a file that holds its
value instead: `token_file = "…"` or `OMNIBOT_…__TOKEN_FILE=…`, as container secrets want it.

Plain pydantic and a reader of our own rather than pydantic-settings: that ignores unknown variables, stops at the
first broken source, turns a token of digits below a free-form table into a number, and forgets where a value is from.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from omnibot.durable import sync_folder
from omnibot.places import PlaceError, Template

if TYPE_CHECKING:
    from omnibot.tokens import Key

DEFAULT_FILE = Path("config/omnibot.toml")
PREFIX = "OMNIBOT_"
SECRET_LENGTH = 32  # characters

_FILE = "_file"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_POSTGRESQL = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[^\[\]]+\]|[^\[\]:\s]*)(:(?P<port>[0-9]{1,5}))?")  # none at all is a socket of this machine
_SECRET_FILE = "secret.key"
_OF_DISCLOSURE = frozenset({"bot", "company"})
_PROOF_DAYS = {"sms": 180, "whatsapp": 180}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Kubernetes describes a service called "omnibot" by these to every container of its namespace.
_OF_THE_ORCHESTRATOR = re.compile(r"OMNIBOT_(SERVICE_(HOST|PORT)|PORT$|PORT_\d+_(TCP|UDP|SCTP)$|PORT_\d+_[A-Z]+_)")

Steps = tuple[str, ...]  # where a setting stands: ("server", "port")
Model = TypeVar("Model", bound=BaseModel)
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)  # Monday first
BlockedValue = Annotated[str, Field(pattern=r"^(user_id|phone|email):.+$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )


class Server(_Section):
    """The one HTTP server, for webhooks and health."""

    host: str = "127.0.0.1"
    """Where to listen; 0.0.0.0 for every interface."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """0 takes a free one."""
    public_url: str = ""
    """How providers reach this server, without a trailing slash: https://bot.example.com."""
    shutdown_seconds: Seconds = 20
    """How long a stopping server may take to finish what it has begun."""

    @field_validator("public_url")
    @classmethod
    def _absolute_and_safe(cls, url: str) -> str:
        if url and not _is_public(url):
            raise ValueError("must be like https://bot.example.com, without a trailing slash (http only on loopback)")
        return url


class Database(_Section):
    """PostgreSQL 15 or newer; the bundled server when there is no URL."""

    url: SecretStr = SecretStr("")
    """postgresql://user:password@host:5432/name; empty starts the bundled server in the data folder."""
    pool_size: Count = 10
    """Connections of one process."""
    listen_url: SecretStr = SecretStr("")
    """A direct connection for LISTEN, when `url` leads through PgBouncer; empty takes `url`."""
    prepared_statements: bool = True
    """Off behind a PgBouncer older than 1.21."""

    @field_validator("url", "listen_url")
    @classmethod
    def _can_be_taken_apart(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not _is_database(url.get_secret_value()):
            raise ValueError(
                "is no URL of a PostgreSQL: write postgresql://user:password@host:5432/name, and in user and password"
                " %2F for /, %3A for :, %40 for @, %3F for ?, %23 for #"
            )
        return url


class Log(_Section):
    """What is told to whoever runs the server; never anything personal."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is too unimportant is left out."""
    format: Literal["auto", "json", "console"] = "auto"
    """auto is console in a terminal and JSON elsewhere."""


class Hours(_Section):
    """When somebody works at the company: what "two business days" and "end of business" mean."""

    opens: time = time(9)
    """By the clock of the company's zone."""
    closes: time = time(18)
    """By the same clock."""
    days: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    """On which somebody works."""
    holidays: tuple[date, ...] = ()
    """On which nobody does: 2026-12-25 and the like."""

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"closes at {self.closes:%H:%M}, not after it opens: correct opens or closes")
        return self


class Bot(_Section):
    """Who speaks."""

    company: Annotated[str, Field(min_length=1)] = "Example Ltd"
    """Named in greetings and signatures."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en", "es", "de", "fr")
    """ISO 639-1; the first is the company's own and stands in for one that an answer lacks."""
    name: Annotated[str, Field(min_length=1)] = "Omnibot"
    """How the bot calls itself."""
    contact: str = ""
    """How else people reach the company, in a few words: a number, an address, a page. Told to who texts HELP."""
    knowledge: Path = Path("config/knowledge")
    """The folder of the articles that may be answered from."""
    playbooks: Path | None = Path("config/playbooks")
    """The folder of the playbooks, which say what customers want and how they put it; empty: none."""
    playbooks_seconds: Annotated[float, Field(ge=0)] = 5
    """How often a running server looks whether playbooks have changed, and goes by them; 0: at its start alone."""

    voice: Path = Path("config/voice")
    """The folder of the voice packs, a folder a language: how each move of a reply is worded."""
    disclosure: dict[Language, str] | str = ""
    """That a machine writes, in the company's own words: one text in its own language, or one a language."""

    @field_validator("disclosure")
    @classmethod
    def _places_are_filled(cls, disclosure: dict[str, str] | str) -> dict[str, str] | str:
        for text in disclosure.values() if isinstance(disclosure, dict) else (disclosure,):
            try:
                strange = Template.of(text).names - _OF_DISCLOSURE
            except PlaceError as error:
                raise ValueError(f"{text!r} {error}".replace(": ", " - ")) from None
            if strange:
                raise ValueError(
                    f"has a place {{{min(strange)}}} that nothing fills: there are {{bot}} and {{company}}"
                )
        return disclosure

    @property
    def disclosures(self) -> dict[str, str]:
        """The company's own words by language; none where the voice packs' are to be said."""
        if isinstance(self.disclosure, str):
            return {self.languages[0]: self.disclosure} if self.disclosure else {}
        return self.disclosure

    @field_validator("playbooks", mode="before")
    @classmethod
    def _empty_is_none(cls, folder: object) -> object:
        return None if folder == "" else folder

    level: Annotated[int, Field(ge=1, le=5)] = 5
    """How personal replies may be: 1 by name, 2 and with what was before, 3 and as people seem to like it, 4 and with
    what is likely behind a question and what comes next, 5 and with a word on how they feel. Customers can lower it."""
    zone: str = "UTC"
    """IANA name, such as Europe/Berlin: where "tomorrow" is told of those whose own zone is not known."""
    hours: Hours = Hours()
    """When somebody works."""

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        return _known_zone(zone)


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{zone!r} is no time zone: write its IANA name, such as Europe/Berlin") from None
    return zone


WorkHours = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class Levels(_Section):
    """Within how many hours of a team's work something is done; 0: no such time is kept."""

    first: WorkHours = 0
    """Until people have first written to a customer whose matter was handed to them."""
    next: WorkHours = 0
    """Until they have answered what a customer wrote later."""
    resolve: WorkHours = 0
    """Until the matter is resolved."""


class Within(Levels):
    """Service levels of a team, and those of its weightier matters where they are others."""

    high: Levels | None = None
    """Of matters of high priority."""
    urgent: Levels | None = None
    """Of urgent matters."""


_SIGNED_WITH = frozenset({"agent", "team", "company"})


class Team(_Section):
    """People who take matters over from the bot."""

    names: dict[Language, str] = Field(default_factory=dict)
    """How customers see them called, by language; else in the company's language, else as the table is called."""
    zone: str = ""
    """IANA name of the zone in which their hours are told; empty: the company's."""
    hours: Hours | None = None
    """When they work; without this table when the company does."""
    rooms: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)?$")],
        Annotated[str, Field(min_length=1)],
    ] = Field(default_factory=dict)
    """Where its threads are opened, by channel, or channel.account where it has several: { slack = "C0123", email =
    "senior@example.org" }. The first that works is used. A team without rooms uses those of `support`."""
    signature: str = "{agent}, {company}"
    """Below what its people write to customers, with {agent} for a first name, {team} and {company}."""
    within: Within = Within()

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        return _known_zone(zone) if zone else zone

    @field_validator("signature")
    @classmethod
    def _places_are_filled(cls, signature: str) -> str:
        try:
            strange = Template.of(signature).names - _SIGNED_WITH
        except PlaceError as error:
            raise ValueError(f"{signature!r} {error}".replace(": ", " - ")) from None
        if strange:
            raise ValueError(
                f"has a place {{{min(strange)}}} that nothing fills: there are {{agent}}, {{team}} and {{company}}"
            )
        return signature


_TEAMS: Mapping[str, Mapping[str, dict[str, str]]] = {
    "support": {
        "names": {
            "en": "our support team",
            "es": "nuestro equipo de soporte",
            "de": "unser Support-Team",
            "fr": "notre équipe d'assistance",
        }
    },
    "senior": {
        "names": {
            "en": "our senior support team",
            "es": "nuestro equipo de soporte especializado",
            "de": "unser Team für schwierige Fälle",
            "fr": "notre équipe d'experts",
        }
    },
}


class Desk(_Section):
    """The people behind the bot."""

    teams: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], Team] = Field(
        default_factory=lambda: {name: Team.model_validate(team) for name, team in _TEAMS.items()}
    )
    """By the name that playbooks hand off to. `support` and `senior` are always there."""
    remind_before: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Which share of a service level's time is left when its team is first reminded; 0: only when it is over."""
    holidays: tuple[date, ...] = ()
    """On which no team works, besides those of its own: [2026-12-25, 2027-01-01] and the like."""
    idle_hours: WorkHours = 0
    """After so many hours of the team's work in which nobody took up what a customer wrote, the bot goes on with it; 0:
    people keep it until they give it back."""
    file_types: tuple[str, ...] = ("image/", "audio/", "video/", "text/", "application/pdf", "application/zip")
    """Beginnings of the media types of files that people may send to customers."""
    max_file_bytes: Count = 20_000_000
    """Larger files are not sent to customers."""

    @property
    def is_staffed(self) -> bool:
        """Whether people work anywhere: without a room the bot answers on, and hand-offs are only listed."""
        return any(team.rooms for team in self.teams.values())

    @field_validator("teams", mode="before")
    @classmethod
    def _beside_the_others(cls, teams: object) -> object:
        """To give one team its hours takes away neither its name nor the other one."""
        if not isinstance(teams, dict):
            return teams
        told = {name: {**_TEAMS.get(name, {}), **team} for name, team in teams.items() if isinstance(team, dict)}
        return {**_TEAMS, **teams, **told}


class EntitySettings(_Section):
    """What the company calls its things, so that they are found in messages."""

    products: tuple[str, ...] = ()
    """Names of products."""
    plans: tuple[str, ...] = ()
    """Names of plans."""
    spellings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How else people write one of these names, by the name."""
    patterns: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], tuple[str, ...]] = Field(default_factory=dict)
    """Regular expressions for what else is to be found, by its label; the value is the first group, or all of it."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for label, expressions in patterns.items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    told = f"{label} has an expression that is none ({error}): correct it"
                    raise ValueError(told) from None
        return patterns

    @model_validator(mode="after")
    def _spellings_of_names(self) -> Self:
        names = {*self.products, *self.plans}
        if strange := sorted(self.spellings.keys() - names):
            raise ValueError(f"spells {strange[0]!r}, which is no product and no plan: add it to one of them")
        return self


class UnderstandingSettings(_Section):
    """What messages are understood by."""

    entities: EntitySettings = EntitySettings()


class Nlp(_Section):
    """What else of spaCy's takes part in reading a message."""

    model: str = ""
    """An installed pipeline, such as en_core_web_sm, whose components come before Omnibot's own."""
    components: tuple[str, ...] = ()
    """Your own, which come behind Omnibot's: names that spaCy knows, or package.module:function."""


class TokenKey(_Section):
    """One key by which the company's systems sign; its table's name is the `kid` of what is signed with it."""

    secret: SecretStr | None = None
    """For HS256: at least 32 bytes that only the signing system and Omnibot know."""
    public_key: str = ""
    """For ES256: the public half, as PEM."""

    @field_validator("secret")
    @classmethod
    def _kept_and_long(cls, secret: SecretStr | None) -> SecretStr | None:
        from omnibot.tokens import secret_flaw

        if secret is not None and (flaw := secret_flaw(secret.get_secret_value())):
            raise ValueError(flaw)
        return secret

    @field_validator("public_key")
    @classmethod
    def _public_and_suitable(cls, pem: str) -> str:
        from omnibot.tokens import public_key_flaw

        if pem and (flaw := public_key_flaw(pem)):
            raise ValueError(flaw)
        return pem

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.secret is not None and self.public_key:
            raise ValueError("has a secret and a public key: give each key a table of its own")
        if self.secret is None and not self.public_key:
            raise ValueError("has no key: set secret_file (HS256) or public_key_file (ES256)")
        return self


class Tokens(_Section):
    """Whose signature is believed about who somebody is. Without keys nobody's."""

    issuer: str = ""
    """The `iss` of the tokens. Needed with keys."""
    audience: str = ""
    """The `aud` of the tokens, so that none which was made for another service counts here. Needed with keys."""
    longest_seconds: Seconds = 3600
    """A token that is valid for longer is refused."""
    skew_seconds: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 60
    """By how much the clocks of those who sign may differ from ours."""
    code_seconds: Seconds = 900
    """How long a code works that a token was exchanged for."""
    keys: dict[str, TokenKey] = Field(default_factory=dict)
    """By `kid`; several while one replaces another."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in ("issuer", "audience") if self.keys and not getattr(self, name)]
        if missing:
            names = " and ".join(missing)
            raise ValueError(f"has keys, but no {names}: set what your system writes, or any of its tokens would do")
        from omnibot.tokens import both_ways

        if self.keys and (name := both_ways(self.signing_keys())):
            raise ValueError(f"keys.{name} is a public key given as a secret, which anybody could sign with: remove it")
        return self

    def signing_keys(self) -> tuple[Key, ...]:
        """The keys as `omnibot.tokens` takes them."""
        from omnibot.tokens import Algorithm, Key

        return tuple(
            Key(name, Algorithm.HS256, key.secret.get_secret_value())
            if key.secret is not None
            else Key(name, Algorithm.ES256, key.public_key)
            for name, key in self.keys.items()
        )


Told = Literal["seen", "proven"]
ProofDays = Annotated[int, Field(ge=0, le=36500)]


class DisclosureLevels(_Section):
    """From which proof on an address is told what is known from elsewhere; what it told itself may always go back."""

    name: Told = "seen"
    """What they are called, and in which form they like to be written to."""
    history: Told = "proven"
    """What was said at their other addresses."""
    account: Told = "proven"
    """All else that is known, and that there are other addresses."""


class Identity(_Section):
    """Who is one person over several addresses."""

    rules: tuple[Literal["user_id", "phone", "email"], ...] = ("user_id", "phone", "email")
    """Whose proven identifiers are the same is one person; the first that says something decides."""
    blocked: tuple[BlockedValue, ...] = ("user_id:0", "user_id:null", "user_id:undefined", "user_id:anonymous")
    """Identifiers that name nobody, each with its kind: they never link."""
    most_phones: Count = 5
    """Proven phone numbers of one person; what would make more waits for staff."""
    most_emails: Count = 5
    """Proven e-mail addresses of one person; what would make more waits for staff."""
    most_addresses: Count = 20
    """Addresses of one person; what would make more waits for staff."""
    most_merges: Count = 10
    """Merges of one person without staff; what would make more waits for staff."""
    attempts: Count = 8
    """Failures of one act (a link, a merge, …) after which it is left to staff."""
    codes_seconds: Annotated[float, Field(ge=60, le=3600)] = 600
    """How long a code works that proves an address."""
    codes_tries: Annotated[int, Field(ge=1, le=10)] = 5
    """Wrong codes after which a new one must be asked for."""
    codes_per_address: Count = 5
    """Codes that one address gets in an hour, whoever asks for them."""
    codes_per_requester: Count = 10
    """Codes that one address can ask for in an hour."""
    codes_overall: Count = 1000
    """Codes that leave in an hour, all together: what is beyond is somebody who tries numbers out."""
    staff_names: tuple[str, ...] = ()
    """Who answers for you, as customers see them called: whoever else has nearly such a name is shown with a remark.
    The bot's name and the company's are always among them."""
    proof_days: dict[str, ProofDays] = Field(default_factory=lambda: dict(_PROOF_DAYS))
    """How long a proof lasts, by channel: numbers are given to others. 0, or a channel that is not named: for ever."""
    disclosure: DisclosureLevels = DisclosureLevels()

    @field_validator("proof_days", mode="before")
    @classmethod
    def _beside_the_others(cls, days: object) -> object:
        """To name one channel does not let the proof of another last for ever."""
        return {**_PROOF_DAYS, **days} if isinstance(days, dict) else days

    tokens: Tokens = Tokens()


class Llm(_Section):
    """A language model that puts replies more freely; what it writes is checked, and else the voice packs' is sent."""

    base_url: str = ""
    """Of any endpoint that speaks OpenAI's chat completions: https://api.openai.com/v1, http://127.0.0.1:11434/v1."""
    model: str = ""
    """As the endpoint calls it."""
    key: SecretStr = SecretStr("")
    """That the endpoint wants; empty where it wants none."""
    timeout_seconds: Seconds = 8
    """How long a reply may wait for it."""
    at_once: Annotated[int, Field(ge=1, le=32)] = 3
    """Replies of one process that may wait for it at a time; others get the voice packs' words at once."""
    rest_seconds: Seconds = 30
    """How long nobody waits for it after three failures in a row; doubled as long as it goes on failing."""
    tokens_per_day: Annotated[int, Field(ge=0)] = 0
    """Of all processes, in and out together, from midnight UTC; 0: no such limit."""
    amount_per_day: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """What a day may cost, in the currency of the two prices; 0: no such limit."""
    price_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Of a million tokens that it reads."""
    price_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Of a million tokens that it writes."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What else the endpoint is told with each request: { temperature = 0.4, max_tokens = 600 }."""

    @field_validator("base_url")
    @classmethod
    def _can_be_called(cls, url: str) -> str:
        if url and not _is_endpoint(url):
            raise ValueError("must be like https://api.example.com/v1, without user, query or trailing slash")
        return url

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.base_url) != bool(self.model):
            missing = "base_url" if self.model else "model"
            raise ValueError(f"has no {missing}: set it, or remove the table")
        if self.amount_per_day and not (self.price_in or self.price_out):
            raise ValueError("has amount_per_day and no prices: set price_in and price_out")
        return self

    @property
    def is_configured(self) -> bool:
        """Whether there is one."""
        return bool(self.base_url)

    def amount(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1_000_000


class VoiceSettings(_Section):
    """How replies are put into words, besides the voice packs."""

    llm: Llm = Llm()


class Cases(_Section):
    """Which messages are about one matter."""

    reopen_days: Annotated[int, Field(ge=0, le=3650)] = 14
    """For so long what was answered or solved is the same matter when somebody comes again with it; then a new one."""


class Turns(_Section):
    """How what came in is worked off."""

    workers: Count = 2
    """Turns in progress at once in one process, each a batch of customers."""
    batch: Count = 32
    """Customers that one worker claims at a time."""
    pause_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """How long to wait for more of a burst before answering."""
    lease_seconds: Seconds = 30
    """After so long without a sign of life a worker's customers go to another."""
    attempts: Count = 5
    """Failures of one turn after which it is parked for a person."""
    poll_seconds: Seconds = 1
    """How often to look for work that no notification told of."""


class Delivery(_Section):
    """How what goes out is handed to the providers."""

    call_seconds: Seconds = 20
    """The longest that one call of a provider may take."""
    attempts: Count = 8
    """Tries after which a message is given up and shown."""
    backoff_seconds: Seconds = 2
    """Before the second try; doubled with each further one."""
    unknown_wait_seconds: Seconds = 60
    """How long later messages wait behind one of which the provider did not say whether it took it."""
    poll_seconds: Seconds = 1
    """How often to look for messages that no notification told of."""


class Files(_Section):
    """Attachments."""

    max_bytes: Count = 20_000_000
    """Larger ones are not kept."""
    link_seconds: Seconds = 3600
    """How long a download link works."""


RawChannels = dict[str, dict[str, dict[str, Any]]]


class Settings(_Section):
    """The whole tree. Relative paths start in the folder that Omnibot was started in."""

    data_folder: Path = Path("data")
    """Where everything lies that must survive: the bundled database, attachments, the secret."""
    secret: SecretStr | None = None
    """At least 32 characters; signs links and reply addresses. One is made and kept in the data folder when absent:
    give it explicitly when several machines share a database."""
    server: Server = Server()
    database: Database = Database()
    log: Log = Log()
    bot: Bot = Bot()
    desk: Desk = Desk()
    understanding: UnderstandingSettings = UnderstandingSettings()
    nlp: Nlp = Nlp()
    identity: Identity = Identity()
    cases: Cases = Cases()
    voice: VoiceSettings = VoiceSettings()
    turns: Turns = Turns()
    delivery: Delivery = Delivery()
    files: Files = Files()
    channels: RawChannels = Field(default_factory=dict, repr=False)
    """Channel → account → its settings, as written; `omnibot.channels` gives them to the channel to judge."""

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return secret

    def has_secret(self) -> bool:
        """Whether one is configured or was made before: `load_secret` would not make one."""
        return self.secret is not None or (self.data_folder / _SECRET_FILE).exists()

    def load_secret(self) -> bytes:
        """The configured secret, or the one kept in the data folder, made on the first call (mode 0600).

        Raises SettingsError when the file cannot be made or read, or is too short to be one of ours.
        """
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        file = self.data_folder / _SECRET_FILE
        try:
            kept = _kept_secret(file)
        except OSError as error:
            action = f"make {self.data_folder} writable for the user that runs Omnibot, or set it"
            raise SettingsError([fault(("secret",), f"cannot be kept in {file}: {error.strerror}", action)]) from None
        if len(kept) < SECRET_LENGTH:
            action = "restore the file from a backup, or delete it to void all links that were given out"
            raise SettingsError([fault(("secret",), f"is too short in {file}", action)])
        return kept


# --- faults ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what whoever runs the server must do. Never holds a secret."""

    where: str
    problem: str
    action: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.action}"


class SettingsError(Exception):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["these settings need correcting by whoever runs Omnibot:", *map(str, self.faults)]))


def environment_name(steps: Steps) -> str:
    """`OMNIBOT_SERVER__PORT` for ("server", "port")."""
    return PREFIX + "__".join(steps).upper()


def fault(steps: Steps, problem: str, action: str) -> Fault:
    """A fault of one setting, named as TOML and as the environment call it."""
    return Fault(f"{'.'.join(steps)} ({environment_name(steps)})", problem, action)


# --- reading -----------------------------------------------------------------------------------------------------


class _FromEnvironment(str):
    """Text from outside TOML, which knows no lists of its own: commas part them."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in all sources, laid over one another and not yet judged."""

    tree: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and judge everything but what channels judge themselves; raises SettingsError with all faults.

    `path` is what the command line names; else OMNIBOT_CONFIG; else config/omnibot.toml, which may be absent.
    """
    settings, faults = judge(read(path, environ))
    if settings is None:
        raise SettingsError(faults)
    return settings


def read(path: Path | None, environ: Mapping[str, str]) -> Written:
    """Lay the environment over the TOML file."""
    named = path or (Path(environ["OMNIBOT_CONFIG"]) if environ.get("OMNIBOT_CONFIG") else None)
    written = _read_toml(named or DEFAULT_FILE, must_exist=named is not None)
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX) and name != "OMNIBOT_CONFIG" and not _OF_THE_ORCHESTRATOR.match(name):
            _lay_over(written, tuple(name.removeprefix(PREFIX).lower().split("__")), _FromEnvironment(value))
    return written


def _read_toml(file: Path, *, must_exist: bool) -> Written:
    try:
        return Written(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        missing = Fault(str(file), "does not exist", "name an existing file by --config or OMNIBOT_CONFIG")
        return Written({}, [missing] if must_exist else [])
    except OSError as error:
        action = "make it readable for the user that runs Omnibot"
        return Written({}, [Fault(str(file), f"cannot be read ({error.strerror})", action)])
    except UnicodeDecodeError:
        return Written({}, [Fault(str(file), "is not UTF-8", "save it as UTF-8")])
    except tomllib.TOMLDecodeError as error:
        return Written({}, [Fault(str(file), f"is not TOML: {error}", "correct that line")])


def _lay_over(written: Written, steps: Steps, value: _FromEnvironment) -> None:
    if not all(steps):
        written.faults.append(Fault(environment_name(steps), "names no setting", "write OMNIBOT_SECTION__KEY"))
        return
    table = written.tree
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            written.faults.append(Fault(environment_name(steps), f"looks into {step}, which is no table", "remove it"))
            return
    _displace(table, steps[-1])
    table[steps[-1]] = value


def _displace(table: dict[str, Any], key: str) -> None:
    """What the environment says in one spelling (`key`, `key_file`) ends what TOML says in the other."""
    other = key.removesuffix(_FILE) if key.endswith(_FILE) else key + _FILE
    if not isinstance(table.get(other), _FromEnvironment | dict):
        table.pop(other, None)


# --- judging -----------------------------------------------------------------------------------------------------


def judge(written: Written) -> tuple[Settings | None, list[Fault]]:
    """The settings, or None and all that is wrong. Channels are only looked at from outside."""
    tree = dict(written.tree)
    channels = tree.pop("channels", {})
    settings, faults = judge_table(Settings, tree, ())
    faults = [*written.faults, *faults, *_outer_faults(channels)]
    if settings is None or faults:
        return None, faults
    return settings.model_copy(update={"channels": channels}), []


def judge_table(model: type[Model], raw: Mapping[str, Any], steps: Steps) -> tuple[Model | None, list[Fault]]:
    """One table judged by its own model: None where there are faults."""
    resolving = _Resolving()
    values = resolving.table(model, raw, steps)
    faults = resolving.faults
    try:
        judged = model.model_validate(values)
    except ValidationError as error:
        told = dict.fromkeys(_explained(detail, model, values, steps) for detail in _causes(error))
        return None, faults + [fault(*one) for one in told if not resolving.left_unread(one[0])]
    return (None if faults else judged), faults


class _Resolving:
    """Reads the files that `…_file` settings name, and parts lists; pydantic judges the rest."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.unread: set[Steps] = set()  # to be called unreadable, not missing as well

    def left_unread(self, steps: Steps) -> bool:
        """Whether a setting, or one in a table, is in a file that could not be read: all else follows from that."""
        return any(unread[: len(steps)] == steps for unread in self.unread)

    def table(self, model: type[BaseModel], raw: Mapping[str, Any], steps: Steps) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in raw.items():
            stem = key.removesuffix(_FILE)
            if key in model.model_fields or stem not in model.model_fields or _section(model, stem):
                values[key] = self._value(model, key, value, (*steps, key))
            elif stem in raw:
                self.faults.append(fault((*steps, key), f"is set and {stem} is set too", "remove one of the two"))
            elif (text := self._content(value, (*steps, stem))) is not None:
                values[stem] = self._value(model, stem, text, (*steps, stem))
        return values

    def _value(self, model: type[BaseModel], key: str, value: object, steps: Steps) -> object:
        section, named = _section(model, key), _named_sections(model, key)
        if section is not None and isinstance(value, dict):
            return self.table(section, value, steps)
        if named is not None and isinstance(value, dict):
            return {
                name: self.table(named, table, (*steps, name)) if isinstance(table, dict) else table
                for name, table in value.items()
            }
        if isinstance(value, _FromEnvironment):
            known = model.model_fields.get(key)
            return _parted(value) if known and _takes_list(known.annotation) else str(value)
        return value

    def _content(self, file: object, steps: Steps) -> _FromEnvironment | None:
        try:
            text = Path(str(file)).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
            action = "let it name a file that the user that runs Omnibot can read"
            where = (*steps[:-1], steps[-1] + _FILE)
            self.faults.append(fault(where, f"names {file}, which cannot be read ({reason})", action))
            self.unread.add(steps)
            return None
        return _FromEnvironment(text.rstrip("\r\n"))


def _section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a table inside a table, which may be optional."""
    known = model.model_fields.get(name)
    kinds = (
        (known.annotation, *get_args(known.annotation)) if known and get_origin(known.annotation) is not dict else ()
    )
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _named_sections(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of the tables in a table whose names are anybody's choice."""
    known = model.model_fields.get(name)
    if known is None or get_origin(known.annotation) is not dict:
        return None
    inner = get_args(known.annotation)[1]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _takes_list(annotation: object) -> bool:
    """Whether a list is meant: tuple[str, ...], list[str], or one of them or None."""
    origin = get_origin(annotation) or annotation
    if origin in (list, tuple, set, frozenset):
        return True
    return origin is not Literal and any(_takes_list(inner) for inner in get_args(annotation))


def _parted(text: str) -> object:
    """`a, b` or `["a", "b"]`; a broken one of the second kind is left to pydantic to refuse."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return str(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Without lists that are too short for no other reason than that their members were refused."""
    details = error.errors(include_url=False)
    places = {detail["loc"][:-1] for detail in details}
    return [detail for detail in details if not (detail["type"] == "too_short" and detail["loc"] in places)]


def _explained(
    detail: ErrorDetails, model: type[BaseModel], values: Mapping[str, Any], steps: Steps
) -> tuple[Steps, str, str]:
    """(steps, problem, action) of one of pydantic's errors, without what was written."""
    owner, inner = _owner(model, detail["loc"])
    where = (*steps, *inner)
    match detail["type"]:
        case "missing":
            return where, "is missing", f"set it, or {inner[-1]}{_FILE} to a file that holds it"
        case "extra_forbidden":
            return where, "is not a setting", _suggestion(inner[-1], owner)
        case "model_type" | "dict_type":
            return where, "is not a table", f"write [{'.'.join(where)}]"
        case "string_pattern_mismatch":
            known = owner.model_fields.get(inner[-1])
            meant = (known.description or "").rstrip(".") if known else ""
            return where, "is not written as it must be", f"it means: {meant}" if meant else "correct it"
        case "list_type" | "tuple_type":
            return where, "is no list", f'write {inner[-1]} = ["…", "…"]'
        case "too_short":
            return where, "is empty", "name at least one, or leave the line away"
        case "string_too_short":
            return where, "is empty", "write it, or leave the line away"
        case "value_error":  # by our convention "what is wrong: what to do"
            problem, _, action = _masked(detail["msg"].removeprefix("Value error, "), model, values).partition(": ")
            return where, problem, action or "correct it"
    return where, detail["msg"].removeprefix("Input "), "correct it"


def _owner(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[type[BaseModel], Steps]:
    """The table that an error is in, and the way to the setting, without positions in lists and members of unions."""
    inner: list[str] = []
    named: type[BaseModel] | None = None  # what the next step may call as it likes
    for step in loc:
        inner.append(str(step))
        below, named = (named, None) if named else (_section(model, str(step)), _named_sections(model, str(step)))
        if named is not None:
            continue
        if below is None:
            break
        if len(inner) < len(loc):
            model = below
    return model, tuple(inner)


def _suggestion(unknown: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(unknown, model.model_fields, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it; there are {', '.join(sorted(model.model_fields))}"


def _masked(text: str, model: type[BaseModel], values: Mapping[str, Any]) -> str:
    """A channel's validator may quote what it refuses; a fault must not quote a secret."""
    for name, known in model.model_fields.items():
        value, section, named = values.get(name), _section(model, name), _named_sections(model, name)
        if section is not None and isinstance(value, dict):
            text = _masked(text, section, value)
        elif named is not None and isinstance(value, dict):
            for table in value.values():
                text = _masked(text, named, table) if isinstance(table, dict) else text
        elif isinstance(value, str) and value and _is_secret(known.annotation):
            text = text.replace(value, "…")
    return text


def _is_secret(annotation: object) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_is_secret(inner) for inner in get_args(annotation))


def _is_public(url: str) -> bool:
    """Whether providers can call it: https (http on this machine alone), nothing but a host, a port and a path."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    plain = not (parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s?#]", url))
    return bool(parts.hostname) and port_is_valid and secure and plain and not url.endswith("/")


def _is_endpoint(url: str) -> bool:
    """Whether requests can be sent to paths below it; http, too: many models run on a machine of one's own."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s?#]", url))
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_valid and plain and url[-1] != "/"


def _is_database(url: str) -> bool:
    """Whether it is taken apart as it was meant: a stray sign in a password makes hosts and ports of its halves."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = [_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    ports = [int(host["port"] or 5432) for host in hosts if host]
    whole = not parts.fragment and "@" not in parts.path
    return parts.scheme in _POSTGRESQL and whole and all(hosts) and all(0 < port < 65536 for port in ports)


def channels_of(written: Written) -> RawChannels:
    """Channel → account → what is written, as far as it has that shape."""
    channels = written.tree.get("channels")
    tables = channels.items() if isinstance(channels, dict) else ()
    return {
        channel: {name: raw for name, raw in accounts.items() if isinstance(raw, dict)}
        for channel, accounts in tables
        if isinstance(accounts, dict)
    }


def _outer_faults(channels: object) -> list[Fault]:
    """The shape alone: tables of tables, with names that the environment can spell and URLs can carry."""
    if not isinstance(channels, dict):
        return [fault(("channels",), "is not a table", "write [channels.telegram.main]")]
    faults: list[Fault] = []
    for steps, table in _tables(channels):
        if not isinstance(table, dict):
            below = ".".join((*steps, "main")[:3])
            faults.append(fault(steps, "is not a table", f"write it below [{below}]"))
        elif not _NAME.fullmatch(steps[-1]):
            action = "write it in lower-case letters, digits and single underscores"
            faults.append(Fault(f"[{'.'.join(steps)}]", "has a name that not every source can spell", action))
    return faults


def _tables(channels: Mapping[str, Any]) -> Iterator[tuple[Steps, Any]]:
    for channel, accounts in channels.items():
        yield ("channels", channel), accounts
        if isinstance(accounts, dict):
            for account, raw in accounts.items():
                yield ("channels", channel, account), raw


# --- the kept secret ------------------------------------------------------------------------------------------------


def _kept_secret(file: Path) -> bytes:
    """What the file holds; made first where it is not there. Of several makers one wins and all read its secret."""
    try:
        return file.read_bytes().strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_urlsafe(48).encode())
            out.flush()
            os.fsync(out.fileno())
        _publish(draft, file)
    finally:
        draft.unlink()
    return file.read_bytes().strip()


def _publish(draft: Path, file: Path) -> None:
    """Give the draft its name unless somebody was faster: a link, because a rename would replace theirs."""
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    sync_folder(file.parent)

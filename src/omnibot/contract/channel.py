"""The contract of a channel: one account of one way of writing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Protocol, Self

from aiohttp.web import RouteDef
from pydantic import BaseModel, ConfigDict

from omnibot.contract.desk import Desk, NoOffice, Office
from omnibot.contract.outcome import Refused
from omnibot.model import Address, Attachment, File, Incoming, Limits, Outbound

__all__ = [
    "MAX_BODY",
    "Accept",
    "Channel",
    "ChannelSettings",
    "Download",
    "Files",
    "Finding",
    "Receipt",
    "Site",
]

_NOTHING: Mapping[str, str] = {}
MAX_BODY = 1_000_000  # bytes of one webhook; what is larger gets 413


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it. `context` replaces what is kept for answering that address, if given."""

    provider_id: str
    context: Mapping[str, str] | None = None
    units: int = 0  # that it bills, such as segments of an SMS; `Limits.spend` counts them


class Accept(Protocol):
    """Hand arrivals to the core. Returns after they are committed; raises NotAccepted otherwise."""

    async def __call__(self, arrivals: Sequence[Incoming]) -> None: ...


class Files(Protocol):
    """The files that go along with messages."""

    def open(self, file: File) -> AsyncIterator[bytes]:
        """The bytes, in chunks; raises Refused when there is no such file any more."""

    def url(self, file: File) -> str:
        """Where anybody who is told can fetch it, with its media type; '' without a public URL."""


class Download(Protocol):
    """Fetch what a provider names by URL, and nothing else.

    Only https (and what `hosts` names with a scheme, such as the sandbox's http://127.0.0.1:8001), only hosts that
    `hosts` names (`.example.com`: and below), at public addresses, resolved once; the first host alone gets
    `headers`; at most `max_bytes`, of media types that begin with one of `types`. Raises Refused for what is not
    allowed, TryLater for what may come later.
    """

    def __call__(
        self,
        url: str,
        *,
        hosts: Collection[str],
        max_bytes: int,
        headers: Mapping[str, str] = ...,
        types: Collection[str] = ...,
    ) -> AsyncIterator[bytes]: ...


class _NoFiles:
    async def open(self, file: File) -> AsyncIterator[bytes]:
        raise Refused("there are no files here")
        yield b""

    def url(self, file: File) -> str:
        return ""


async def _no_download(
    url: str,
    *,
    hosts: Collection[str],
    max_bytes: int,
    headers: Mapping[str, str] = _NOTHING,
    types: Collection[str] = ("",),
) -> AsyncIterator[bytes]:
    raise Refused("nothing can be downloaded here")
    yield b""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with an account, and who must do what."""

    what: str
    action: str
    fatal: bool = False  # the account cannot work


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where an account of a channel lives.

    `path` is where its routes must begin, `public_url` the same as the provider calls it ('' when none is configured;
    never taken from a request). `key` is secret, stable and the account's own: sign with it what must come back.
    """

    account: str
    path: str
    public_url: str
    key: bytes = field(repr=False)
    now: Callable[[], datetime]
    files: Files = _NoFiles()  # noqa: RUF009 - it has no state
    office: Office = NoOffice()  # noqa: RUF009 - nor has it; where a desk of this account hands in what agents do
    rooms: frozenset[str] = frozenset()  # of this account, in which teams work: nobody there is a customer
    download: Download = _no_download


class ChannelSettings(BaseModel):
    """What an account needs; a channel subclasses it. Secrets are `SecretStr`; unknown settings are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Channel(ABC):
    """One account of one way of writing; an async context from the server's start to its end."""

    name: ClassVar[str]
    Settings: ClassVar[type[ChannelSettings]]
    limits: Limits

    def __init__(self, site: Site, settings: ChannelSettings) -> None:
        self.site = site

    @classmethod
    def address(cls, text: str) -> Address:
        """An address as people write it, in the spelling of what comes in from there.

        Raises ValueError, which says what to write instead.
        """
        if not text.strip():
            raise ValueError(f"an address of {cls.name} is missing")
        return Address(cls.name, text.strip())

    @abstractmethod
    async def send(self, message: Outbound) -> Receipt:
        """Hand one message to the provider; or raise Refused, TryLater or Unsure."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def listen(self, accept: Accept) -> None:
        """Receive until cancelled; returning means that there is nothing to listen to."""
        return

    def routes(self, accept: Accept) -> Sequence[RouteDef]:
        """Webhooks; each path begins with `site.path`."""
        return ()

    async def invitation(self, text: str) -> str:
        """An address that opens a conversation with us in which somebody only has to send this; '' where none does.

        `text` is one word of A-Z a-z 0-9, such as the code of a link: where the provider hands over a word by itself
        that is what comes in, else `/link ` and the word.
        """
        return ""

    async def reconcile(self, unknown: Sequence[Outbound]) -> Mapping[int, Receipt | None]:
        """Ask the provider what became of messages: a Receipt (it has it), None (it has not); absent: cannot say."""
        return {}

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of an attachment that came by reference, in chunks; or raise Refused or TryLater."""
        raise Refused("this channel has no attachments to fetch")
        yield b""

    async def typing(self, to: Address, context: Mapping[str, str]) -> None:
        """Show that an answer is being written, where the provider can."""
        return

    async def redact(self, to: Address, receipt: Receipt) -> bool:
        """Delete one of ours at the provider; False where it cannot be."""
        return False

    async def health(self) -> Sequence[Finding]:
        """What is wrong with this account now."""
        return ()

    def desk(self) -> Desk | None:
        """Where people take matters over by this account, if it can be that; the same one each time."""
        return None

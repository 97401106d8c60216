"""Fetches what a provider names by URL, and nothing else.

Anybody may have written a URL that comes with a message. So only hosts that the channel names are asked, at addresses
that are public; a name is looked up once, and what was judged is what is connected to: an answer that changes between
the look and the call (DNS rebinding) changes nothing. Redirects are followed by hand, each judged as the first was.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Self

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from omnibot.contract import Refused, TryLater

__all__ = ["Downloads"]

Origin = tuple[str, str, int]  # scheme, host, port
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]  # a name and a port → IP addresses

_HOPS = 2  # redirects: an API's own address, its store, the store's nearest copy
_ADDRESSES = 4  # of one name that are tried
_CONNECT_SECONDS = 5.0
_CHUNK = 64 * 1024  # bytes
_CONNECTIONS = 16
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291; mapped, NAT64 and local forms are all outside
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))  # Teredo, 6to4: an IPv4 address in disguise
_REDIRECTS = (301, 302, 303, 307, 308)
_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_NO_HEADERS: Mapping[str, str] = {}


async def _resolved(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Downloads:
    """The connections by which all channels of a process fetch; an async context. Calling it is `Site.download`.

    `seconds` bound a whole download, `idle_seconds` the wait for its next bytes. `resolve` looks names up, `tls` is
    what certificates are checked by.
    """

    def __init__(
        self,
        resolve: Resolve = _resolved,
        *,
        seconds: float = 50.0,
        idle_seconds: float = 15.0,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._resolve = resolve
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._tls = tls
        self._client: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._client = ClientSession(
            connector=TCPConnector(limit=_CONNECTIONS, ssl=self._tls),
            cookie_jar=DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,  # what is small on the way and huge behind it is never unpacked
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def __call__(
        self,
        url: str,
        *,
        hosts: Collection[str],
        max_bytes: int,
        headers: Mapping[str, str] = _NO_HEADERS,
        types: Collection[str] = ("",),
    ) -> AsyncIterator[bytes]:
        """The bytes behind a URL, in chunks; see `omnibot.contract.Download`."""
        try:
            async with self._answer(_read(url), _Hosts.of(hosts), headers) as answer:
                _judge(answer, max_bytes, types)
                async for chunk in _capped(answer, max_bytes):
                    yield chunk
        except TimeoutError as error:
            raise TryLater("it did not come through in time") from error
        except (ClientError, OSError) as error:
            raise TryLater(f"it did not come through ({type(error).__name__})") from error

    @asynccontextmanager
    async def _answer(self, url: URL, hosts: _Hosts, headers: Mapping[str, str]) -> AsyncIterator[ClientResponse]:
        """The first answer that is no redirect. What is secret never goes on to another host, nor back from there."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        for _ in range(_HOPS + 1):
            trusted = hosts.judge(url)
            async with await self._get(url, trusted, headers, deadline) as answer:
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
                following = _location(answer, url)
            headers = headers if _origin(following) == _origin(url) else _NO_HEADERS
            url = following
        raise Refused(f"redirected more than {_HOPS} times")

    async def _get(self, url: URL, trusted: bool, headers: Mapping[str, str], deadline: float) -> ClientResponse:
        if self._client is None:
            raise RuntimeError("downloads are not open")
        async with asyncio.timeout_at(deadline):
            addresses = await self._judged(url, trusted)
        for address in addresses[:-1]:
            try:
                return await self._get_from(address, url, headers, deadline)
            except (ClientConnectorError, TimeoutError):
                continue
        return await self._get_from(addresses[-1], url, headers, deadline)

    async def _judged(self, url: URL, trusted: bool) -> Sequence[str]:
        """The addresses of a host; one that may not be asked spoils them all."""
        _, host, port = _origin(url)
        try:
            addresses = list(dict.fromkeys(await self._resolve(host, port)))
        except OSError as error:
            raise TryLater("its host cannot be found") from error
        except UnicodeError as error:  # a label without end
            raise Refused("its address cannot be read") from error
        for address in addresses:
            if not _may_be_asked(ip_address(address.partition("%")[0]), trusted):
                raise Refused("its address leads into a private network")
        if not addresses:
            raise TryLater("its host cannot be found")
        return addresses[:_ADDRESSES]

    async def _get_from(self, address: str, url: URL, headers: Mapping[str, str], deadline: float) -> ClientResponse:
        """Ask at exactly that address; the name stays in the Host header and in what the certificate must say."""
        assert self._client is not None
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise TimeoutError
        return await self._client.get(
            url.with_host(address),
            headers={**headers, "Host": url.raw_authority},
            server_hostname=url.raw_host if url.scheme == "https" else None,
            allow_redirects=False,
            timeout=ClientTimeout(total=left, sock_connect=_CONNECT_SECONDS, sock_read=self._idle_seconds),
        )


# --- what may be asked ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hosts:
    """The hosts that a channel names: by name (https), by all that is below one, or as an origin."""

    names: frozenset[str]
    below: tuple[str, ...]
    origins: frozenset[Origin]

    @classmethod
    def of(cls, hosts: Collection[str]) -> _Hosts:
        named = {host.casefold() for host in hosts}
        return cls(
            names=frozenset(host.lstrip(".") for host in named if "://" not in host),
            below=tuple(host for host in named if host.startswith(".")),
            origins=frozenset(_origin(URL(host)) for host in named if "://" in host),
        )

    def judge(self, url: URL) -> bool:
        """Whether it is of an origin that was named as such; raises Refused for what may not be asked at all."""
        scheme, host, port = _origin(url)
        if (scheme, host, port) in self.origins:
            return True
        if scheme != "https" or port != 443:
            raise Refused("its address is not https")
        if host not in self.names and not host.endswith(self.below):
            raise Refused("its address is not the provider's")
        return False


def _origin(url: URL) -> Origin:
    return url.scheme, url.raw_host or "", url.port or 0


def _read(text: str) -> URL:
    """A URL as it stands, its host in lower case; raises Refused for what two readers could read differently."""
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in ' \\"<>'):
        raise Refused("its address cannot be read")
    try:
        url = URL(text, encoded=True)
        host = (url.raw_host or "").rstrip(".").casefold()
        if url.scheme not in ("https", "http") or not host or url.port is None:
            raise Refused("its address cannot be read")
        if url.raw_user is not None or url.raw_password is not None:
            raise Refused("its address holds a login")
        return url.with_host(host)
    except ValueError as error:
        raise Refused("its address cannot be read") from error


def _may_be_asked(address: IPv4Address | IPv6Address, trusted: bool) -> bool:
    """Public addresses; those of this machine and its networks for an origin that whoever runs the server named."""
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        # What a mapped address is told to be depends on the version of Python.
        return trusted and address.ipv4_mapped is None and (address.is_loopback or address.is_private)
    if isinstance(address, IPv6Address) and any(address in tunnel for tunnel in _TUNNELS):
        return False
    if address.is_reserved:
        return False
    return address.is_global or (trusted and address.is_private)


# --- what may come -------------------------------------------------------------------------------------------------


def _location(answer: ClientResponse, url: URL) -> URL:
    location = answer.headers.get("Location", "")
    if not location:
        raise Refused("redirected to nowhere")
    try:
        return _read(str(url.join(URL(location, encoded=True))))
    except ValueError as error:
        raise Refused("its address cannot be read") from error


def _judge(answer: ClientResponse, max_bytes: int, types: Collection[str]) -> None:
    if answer.status != HTTPStatus.OK:
        reason = f"status {answer.status}"
        if answer.status >= 500 or answer.status in _AGAIN:
            raise TryLater(reason, _retry_after(answer))
        raise Refused(reason)
    if answer.headers.get("Content-Encoding", "identity").casefold() != "identity":
        raise Refused("compressed, which was not asked for")
    if (answer.content_length or 0) > max_bytes:
        raise Refused(f"larger than {max_bytes} bytes")
    if not answer.content_type.startswith(tuple(types)):
        raise Refused(f"of another type than expected: {answer.content_type}")


async def _capped(answer: ClientResponse, max_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in answer.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise Refused(f"larger than {max_bytes} bytes")
        yield chunk


def _retry_after(answer: ClientResponse) -> float | None:
    """In seconds, or as a date (RFC 9110, 10.2.3); None for what is neither."""
    said = answer.headers.get("Retry-After", "")
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # a date without a zone is none, either
        return None

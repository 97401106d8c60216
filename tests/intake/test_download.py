"""What a provider names by URL is fetched from it alone, and never from a private network. Row 40 of bad inputs."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from omnibot.contract import Refused, TryLater
from omnibot.intake import download
from omnibot.intake.download import Downloads

PEM = Path(__file__).parent / "tls" / "files.example.test.pem"  # key and certificate of that name
PRIVATE = "its address leads into a private network"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """An HTTP server on loopback that answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.BaseRequest] = []
        self.answer: Handler = self.file
        self.urls: list[str] = []

    async def file(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=b"the file", content_type="image/jpeg")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)  # type: ignore[arg-type]


async def served(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(server), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest_asyncio.fixture
async def origin(server: Server) -> AsyncIterator[str]:
    async for place in served(server):
        yield f"http://{place}"


@pytest_asyncio.fixture
async def other_origin(server: Server) -> AsyncIterator[str]:
    async for place in served(server):
        yield f"http://{place}"


@pytest_asyncio.fixture
async def downloads() -> AsyncIterator[Downloads]:
    async with Downloads(seconds=5, idle_seconds=0.3) as downloads:
        yield downloads


async def got(downloads: Downloads, url: str, hosts: Sequence[str], max_bytes: int = 100, **more: object) -> bytes:
    chunks = downloads(url, hosts=hosts, max_bytes=max_bytes, **more)  # type: ignore[arg-type]
    return b"".join([chunk async for chunk in chunks])


def resolving(*answers: str) -> tuple[Downloads, list[str]]:
    """Downloads whose names are looked up here: one answer after the other, the last one for good."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [answers[min(len(asked), len(answers)) - 1]]

    return Downloads(resolve, seconds=1), asked


# --- what is fetched -----------------------------------------------------------------------------------------------


async def test_what_a_named_origin_has_is_fetched(downloads: Downloads, server: Server, origin: str) -> None:
    assert await got(downloads, f"{origin}/a%2Fb?signed=a%2fb+c", [origin]) == b"the file"
    [request] = server.asked
    assert request.raw_path == "/a%2Fb?signed=a%2fb+c"  # to the sign: it may be signed
    assert request.headers["Accept-Encoding"] == "identity"


async def test_the_origin_may_be_named_with_a_path(downloads: Downloads, origin: str) -> None:
    assert await got(downloads, f"{origin}/x", [f"{origin}/api/"]) == b"the file"


async def test_the_name_stays_for_the_certificate_and_the_host_header(server: Server) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(PEM)
    told: list[str] = []
    ours.sni_callback = lambda _socket, name, _context: told.append(name)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async for place in served(server, ours):
        url = f"https://files.example.test:{place.partition(':')[2]}"
        async with Downloads(resolve, tls=ssl.create_default_context(cafile=PEM)) as downloads:
            assert await got(downloads, f"{url}/x", [url]) == b"the file"
        async with Downloads(resolve) as strict:
            with pytest.raises(TryLater, match="Certificate"):
                await got(strict, f"{url}/x", [url])
    assert server.asked[0].headers["Host"] == url.removeprefix("https://")
    assert told[0] == "files.example.test"


async def test_another_address_is_tried_where_the_first_does_not_answer(server: Server, origin: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]

    url = origin.replace("127.0.0.1", "files.example.test")
    async with Downloads(resolve) as downloads:
        assert await got(downloads, url, [url]) == b"the file"


async def test_it_works_only_in_its_context(origin: str) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await got(Downloads(), origin, [origin])


# --- where nobody may lead us --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "not https"),
        ("https://169.254.169.254/latest/meta-data/", "not the provider's"),
        ("https://[::ffff:127.0.0.1]/", "not the provider's"),
        ("https://2130706433/", "not the provider's"),
        ("https://0177.0.0.1/", "not the provider's"),
        ("https://media.example.com.evil.example/", "not the provider's"),
        ("https://evilmedia.example.com/", "not the provider's"),
        ("https://media.example.com@evil.example/", "login"),
        ("https://user:password@media.example.com/", "login"),
        ("https://media.example.com:8443/", "not https"),
        ("https://media.example.com:0/", "not https"),
        ("http://media.example.com/", "not https"),
        ("https://evil.example\\@media.example.com/", "cannot be read"),
        ("https://media.example.com/\r\nHost: evil", "cannot be read"),
        ("https://medıa.example.com/", "cannot be read"),
        ("https://media.example.com:99999/", "cannot be read"),
        ("https:///media.example.com", "cannot be read"),
        ("file:///etc/passwd", "cannot be read"),
        ("ftp://media.example.com/", "cannot be read"),
        ("media.example.com/a.jpg", "cannot be read"),
        ("", "cannot be read"),
    ],
)
async def test_what_is_not_the_providers_is_not_asked(url: str, reason: str) -> None:
    downloads, asked = resolving("127.0.0.1")
    async with downloads:
        with pytest.raises(Refused, match=reason):
            await got(downloads, url, ["media.example.com"])
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::",
        "2001:0:7f00:1::", "2001:db8::1", "100::1",
    ],
)  # fmt: skip
async def test_no_private_network_is_entered(address: str) -> None:
    downloads, _ = resolving(address)
    async with downloads:
        with pytest.raises(Refused, match=PRIVATE):
            await got(downloads, "https://media.example.com/", ["media.example.com"])


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost", "127.0.0.1"])
async def test_a_private_address_in_disguise_is_none_of_the_providers_even_when_named(host: str) -> None:
    async with Downloads(seconds=2) as downloads:
        with pytest.raises((Refused, TryLater), match=rf"{PRIVATE}|cannot be found"):
            await got(downloads, f"https://{host}/", [host])


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "::", "ff02::1", "fe80::1", "::ffff:127.0.0.1"])
async def test_even_a_trusted_origin_is_not_followed_everywhere(address: str) -> None:
    downloads, _ = resolving(address)
    async with downloads:
        with pytest.raises(Refused, match=PRIVATE):
            await got(downloads, "http://internal:8080/", ["http://internal:8080"])


async def test_one_private_address_among_public_ones_spoils_them_all() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    async with Downloads(resolve) as downloads:
        with pytest.raises(Refused, match=PRIVATE):
            await got(downloads, "https://media.example.com/", ["media.example.com"])


async def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(
    server: Server, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebinding name: public at the first look, ourselves at the second."""
    connected: list[str] = []

    async def start_connection(addr_infos: Sequence[tuple], **_: object) -> None:
        connected.extend(info[-1][0] for info in addr_infos)
        raise OSError("nobody is there")

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", start_connection)
    downloads, asked = resolving("93.184.216.34", "127.0.0.1")
    async with downloads:
        with pytest.raises(TryLater, match="ClientConnectorError"):
            await got(downloads, "https://media.example.com/", ["media.example.com"])
    assert asked == ["media.example.com"]
    assert connected == ["93.184.216.34"]
    assert server.asked == []


def test_the_public_addresses_are_just_those_that_are_global() -> None:
    assert all(download._may_be_asked(ip_address(a), False) for a in ("93.184.216.34", "8.8.8.8", "2606:4700::1111"))


@given(st.ip_addresses(v=4))
def test_no_address_of_a_private_network_in_v6_clothes_is_asked(address) -> None:
    packed = int(address)
    for disguise in (f"::ffff:{address}", f"::{address}", ip_address((0x64FF9B << 96) + packed),
                     ip_address((0x2002 << 112) + (packed << 80))):  # fmt: skip
        assert not download._may_be_asked(ip_address(str(disguise)), False)


@given(st.text(), st.sampled_from(["https://{}", "https://media.example.com{}", "https://{}.example.com/", "{}"]))
def test_whatever_is_written_is_read_or_refused(text: str, form: str) -> None:
    try:
        url = download._read(form.format(text))
    except Refused:
        return
    assert url.raw_host
    assert url.raw_user is None
    assert url.raw_password is None


async def test_a_name_without_end_is_refused() -> None:
    name = f"{'a' * 64}.example.com"
    async with Downloads() as downloads:
        with pytest.raises(Refused, match="cannot be read"):
            await got(downloads, f"https://{name}/", [".example.com"])


async def test_a_host_that_cannot_be_found_is_tried_later() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return []

    async with Downloads(resolve) as downloads:
        with pytest.raises(TryLater, match="cannot be found"):
            await got(downloads, "https://media.example.com/", ["media.example.com"])
    async with Downloads() as downloads:
        with pytest.raises(TryLater, match="cannot be found"):
            await got(downloads, "https://media.invalid/", ["media.invalid"])


@pytest.mark.parametrize("host", ["example.com", "a.example.com", "a.b.example.com", "A.EXAMPLE.com", "a.example.com."])
async def test_all_that_is_below_a_name_can_be_named(host: str) -> None:
    downloads, asked = resolving("127.0.0.1")
    async with downloads:
        with pytest.raises(Refused, match=PRIVATE):
            await got(downloads, f"https://{host}/", [".Example.com"])
    assert asked == [host.lower().rstrip(".")]


# --- redirects -----------------------------------------------------------------------------------------------------


def redirecting(*targets: str) -> Handler:
    """One redirect after the other, then the file."""
    left = list(targets)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": left.pop(0)}) if left else web.Response(body=b"the file")

    return answer


async def test_redirects_are_followed_twice_at_most(downloads: Downloads, server: Server, origin: str) -> None:
    server.answer = redirecting("/b", f"{origin}/c?d=%2f")
    assert await got(downloads, f"{origin}/a", [origin]) == b"the file"
    assert [request.raw_path for request in server.asked] == ["/a", "/b", "/c?d=%2f"]
    server.answer = redirecting("/b", "/c", "/d")
    with pytest.raises(Refused, match="more than 2 times"):
        await got(downloads, f"{origin}/a", [origin])


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1:1/", "not https"),
        ("https://169.254.169.254/", "not the provider's"),
        ("https://internal/", PRIVATE),
        ("//internal/", "not https"),
        ("https://a:b@media.example.com/", "login"),
        ("https://media.example.com:99999/", "cannot be read"),
        ("", "nowhere"),
    ],
)
async def test_a_redirect_leads_nowhere_else(server: Server, origin: str, location: str, reason: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host != "internal" else ["10.0.0.1"]

    server.answer = redirecting(location)
    async with Downloads(resolve) as downloads:
        with pytest.raises(Refused, match=reason):
            await got(downloads, origin, [origin, "internal", "media.example.com"])
    assert len(server.asked) == 1


async def test_only_the_first_host_gets_the_credentials(
    downloads: Downloads, server: Server, origin: str, other_origin: str
) -> None:
    server.answer = redirecting(f"{origin}/b", other_origin)
    hosts, secret = [origin, other_origin], {"Authorization": "Bearer secret"}
    await got(downloads, origin, hosts, headers=secret)
    server.answer = redirecting(other_origin, f"{origin}/back")
    await got(downloads, origin, hosts, headers=secret)
    assert ["Authorization" in request.headers for request in server.asked] == [True, True, False, True, False, False]


# --- what may come -------------------------------------------------------------------------------------------------


async def test_a_file_that_is_too_large_is_refused_unread(downloads: Downloads, server: Server, origin: str) -> None:
    async def says_so(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 101)

    server.answer = says_so
    with pytest.raises(Refused, match="larger than 100 bytes"):
        await got(downloads, origin, [origin])
    assert await got(downloads, origin, [origin], max_bytes=101) == b"x" * 101


async def test_a_file_that_does_not_say_its_size_is_cut_off(downloads: Downloads, server: Server, origin: str) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 60)

    server.answer = endless
    with pytest.raises(Refused, match="larger than 100 bytes"):
        await got(downloads, origin, [origin])


async def test_what_is_compressed_is_not_unpacked(downloads: Downloads, server: Server, origin: str) -> None:
    async def bomb(_: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(b"0" * 10_000), headers={"Content-Encoding": "gzip"})

    server.answer = bomb
    with pytest.raises(Refused, match="compressed"):
        await got(downloads, origin, [origin], max_bytes=1000)


async def test_another_type_than_expected_is_refused(downloads: Downloads, server: Server, origin: str) -> None:
    async def login_page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    assert await got(downloads, origin, [origin], types=["video/", "image/"]) == b"the file"
    server.answer = login_page
    with pytest.raises(Refused, match="text/html"):
        await got(downloads, origin, [origin], types=["image/"])


@pytest.mark.parametrize(
    ("status", "given", "after"),
    [
        (429, "7", 7),
        (503, "120", 120),
        (500, "", None),
        (502, "soon", None),
        (503, "-5", None),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (503, "Wed, 21 Oct 2015 07:28:00 -0000", None),
        (408, "", None),
        (425, "", None),
    ],
)
async def test_what_may_come_later_is_tried_later(
    downloads: Downloads, server: Server, origin: str, status: int, given: str, after: float | None
) -> None:
    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": given})

    server.answer = busy
    with pytest.raises(TryLater, match=f"status {status}") as later:
        await got(downloads, origin, [origin])
    assert later.value.after == after


async def test_a_date_to_come_again_at_is_understood(downloads: Downloads, server: Server, origin: str) -> None:
    async def busy(_: web.Request) -> web.StreamResponse:
        at = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
        return web.Response(status=503, headers={"Retry-After": at})

    server.answer = busy
    with pytest.raises(TryLater) as later:
        await got(downloads, origin, [origin])
    assert later.value.after == pytest.approx(120, abs=5)


@pytest.mark.parametrize("status", [204, 206, 300, 304, 400, 401, 403, 404, 410])
async def test_what_never_comes_is_refused(downloads: Downloads, server: Server, origin: str, status: int) -> None:
    async def gone(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    server.answer = gone
    with pytest.raises(Refused, match=f"status {status}"):
        await got(downloads, origin, [origin])


async def test_who_falls_silent_is_left(downloads: Downloads, server: Server, origin: str) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "50"})
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(10)
        return response

    server.answer = silent
    with pytest.raises(TryLater, match="in time"):
        await got(downloads, origin, [origin])


async def test_who_drips_is_left_at_the_deadline(server: Server, origin: str) -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    server.answer = dripping
    async with Downloads(seconds=0.3, idle_seconds=10) as downloads:
        with pytest.raises(TryLater, match="in time"):
            await got(downloads, origin, [origin], max_bytes=10**6)


async def test_the_deadline_is_one_for_all_redirects(server: Server, origin: str) -> None:
    async def slowly(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return web.Response(status=302, headers={"Location": "/again"})

    server.answer = slowly
    async with Downloads(seconds=0.3) as downloads:
        with pytest.raises(TryLater, match="in time"):
            await got(downloads, origin, [origin])


async def test_a_name_that_takes_too_long_to_look_up_is_tried_later() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(10)
        return []

    async with Downloads(resolve, seconds=0.1) as downloads:
        with pytest.raises(TryLater, match="in time"):
            await got(downloads, "https://media.example.com/", ["media.example.com"])


async def test_a_cut_connection_is_tried_later(downloads: Downloads, server: Server, origin: str) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "50"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = cut
    with pytest.raises(TryLater, match=r"ClientPayloadError|ClientOSError|Disconnected"):
        await got(downloads, origin, [origin])


async def test_nobody_keeps_a_cookie(downloads: Downloads, server: Server, origin: str) -> None:
    async def tracking(_: web.Request) -> web.StreamResponse:
        response = web.Response(body=b"x")
        response.set_cookie("who", "you")
        return response

    server.answer = tracking
    await got(downloads, origin, [origin])
    await got(downloads, origin, [origin])
    assert "Cookie" not in server.asked[1].headers

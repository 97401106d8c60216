"""Mail as it is in the world: Postfix in front of us, Dovecot behind, and what they really say.

Skipped where these are not installed; .ci/run sees to them where it may.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from omnibot.contract import Site
from omnibot.model import Address, DeliveryState, Direction, Incoming, IncomingMessage
from omnibot.sandbox.world import World
from omnibot_email import Email
from omnibot_email.settings import EmailSettings
from tests.journeys.conftest import DEADLINE, MakeWorld
from tests.journeys.mail_servers import AUTHSERV_ID, HOST, MISSING, US, MailServers, mail_servers

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"real mail servers: {MISSING}")

SARAH = "sarah@example.org"
MIKE = "mike@example.org"
BELIEVED = f"Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from=example.org\nReceived: by mx\n".encode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def servers() -> AsyncIterator[MailServers]:
    async with mail_servers(users=(SARAH, MIKE, US)) as servers:
        yield servers


@pytest_asyncio.fixture
async def place(make_world: MakeWorld, servers: MailServers) -> AsyncIterator[World]:
    """The whole server between them."""
    channels = {"email": {"support": account(servers, listen={"host": HOST, "port": servers.listen_port})}}
    async with make_world(sections={"channels": channels}) as place, place.serving():
        yield place


def account(servers: MailServers, **more: Any) -> dict[str, Any]:
    smtp = {"host": "localhost", "port": servers.smtp_port, "security": "starttls", "ca": servers.authority}
    return {"address": US, "from_name": "Example Support", "authserv_id": AUTHSERV_ID, "smtp": smtp, **more}


def mailbox(servers: MailServers) -> dict[str, Any]:
    """Nothing but Dovecot's own word tells of new mail in time."""
    return {
        "host": "localhost",
        "port": servers.imap_port,
        "security": "starttls",
        "ca": servers.authority,
        "password": "secret",
        "poll_seconds": 600,
    }


def mail(text: str, *, sender: str = SARAH, number: int = 0, answers: EmailMessage | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Sarah Lind <{sender}>"
    message["To"] = answers["Reply-To"] if answers else US
    message["Subject"] = "My data"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{number}.{sender}>"
    if answers:
        message["In-Reply-To"] = answers["Message-ID"]
    message.set_content(text)
    return message


async def until(true: Callable[[], Awaitable[bool]], servers: MailServers) -> None:
    try:
        async with asyncio.timeout(4 * DEADLINE):
            while not await true():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(servers.logs()) from None


async def test_a_question_and_its_answer_make_the_whole_way_and_back(place: World, servers: MailServers) -> None:
    """Postfix → LMTP → Omnibot → Postfix → Dovecot, and the customer's answer to a plus address."""
    servers.write(mail("Hello, how can I export my data?", number=1), sender=SARAH)
    (answer,) = await servers.wait_for(SARAH)
    assert "export" in answer.get_body(("plain",)).get_content().lower()
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: My data", "<1.sarah@example.org>")
    assert answer["Return-Path"].startswith("<support+b")
    reply_to = parseaddr(answer["Reply-To"])[1]
    servers.write(mail("Thank you. And how do I cancel?", number=2, answers=answer), sender=SARAH, to=reply_to.upper())
    both = await servers.wait_for(SARAH, count=2)  # a Maildir has no order within a second
    [second] = [letter for letter in both if letter["Message-ID"] != answer["Message-ID"]]
    assert "cancel" in second.get_body(("plain",)).get_content().lower()
    async with place.looking() as store:
        customer = await store.records.customer_of(Address("email", SARAH))
        assert customer is not None
        timeline = await store.records.timeline(customer)
    assert [message.direction for message in timeline] == [Direction.IN, Direction.OUT] * 2
    assert timeline[2].answers == timeline[1].id
    assert [message.state for message in timeline[1::2]] == [DeliveryState.SENT] * 2


async def test_an_answer_to_nobody_comes_back_and_closes_the_address(
    place: World, servers: MailServers, dsn: str
) -> None:
    """Postfix takes it, and learns only from Dovecot that there is no such mailbox: it tells us in a report."""
    gone = "gone@example.org"
    servers.write(mail("How do I cancel?", sender=gone, number=1), sender=gone)
    async with place.looking() as store:

        async def handed() -> bool:
            return any("bounced (5.1.1)" in handoff.reason for handoff in await store.records.handoffs())

        await until(handed, servers)
        customer = await store.records.customer_of(Address("email", gone))
        assert customer is not None
        _, answer = await store.records.timeline(customer)
        assert answer.state is DeliveryState.REFUSED
        assert await store.records.quarantined() == []
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM addresses WHERE unreachable_at IS NOT NULL") == 1
    finally:
        await connection.close()


async def test_a_question_in_a_mailbox_at_a_provider_is_answered_too(
    make_world: MakeWorld, servers: MailServers
) -> None:
    """Dovecot, by IMAP → Omnibot → Postfix → Dovecot."""
    question = mail("How do I cancel?", sender=MIKE, number=1)
    servers.fill(US, iter([BELIEVED + question.as_bytes()]))
    channels = {"email": {"support": account(servers, imap=mailbox(servers))}}
    async with make_world(sections={"channels": channels}) as place, place.serving():
        (answer,) = await servers.wait_for(MIKE)
    assert "cancel" in answer.get_body(("plain",)).get_content().lower()
    assert answer["In-Reply-To"] == question["Message-ID"]


async def test_what_is_not_for_us_is_not_taken(place: World, servers: MailServers) -> None:
    other = mail("hello", number=3)
    with pytest.raises(ConnectionError, match="refused"):
        await deliver(servers, other, "sales@example.com")


async def deliver(servers: MailServers, message: EmailMessage, to: str) -> None:
    """Hand a mail to our listener as Postfix does; raises what it answers."""
    reader, writer = await asyncio.open_connection(HOST, servers.listen_port)
    for line in ("", "LHLO test", f"MAIL FROM:<{SARAH}>", f"RCPT TO:<{to}>"):
        if line:
            writer.write(f"{line}\r\n".encode())
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
    writer.close()
    if answer.startswith(b"5"):
        raise ConnectionError(f"refused: {answer.decode()}")


MANY = 2_000


class Core:
    """Keeps what is said, once for each id, and how much came at once at the most."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.most = 0

    @property
    def texts(self) -> list[str]:
        return list(self.said.values())

    async def __call__(self, arrivals: Sequence[Incoming]) -> None:
        self.most = max(self.most, len(arrivals))
        self.said |= {item.id: item.text for item in arrivals if isinstance(item, IncomingMessage)}


async def test_two_thousand_mails_in_a_mailbox_are_read_in_order_and_once(servers: MailServers) -> None:
    servers.fill(US, (_lying_there(number) for number in range(MANY)))
    given = EmailSettings.model_validate(account(servers, imap=mailbox(servers)))
    site = Site(account="support", path="/x", public_url="", key=b"k", now=lambda: datetime.now(UTC))
    core = Core()
    async with Email(site, given) as channel:
        assert await channel.health() == []
        for count in (MANY, MANY + 1):  # after a stop, what came meanwhile and nothing else
            async with _reading(channel, core):
                await until(lambda count=count: _has(core, count), servers)
                if count == MANY:
                    servers.fill(US, iter([_lying_there(MANY)]))  # Dovecot tells of it
    assert core.texts == [f"mail {number}" for number in range(MANY + 1)]
    assert 1 < core.most <= 25


async def _has(core: Core, count: int) -> bool:
    return len(core.said) >= count


@asynccontextmanager
async def _reading(channel: Email, core: Core) -> AsyncIterator[None]:
    listener = asyncio.ensure_future(channel.listen(core))
    try:
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


def _lying_there(number: int) -> bytes:
    return BELIEVED + mail(f"mail {number}", number=number).as_bytes()

"""The company's mail server: it takes what Omnibot sends, strictly, and brings Omnibot what customers write."""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import ssl
from collections.abc import Coroutine, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from omnibot.model import Address
from omnibot.sandbox.faults import Blocked, Cut, Fault, Faults, Hang, ServerError, Throttle
from omnibot.sandbox.ledger import Ledger, Outcome
from omnibot.sandbox.mail.customers import MailCustomers
from omnibot.sandbox.mail.imap_folders import ImapAccount
from omnibot.sandbox.mail.letters import Mail, returned
from omnibot.sandbox.mail.mailboxes import Mailbox
from omnibot.sandbox.mail.post import PROVIDER, Exchanger, Posted, ToListener, ToMailbox, Verdict
from omnibot.sandbox.mail.rules import MAX_LINE, fault_of, is_address
from omnibot.sandbox.server import HOST

MAX_BYTES = 25_000_000
_UNKNOWN = "550 5.1.1 no such mailbox"
_BUSY = "451 4.3.0 try again later"


class MailSandbox:
    """A mail server on loopback, an async context; `port` 0 takes a free one for submission.

    Omnibot sends to `HOST:port` and must listen at `deliver_to`, where mail to `address` is brought.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        address: str = "support@example.com",
        authserv_id: str = "mx.example.com",
        deliver_to: tuple[str, int] | ImapAccount = (HOST, 8024),
        protocol: Literal["lmtp", "smtp"] = "lmtp",
        username: str = "",
        password: str = "",
        token: str = "",
        retry_after: float = 1.0,
        plus_senders: bool = True,
        tls: ssl.SSLContext | None = None,
        security: Literal["none", "starttls", "tls"] = "none",
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self.faults = Faults() if faults is None else faults
        self.port = port
        self.address = address
        self.login = (username.encode(), password.encode())
        self.token = token  # lets in by OAuth 2.0, too
        self.tls = tls
        self.security = security
        self.plus_senders = plus_senders  # whether the company may send as its plus addresses
        self.closed_mailboxes: set[str] = set()
        self.returning: dict[str, str] = {}  # address → status (RFC 3463) with which its mail comes back
        self.sessions: set[_Session] = set()
        self.customers = MailCustomers(self)
        self._mailboxes: dict[str, Mailbox] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._exchanger = Exchanger(
            hand_over=ToMailbox(deliver_to)
            if isinstance(deliver_to, ImapAccount)
            else ToListener(*deliver_to, protocol),
            authserv_id=authserv_id,
            retry_after=retry_after,
            faults=self.faults,
            spawn=self._spawn,
            now=self.now,
        )

    async def __aenter__(self) -> Self:
        # aiosmtpd logs every command with its addresses
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        at_once = self.tls if self.security == "tls" else None
        self._server = await loop.create_server(lambda: _Session(self), HOST, self.port, ssl=at_once)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        ending = [*self._tasks, *(session.end() for session in self.sessions)]
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*ending, return_exceptions=True)

    def now(self) -> datetime:
        """The time of the sandbox: its ledger's."""
        return self.ledger.now()

    # --- customers -----------------------------------------------------------------------------------------

    def mailbox(self, address: str, name: str = "") -> Mailbox:
        """The mailbox of a customer; made at the first call."""
        return self._mailboxes.setdefault(address, Mailbox(self, address, name))

    def close_mailbox(self, address: str) -> None:
        """There is no such mailbox any more: 550 for whoever writes to it."""
        self.closed_mailboxes.add(address)

    def return_mail(self, address: str, status: str = "5.1.1") -> None:
        """Mail to this address is taken, and comes back in a report: a mailbox that only its own server misses.

        `status` is RFC 3463's; what begins with 4 is only delayed.
        """
        self.returning[address] = status

    def post(
        self,
        raw: bytes,
        *,
        sender: str,
        recipient: str = "",
        verdict: Verdict = Verdict.PASS,
        message_id: str = "",
    ) -> Posted:
        """Bring a mail of any form to Omnibot; `recipient` is the company's address unless told."""
        return self._exchanger.post(raw, sender, recipient or self.address, verdict, message_id)

    def post_again(self, posted: Posted) -> None:
        """Bring a mail once more, the same to the byte."""
        self._exchanger.again(posted)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what Omnibot sends, as aiosmtpd calls it --------------------------------------------------------------

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        """Whether this is the account's login."""
        expected_name, expected_password = self.login
        known = hmac.compare_digest(login.login, expected_name)
        return AuthResult(success=known and hmac.compare_digest(login.password, expected_password), handled=False)

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:
        """A login by access token, as Google and Microsoft have it."""
        said = base64.b64decode(words[1]) if len(words) > 1 else b""
        known = b"user=%b\x01auth=Bearer %b\x01\x01" % (self.login[0], self.token.encode())
        return AuthResult(success=bool(self.token) and hmac.compare_digest(said, known), handled=False)

    async def handle_MAIL(
        self, server: _Session, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Who sends: the company's own address, after a login where there is one."""
        server.pending = None
        fault = self.faults.take(PROVIDER, "MAIL")
        if refusal := await self._misbehave(server, "MAIL", {"from": address}, fault):
            return refusal
        if self.login != (b"", b"") and not session.authenticated:
            return self._refuse("MAIL", {"from": address}, "530 5.7.0 authentication required")
        if not is_address(address):
            return self._refuse("MAIL", {"from": address}, "553 5.1.7 malformed sender")
        if not self._is_ours(address):
            return self._refuse("MAIL", {"from": address}, "553 5.7.1 sender address is not yours")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    def _is_ours(self, sender: str) -> bool:
        local, _, domain = self.address.rpartition("@")
        is_plus = sender.startswith(f"{local}+") and sender.endswith(f"@{domain}")
        return sender == self.address or (is_plus and self.plus_senders)

    async def handle_RCPT(
        self, server: _Session, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """To whom."""
        fault = server.pending or self.faults.take(PROVIDER, "RCPT", address)
        if isinstance(fault, Blocked) or address in self.closed_mailboxes:
            return self._refuse("RCPT", {"to": address}, _UNKNOWN)
        if refusal := await self._misbehave(server, "RCPT", {"to": address}, fault):
            return refusal
        if not is_address(address):
            return self._refuse("RCPT", {"to": address}, "553 5.1.3 malformed recipient")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:
        """The mail."""
        raw = bytes(envelope.original_content or b"")
        mails = [Mail(str(envelope.mail_from), recipient, raw) for recipient in envelope.rcpt_tos]
        payload = {"from": envelope.mail_from, "to": mails[0].recipient, "raw": raw}
        fault = server.pending or self.faults.take(PROVIDER, "DATA", mails[0].recipient)
        if wrong := fault_of(raw, eight_bit="BODY=8BITMIME" in envelope.mail_options):
            return self._refuse("DATA", payload, f"550 5.6.0 {wrong}")
        payload |= {"subject": mails[0].subject, "text": mails[0].text, "message_id": mails[0].message_id}
        if isinstance(fault, Hang | Cut) and fault.accepted:
            await self._keep(mails, payload, Outcome.UNANSWERED)
            await server.vanish(fault)
        elif refusal := await self._misbehave(server, "DATA", payload, fault):
            return refusal
        await self._keep(mails, payload, Outcome.ACCEPTED)
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """What is answered to a mail on which the sandbox itself fails."""
        return f"451 4.3.0 sandbox: {type(error).__name__}"

    async def _keep(self, mails: list[Mail], payload: Mapping[str, Any], outcome: Outcome) -> None:
        to = str(Address("email", payload["to"]))
        self.ledger.append(PROVIDER, self.address, "DATA", payload, outcome, to=to, text=payload["text"])
        for mail in mails:
            if status := self.returning.get(mail.recipient):
                raw = returned(mail, status, at=self.now())
                self.post(raw, sender="", recipient=mail.sender, verdict=Verdict.UNCHECKED)
            else:
                await self.mailbox(mail.recipient).receive(mail)

    def _refuse(self, method: str, payload: Mapping[str, Any], answer: str) -> str:
        self.ledger.append(PROVIDER, self.address, method, payload, Outcome.REFUSED, answer)
        return answer

    async def _misbehave(self, server: _Session, method: str, payload: Mapping[str, Any], fault: Fault | None) -> str:
        """What is answered at a fault; '' where there is none, or where it is for a later command."""
        match fault:
            case Throttle():
                return self._refuse(method, payload, "450 4.7.1 too many messages, slow down")
            case ServerError(status):
                # an HTTP status is what an order says that names no code of SMTP
                return self._refuse(method, payload, _BUSY if status < 550 else f"{status} 5.3.0 error")
            case Hang(accepted=False) | Cut(accepted=False):
                self.ledger.append(PROVIDER, self.address, method, payload, Outcome.REFUSED, "no answer")
                await server.vanish(fault)
            case Blocked() | Hang() | Cut():
                server.pending = fault
        return ""


class _Session(SMTP):
    """One connection of Omnibot's."""

    line_length_limit = MAX_LINE + len("\r\n") + len(".")

    def __init__(self, sandbox: MailSandbox) -> None:
        super().__init__(
            sandbox,
            data_size_limit=MAX_BYTES,
            hostname="mail.sandbox.example",
            auth_require_tls=sandbox.login == (b"", b""),  # AUTH is only offered where there is a login
            authenticator=sandbox.authenticate,
            auth_exclude_mechanism=[] if sandbox.token else ["XOAUTH2"],
            tls_context=sandbox.tls if sandbox.security == "starttls" else None,
            require_starttls=sandbox.security == "starttls",
            loop=asyncio.get_running_loop(),
        )
        self.pending: Fault | None = None  # ordered at an earlier command, due at a later one
        self._sandbox = sandbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sandbox.sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._sandbox.sessions.discard(self)

    def end(self) -> asyncio.Task[None]:
        """Hang up."""
        assert self.transport is not None
        assert self._handler_coroutine is not None
        self.transport.close()
        return self._handler_coroutine

    async def vanish(self, fault: Hang | Cut) -> None:
        """Never answer: hold the connection, or cut it. Ends with the connection, by cancellation."""
        if isinstance(fault, Cut) and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        await asyncio.get_running_loop().create_future()

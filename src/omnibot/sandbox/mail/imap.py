"""A mail provider's IMAP server (RFC 3501) on loopback: the other way in which a company gets its mail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from types import TracebackType
from typing import Literal, Self

from omnibot.sandbox.faults import Faults
from omnibot.sandbox.ledger import Ledger
from omnibot.sandbox.mail.imap_connection import Connection
from omnibot.sandbox.mail.imap_folders import ImapAccount
from omnibot.sandbox.mail.imap_wire import MAX_LINE
from omnibot.sandbox.server import HOST

Extension = Literal["IDLE", "MOVE", "UIDPLUS", "UNSELECT", "KEYWORDS"]


class ImapSandbox:
    """An IMAP server, an async context; `port` 0 takes a free one.

    As strict as RFC 3501 about what clients write, with LITERAL+, IDLE, MOVE, UIDPLUS, UNSELECT, AUTH=PLAIN and
    XOAUTH2. `lacks` says which extensions it does without, and KEYWORDS when it stores no flags but the standard's
    own, as Exchange does. Laxer than real ones: FETCH knows no ENVELOPE and no BODYSTRUCTURE, SEARCH looks into
    headers but not into bodies, folders have no hierarchy, and nothing is throttled unless ordered.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        security: Literal["none", "starttls", "tls"] = "none",
        lacks: Collection[Extension] = (),
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self.faults = Faults() if faults is None else faults
        self.port = port
        self.tls = tls
        self.security = security
        self.lacks = frozenset(lacks)
        self.accounts: dict[str, ImapAccount] = {}
        self.logins = 0  # that were let in
        self.connections: set[Connection] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, HOST, self.port, limit=MAX_LINE, ssl=self.tls if self.security == "tls" else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        if self._running:
            await asyncio.wait(self._running)

    def account(self, name: str, password: str = "", token: str = "") -> ImapAccount:
        """Somebody's mailbox; made at the first call. `token` lets in by OAuth 2.0."""
        return self.accounts.setdefault(name, ImapAccount(name, password, token, self.ledger.now))

    def drop(self) -> None:
        """Cut all connections, without a word."""
        for connection in list(self.connections):
            connection.cut()

    def go_silent(self) -> None:
        """All connections stay up, and nothing is answered on them any more, as behind a router that has forgotten."""
        for connection in self.connections:
            connection.silent = True

    def renumber(self, account: ImapAccount, folder: str = "INBOX") -> None:
        """Change the UIDVALIDITY of a folder; whoever has it open is sent away."""
        account.folders[folder].renumber()
        for connection in self.connections:
            if connection.folder is account.folders[folder]:
                connection.send_away("the mailbox was rebuilt")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(self, reader, writer)
        self._running.add(task)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            self._running.discard(task)
            writer.close()

"""The customers: each has a mailbox, reads what comes and writes to the company."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.mail.letters import Draft, Mail, Program, answer
from omnibot.sandbox.mail.post import Posted, Verdict


class Company(Protocol):
    """What a mailbox needs of the company that it writes to."""

    address: str

    def now(self) -> datetime:
        """The time of the sandbox."""
        ...

    def post(self, raw: bytes, *, sender: str, recipient: str, verdict: Verdict, message_id: str) -> Posted:
        """Put a mail on its way."""
        ...


class Mailbox:
    """A customer's mailbox. What it writes is on its way when a method returns."""

    def __init__(self, company: Company, address: str, name: str) -> None:
        self.address = address
        self.name = name
        self.verdict = Verdict.PASS  # what the company's server finds out about this sender
        self.mails: list[Mail] = []
        self._company = company
        self._changed = asyncio.Condition()

    def write(
        self,
        subject: str,
        text: str,
        html: str = "",
        *,
        files: Sequence[SentFile] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Posted:
        """Write to the company's address; `headers` are further ones."""
        return self._send(
            Draft(
                sender=self.address,
                name=self.name,
                recipient=self._company.address,
                subject=subject,
                text=text,
                html=html,
                files=files,
                headers=headers or {},
            )
        )

    def reply(
        self, mail: Mail, text: str, program: Program = Program.GMAIL, *, files: Sequence[SentFile] = ()
    ) -> Posted:
        """Answer a mail as a program does, with that mail quoted."""
        at = self._company.now()
        draft = answer(mail, text, program, sender=self.address, name=self.name, at=at)
        return self._send(replace(draft, files=files))

    async def wait_for(
        self, predicate: Callable[[Mail], bool] = lambda mail: True, *, count: int = 1, deadline: float = 10.0
    ) -> list[Mail]:
        """The first `count` mails that match, past ones too; TimeoutError after `deadline` seconds."""

        def found() -> list[Mail]:
            return [mail for mail in self.mails if predicate(mail)][:count]

        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(lambda: len(found()) >= count)
        except TimeoutError:
            raise TimeoutError(f"{len(found())} of {count} expected mails within {deadline} s") from None
        return found()

    async def receive(self, mail: Mail) -> None:
        """A mail arrives."""
        async with self._changed:
            self.mails.append(mail)
            self._changed.notify_all()

    def _send(self, draft: Draft) -> Posted:
        domain = self.address.rpartition("@")[2]
        message_id = f"<{uuid4().hex}@mail.{domain}>"
        raw = draft.as_bytes(message_id, self._company.now())
        return self._company.post(
            raw, sender=self.address, recipient=draft.recipient, verdict=self.verdict, message_id=message_id
        )

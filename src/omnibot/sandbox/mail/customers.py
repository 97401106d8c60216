"""Everybody who writes mail to the company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.mail.rules import is_address

if TYPE_CHECKING:
    from omnibot.sandbox.mail.server import MailSandbox


class MailCustomers:
    """The people with a mailbox at an emulated mail server; a value is an email address."""

    channel = "email"

    def __init__(self, sandbox: MailSandbox) -> None:
        self._sandbox = sandbox

    def check(self, value: str) -> None:
        if not is_address(value):
            raise ValueError(f"{value!r} is no email address: write it as ada@example.org")

    def write(
        self,
        value: str,
        text: str,
        *,
        name: str = "",
        subject: str = "",
        answer: bool = False,
        files: tuple[SentFile, ...] = (),
    ) -> None:
        """A new mail; or an answer, with its quotes, to the last one that came."""
        mailbox = self._sandbox.mailbox(value, name)
        if answer and mailbox.mails:
            mailbox.reply(mailbox.mails[-1], text, files=files)
        else:
            mailbox.write(subject, text, files=files)

    def press(self, value: str, label: str, *, number: str = "") -> None:
        """A mail has nothing to press: who would, writes it."""
        raise LookupError(f"a mail has no buttons: {label!r} can only be written")

"""A letter as the core takes it: who wrote, what it answers, whether it can be believed and may be answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from omnibot.model import Address, Attachment, Identifier, IdentifierKind, IncomingMessage, MessageId, Sender
from omnibot_email.addresses import Mailbox, OwnAddress, Untrustworthy, sender_of
from omnibot_email.decode import decoded_words, single_line
from omnibot_email.letter import Letter
from omnibot_email.machines import automatic_reason, is_foreign_code
from omnibot_email.tokens import TOKEN_TAG, verify

CHANNEL = "email"
NOBODY = "unknown@invalid"  # who has written where the mail does not say it (RFC 2606)
MAX_REFERENCES = 20  # of a thread that are carried on: its first and the latest
_MAX_MESSAGE_ID = 250  # characters: a longer one would not fit on a line of References
_MAX_SUBJECT = 500  # characters
_OLDEST = timedelta(days=30)  # mail servers give up after five days; a clock may have lost more
_AHEAD = timedelta(minutes=10)

# what servers make of an envelope at delivery, then the writer's own
_RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "x-delivered-to", "envelope-to", "x-envelope-to", "to", "cc")
_MAX_RECIPIENT_HEADERS = 10  # of one name
_MAX_RECIPIENTS = 100  # of one header
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@]{1,64}@[\w.-]{1,255}")

TOO_LARGE = "too large"  # the `ref` of what was left at the server

_MESSAGE_ID = re.compile(rf"<[^<>\s]{{1,{_MAX_MESSAGE_ID}}}>")
_MAX_SCANNED = 64_000  # characters of a header that are looked at


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail as our mail server hands it over, or as it lies in a mailbox: without its envelope."""

    raw: bytes
    return_path: str | None  # None: nobody says
    recipients: tuple[str, ...]
    begins_one_of: int | None = None  # bytes of the whole, where this is but the beginning of a mail
    may_wait: bool = True  # until its sender can be verified; else it is not believed


def writer_of(letter: Letter) -> tuple[Mailbox | None, str]:
    """Who claims to have written, if that can be read; and why the mail's form is not to be believed, or ''."""
    named = letter.headers.all("from")
    if len(named) != 1:
        return None, letter.fault
    try:
        return sender_of(named[0]), letter.fault
    except Untrustworthy as reason:
        return None, letter.fault or str(reason)


def incoming(
    delivery: Delivery,
    letter: Letter,
    writer: Mailbox | None,
    quarantine: str,
    *,
    own: OwnAddress,
    key: bytes,
    now: datetime,
) -> IncomingMessage:
    """The normalised message. Nothing that a mail claims about its conversation is verified in quarantine."""
    headers = letter.headers
    digest = _digest(letter, delivery.raw)
    message_id = _one_message_id(headers.get("message-id")) or f"<{digest}@invalid>"
    subject = decoded_words(headers.get("subject"))[:_MAX_SUBJECT]
    sender = writer or Mailbox(NOBODY)
    is_code = is_foreign_code(sender.address, subject, letter.text)
    return IncomingMessage(
        id=f"{message_id}#{digest}",
        message_id=message_id,
        at=_written_at(headers.get("date"), now),
        sender=Sender(Address(CHANNEL, sender.address), sender.name, vouched=_vouched(sender, quarantine)),
        text=letter.text or _said_in_subject(letter, subject),
        attachments=letter.attachments if delivery.begins_one_of is None else (_left(delivery.begins_one_of),),
        answers=_answers(headers.get("in-reply-to"), headers.get("references")),
        answers_ours=None if quarantine else _token_answer(recipients_of(delivery, letter), sender, own, key, now),
        context={
            "message_id": message_id,
            "references": " ".join(thread(headers.get("references"))),
            "subject": subject,
        },
        automatic=automatic_reason(headers, delivery.return_path) or ("another service's code" if is_code else ""),
        quarantine=quarantine,
        flags=("staff_only",) if is_code else (),
    )


def _vouched(sender: Mailbox, quarantine: str) -> tuple[Identifier, ...]:
    """The From that SPF or DKIM has passed for; whoever is in quarantine may be anybody."""
    return () if quarantine else (Identifier(IdentifierKind.EMAIL, sender.address),)


_ANSWERING = re.compile(r"\s*(?:re|aw|sv|rv|fwd?|wg|tr|antw)\s*:", re.IGNORECASE)


def _said_in_subject(letter: Letter, subject: str) -> str:
    """A mail without a body asks in its subject; that of an answer was written by whoever began the thread."""
    return "" if letter.fault or _ANSWERING.match(subject) else subject.strip()


def thread(references: str) -> list[str]:
    """The Message-IDs of a References header, bounded: a thread's first one holds it together."""
    found = _MESSAGE_ID.findall(references[:_MAX_SCANNED])
    if len(found) <= MAX_REFERENCES:
        return found
    return [found[0], *found[-(MAX_REFERENCES - 1) :]]


def _digest(letter: Letter, raw: bytes) -> str:
    """What tells two mails with one Message-ID apart; the same for each delivery of one mail.

    Without what servers add on the way, which differs when they try again.
    """
    _, _, body = raw.partition(b"\r\n\r\n")
    state = hashlib.blake2b(digest_size=16)
    for name in ("from", "subject", "date"):
        state.update(letter.headers.get(name).encode("utf-8", "replace") + b"\0")
    state.update(body)
    return state.hexdigest()


def _one_message_id(value: str) -> str:
    found = _MESSAGE_ID.search(value[:_MAX_SCANNED])
    return single_line(found[0]) if found else ""


def _answers(in_reply_to: str, references: str) -> tuple[str, ...]:
    """What it answers, nearest first."""
    named = _MESSAGE_ID.findall(in_reply_to[:_MAX_SCANNED])[:MAX_REFERENCES]
    return tuple(dict.fromkeys([*named, *reversed(thread(references))]))


def _written_at(date: str, now: datetime) -> datetime:
    """When it was written by its own word, where that can be; else when it arrived."""
    try:
        at = parsedate_to_datetime(date[:100])
    except (ValueError, TypeError, OverflowError):
        return now
    if at.tzinfo is None:  # `-0000`: the zone is not told, the time is UTC (RFC 5322 3.3)
        at = at.replace(tzinfo=UTC)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        return now
    return at if now - _OLDEST <= at <= now + _AHEAD else now


def _left(size: int) -> Attachment:
    """Stands for all files of a mail of which only the beginning was read; `Email.fetch` says why they are not here."""
    return Attachment(name="message.eml", media_type="message/rfc822", size=size, ref=TOO_LARGE)


def _token_answer(
    recipients: Iterable[str], sender: Mailbox, own: OwnAddress, key: bytes, now: datetime
) -> MessageId | None:
    """Which of ours it answers by a valid token for this very sender."""
    for address in recipients:
        answered = verify(key, own.token_in(address, TOKEN_TAG), sender.address, now)
        if answered is not None:
            return answered
    return None


def recipients_of(delivery: Delivery, letter: Letter) -> Iterator[str]:
    """To whom it went: of the envelope, then of what servers wrote down of it, then of what its writer says.

    A customer who answers to two of our addresses sends one mail that is delivered twice; the first delivery counts.
    """
    yield from delivery.recipients
    for name in _RECIPIENT_HEADERS:
        for value in letter.headers.all(name)[:_MAX_RECIPIENT_HEADERS]:
            yield from _ADDRESS.findall(value[:_MAX_SCANNED])[:_MAX_RECIPIENTS]

"""Reports of what became of mail that we sent (RFC 3464, and what servers wrote before there was a standard)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError

from flufl.bounce import all_failures

from omnibot.model import DeliveryState, MessageId
from omnibot_email.addresses import OwnAddress, normalised
from omnibot_email.letter import Letter
from omnibot_email.mime import Headers, Part, TooComplex, leaves, split_head
from omnibot_email.tokens import BOUNCE_TAG, TOKEN_LENGTH, TOKEN_TAG, verify

_MAX_WORDS = 10_000  # characters in which a server says what is wrong
_FEW = 3  # reply addresses that are tried
_MAX_READ = 256_000  # bytes of a report: whatever is behind that is the mail that bounced
_MAX_ADDRESSES = 200  # that are tried against a token
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")  # and no address of a machine
_CODE = re.compile(r"\b(4\d\d|5[0-5]\d)\b")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,255}")
_TOKEN = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}")
# Not the address is at fault, but the mail, the moment, or what somebody thinks of us (RFC 3463): full, too large,
# not supported, no route for now, protocol, content, policy.
_PASSING = re.compile(r"4\..*|5\.(?:2\.[234]|3\.\d+|4\.(?:[67]|14)|5\.\d+|6\.\d+|7\.\d+)")


@dataclass(frozen=True, slots=True)
class Report:
    """What a server says of one of our mails. `unreachable`: it takes nothing for that address any more."""

    state: DeliveryState | None  # None: it is still being tried
    reason: str = ""
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """Of which of our messages it is a report, by a token of ours, and to whom that went."""

    message: MessageId
    recipient: str


def is_for_reports(address: str, reports: OwnAddress) -> bool:
    """Whether this is one of the addresses that nobody but a server writes to, its token right or not."""
    return bool(_TOKEN.fullmatch(reports.token_in(address, BOUNCE_TAG)))


def read_report(raw: bytes, letter: Letter) -> Report | None:
    """What a mail reports; None where it is no report."""
    parts = _parts(raw, letter)
    statuses = list(_delivery_statuses(parts))
    return _worst(statuses) if statuses else _by_its_words(raw, parts)


def is_standard(letter: Letter, raw: bytes) -> bool:
    """Whether it is a report by RFC 3464."""
    is_report = letter.headers.get("content-type").casefold().startswith("multipart/report")
    return is_report and any(part.media_type == "message/delivery-status" for part in _parts(raw, letter))


def proof_at(
    recipients: Iterable[str], raw: bytes, letter: Letter, reports: OwnAddress, *, key: bytes, now: datetime
) -> Proof | None:
    """By the address that it was sent to, if whom our message went to stands somewhere in the report."""
    tokens = [token for address in recipients if (token := reports.token_in(address, BOUNCE_TAG))]
    if not tokens:
        return None
    for candidate in _named(_parts(raw, letter)):
        for token in tokens:
            message = verify(key, token, candidate, now, b"bounce")
            if message is not None:
                return Proof(message, candidate)
    return None


def proof_within(raw: bytes, letter: Letter, own: OwnAddress, *, key: bytes, now: datetime) -> Proof | None:
    """By the reply address of our mail, which has come back in the report: some servers give our envelope another
    sender, so that the report comes to the bare mailbox."""
    named = list(_named(_parts(raw, letter)))
    tokens = [token for address in named if (token := own.token_in(address, TOKEN_TAG))]
    for candidate in named if tokens else ():
        for token in tokens[:_FEW]:
            message = verify(key, token, candidate, now)
            if message is not None:
                return Proof(message, candidate)
    return None


def _parts(raw: bytes, letter: Letter) -> Sequence[Part]:
    _, body = split_head(raw[:_MAX_READ].replace(b"\r\n", b"\n"))
    try:
        return leaves(letter.headers, body)
    except TooComplex:
        return ()


def _named(parts: Sequence[Part]) -> Iterator[str]:
    """The addresses in a report, each once, normalised."""
    seen: set[str] = set()
    for part in parts:
        for found in _ADDRESS.findall(part.text[:_MAX_READ]):
            address = normalised(found.strip(".'"))
            if address is not None and address not in seen:
                seen.add(address)
                yield address
            if len(seen) >= _MAX_ADDRESSES:
                return


# --- by the standard ---------------------------------------------------------------------------------------------


def _delivery_statuses(parts: Iterable[Part]) -> Iterator[Report]:
    """What each group of fields says that has an action (RFC 3464 2.3)."""
    for part in parts:
        if part.media_type not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        for group in re.split(r"\n[ \t]*\n", part.text.replace("\r\n", "\n")):
            fields = Headers.parse(group.strip("\n").encode())
            if action := fields.get("action").casefold():
                yield _by_action(action, fields)


def _by_action(action: str, fields: Headers) -> Report:
    if action.startswith(("fail", "error")):  # some put a comment behind it, some say "error"
        return _failed(_status_of(fields.get("status"), fields.get("diagnostic-code")))
    if action.startswith("delivered"):
        return Report(DeliveryState.DELIVERED)
    return Report(None)


def _status_of(status: str, diagnostic: str) -> str:
    """The more telling of the two: `5.0.0` says nothing but that it has failed."""
    stated = _STATUS.match(status)
    told = _STATUS.search(diagnostic)
    if stated and not stated[1].endswith(".0.0"):
        return stated[1]
    code = _CODE.search(diagnostic)
    return told[1] if told else (code[1] if code else (stated[1] if stated else ""))


def _failed(status: str) -> Report:
    """It will never be delivered."""
    is_passing = bool(_PASSING.fullmatch(status)) or status.startswith("4") or status == "552"
    return Report(DeliveryState.REFUSED, f"bounced{f' ({status})' if status else ''}", unreachable=not is_passing)


def _worst(reports: Sequence[Report]) -> Report:
    order = (DeliveryState.DELIVERED, None, DeliveryState.REFUSED)
    return max(reports, key=lambda report: (order.index(report.state), report.unreachable))


# --- by its words ------------------------------------------------------------------------------------------------


def _by_its_words(raw: bytes, parts: Sequence[Part]) -> Report | None:
    """What flufl.bounce makes of it, which knows the servers that have words of their own."""
    if not parts:
        return None  # too complex for us, and so for the standard library
    try:
        delayed, failed = all_failures(message_from_bytes(raw[:_MAX_READ]))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # mails within mails are parts to us, and nested to the standard library
    if failed:
        said = "".join(part.text[:_MAX_WORDS] for part in parts[:1] if part.media_type.startswith("text/"))
        return _failed(_status_of("", said[:_MAX_WORDS]))
    return Report(None) if delayed else None

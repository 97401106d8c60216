"""Whether a mail is from whom it says: by our mail server's word (RFC 8601), or by its DKIM signatures (RFC 6376).

A From is believed if SPF or DKIM passed for a domain of the same organisation, and DMARC (RFC 7489) did not fail.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import authheaders.dmarc_lookup
import dkim
import dkim.dnsplug
import dkim.util
from publicsuffix2 import PublicSuffixList  # type: ignore[import-untyped]

from omnibot_email.mime import Headers

Lookup = Callable[[str], bytes | None]  # the TXT record of a name, None where it has none; blocking

NAMELESS = "-"  # a server that writes no id, and renames the results of others (Exchange Online)

_FIELD = "authentication-results"
_MAX_VALUE = 16_000  # characters of one such header
_MAX_SIGNATURES = 5  # that are verified: each may cost a DNS lookup and an RSA operation
_LOOKUP_SECONDS = 4
_DEADLINE = 15.0  # seconds for all lookups of one mail

_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|\\.')


class NotNow(Exception):
    """The name servers did not answer in time: the mail server is to come again."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One result of an Authentication-Results header: `dkim=pass header.d=example.org`."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A property's value; '' where it is not stated."""
        return next((value for key, value in self.properties if key == name), "")


class Organisations:
    """Which domains belong to one organisation, by the public suffix list that authheaders carries."""

    @cached_property
    def _suffixes(self) -> PublicSuffixList:
        listed = importlib.resources.files("authheaders") / "public_suffix_list.txt"
        return PublicSuffixList(listed.read_text(encoding="utf-8").splitlines())

    def of(self, domain: str) -> str:
        """The organisational domain: shop.example.co.uk → example.co.uk."""
        return str(self._suffixes.get_public_suffix(domain))

    def aligned(self, domain: str, other: str) -> bool:
        """Relaxed alignment (RFC 7489 3.1)."""
        return bool(domain and other) and (domain == other or self.of(domain) == self.of(other))


def dns_text(name: str) -> bytes | None:
    """The default `Lookup`; raises NotNow where no name server answers in time."""
    try:
        found: bytes | None = dkim.dnsplug.get_txt(name.encode("utf-8"), timeout=_LOOKUP_SECONDS)
    except dkim.DnsTimeoutError:
        raise NotNow from None
    return found


class Authenticator:
    """Judges mails by the results of our mail server `authserv_id`, or by itself where there is none."""

    def __init__(self, authserv_id: str, lookup: Lookup = dns_text, deadline: float = _DEADLINE) -> None:
        self._authserv_id = authserv_id
        self._lookup = lookup
        self._deadline = deadline
        self._organisations = Organisations()

    async def doubt(self, headers: Headers, raw: bytes, domain: str) -> str:
        """Why a From of this domain is not believed; '' where it is. Raises NotNow."""
        if self._authserv_id:
            stated = trusted_statements(headers, self._authserv_id)
            return await asyncio.to_thread(doubt_by_statements, stated, domain, self._organisations)
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.to_thread(doubt_by_signatures, raw, domain, self._organisations, self._lookup)
        except TimeoutError:
            raise NotNow from None


# --- our mail server's word --------------------------------------------------------------------------------------


def trusted_statements(headers: Headers, authserv_id: str) -> list[Statement]:
    """What our own mail server found; what anybody else wrote into the mail is ignored.

    Servers add on top. Above the topmost Received, which our server has added, every header with its id is its own;
    where none is there it has put Received over its result, and only the topmost one of its id counts: any below
    may have come with the mail.
    """
    above = list(takewhile(lambda field: field[0] != "received", headers.fields))
    has_trace = len(above) < len(headers.fields)
    ours = _of_server(above, authserv_id) if has_trace else []
    chosen = ours or _of_server(headers.fields, authserv_id)[:1]
    return [statement for value in chosen for statement in _statements(value)]


def _of_server(fields: Iterable[tuple[str, str]], authserv_id: str) -> list[str]:
    values = (_plain(value) for name, value in fields if name == _FIELD and len(value) <= _MAX_VALUE)
    return [value for value in values if _server(value) == authserv_id]


def _server(value: str) -> str:
    words = value.partition(";")[0].split()
    if not words:
        return ""
    return NAMELESS if "=" in words[0] else words[0].casefold()


def _plain(value: str) -> str:
    """A structured value without comments and quotation marks, and without what those could hide."""
    kept: list[str] = []
    depth = start = 0
    for token in _QUOTED_OR_COMMENT.finditer(value):
        if depth == 0:
            kept.append(value[start : token.start()])
            if token[0] not in "()":
                kept.append(re.sub(r"[\s;=]", "_", token[0].strip('"')))
        if token[0] == "(":
            depth += 1
        elif token[0] == ")":
            depth = max(0, depth - 1)
        start = token.end()
    if depth == 0:
        kept.append(value[start:])
    return "".join(kept)


def _statements(value: str) -> list[Statement]:
    found = []
    entries = value.split(";")
    for entry in entries if _server(value) == NAMELESS else entries[1:]:
        pairs = [pair.partition("=") for pair in re.sub(r" ?= ?", "=", " ".join(entry.split())).split(" ")]
        (method, _, result), *properties = pairs
        found.append(
            Statement(
                method.partition("/")[0].casefold(),
                result.casefold(),
                tuple((name.casefold(), content.casefold()) for name, _, content in properties),
            )
        )
    return found


def doubt_by_statements(stated: Sequence[Statement], domain: str, organisations: Organisations) -> str:
    """Why a From of this domain is not believed; '' where it is."""
    if not stated:
        return "no result of our mail server"
    about_us = [s for s in stated if s.method == "dmarc" and s.get("header.from") in ("", domain)]
    if any(s.result not in ("pass", "none", "bestguesspass") for s in about_us):
        return "DMARC failed"
    if any(s.result == "pass" for s in about_us):
        return ""
    passed = (_passed_domain(statement) for statement in stated if statement.result == "pass")
    if any(organisations.aligned(other, domain) for other in passed):
        return ""
    return "neither SPF nor DKIM passed for the sender's domain"


def _passed_domain(statement: Statement) -> str:
    match statement.method:
        case "dkim":
            return statement.get("header.d") or statement.get("header.i").rpartition("@")[2]
        case "spf":
            return statement.get("smtp.mailfrom").rpartition("@")[2]
        case _:
            return ""


# --- our own checks ----------------------------------------------------------------------------------------------


def doubt_by_signatures(raw: bytes, domain: str, organisations: Organisations, lookup: Lookup) -> str:
    """Why a From of this domain is not believed; '' where an aligned signature holds. Blocks.

    Raises NotNow where it is not, and might be if all name servers had answered.
    """
    aligned, silent = _signers(raw, lambda signer: organisations.aligned(signer, domain), lookup)
    if domain in aligned or (aligned and not _wants_exact(domain, organisations, lookup)):
        return ""
    if silent:
        raise NotNow
    return "DMARC failed" if aligned else "no DKIM signature of the sender's domain"


def _signers(raw: bytes, counts: Callable[[str], bool], lookup: Lookup) -> tuple[list[str], bool]:
    """The domains that count and whose signatures over the whole mail hold; and whether some could not be looked up.

    Nobody is asked about a domain that does not count: its name servers could hold the mail up for nothing.
    """
    try:
        mail = dkim.DKIM(raw, logger=_mute())
    except Exception:  # a line of its header is no field: to dkimpy that is no mail, and nobody has signed it
        return [], False
    signatures = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    counting = [index for index, value in enumerate(signatures) if counts(_named_signer(value))]
    held: list[str] = []
    silent = False
    for index in counting[:_MAX_SIGNATURES]:
        try:
            held += [signer] if (signer := _signer(mail, index, lookup)) else []
        except NotNow:
            silent = True
    return held, silent


def _named_signer(signature: bytes) -> str:
    """The domain that a signature says it is of; '' where it is malformed."""
    try:
        fields = dkim.util.parse_tag_value(signature)
    except dkim.util.InvalidTagValueList:
        return ""
    return str(fields.get(b"d", b"").decode("ascii", "replace")).casefold()


def _signer(mail: dkim.DKIM, index: int, lookup: Lookup) -> str:
    def fetch(name: bytes, timeout: int = _LOOKUP_SECONDS) -> bytes | None:
        return lookup(name.decode("ascii", "replace").rstrip("."))

    try:
        holds = mail.verify(index, dnsfunc=fetch)
    except NotNow:
        raise
    except Exception:  # dkimpy raises whatever a malformed signature or key makes of it
        return ""
    # with l= anybody can append to a signed mail
    if not holds or b"l" in mail.signature_fields:
        return ""
    return str(mail.signature_fields[b"d"].decode("ascii", "replace")).casefold()


def _wants_exact(domain: str, organisations: Organisations, lookup: Lookup) -> bool:
    """Whether the domain's DMARC record demands that the signer is the very domain (adkim=s)."""

    def fetch(name: str) -> str | None:
        return (lookup(name) or b"").decode("utf-8", "replace") or None

    for name in (domain, organisations.of(domain)):
        try:
            record = authheaders.dmarc_lookup.lookup_receiver_record(name, fetch)
        except authheaders.dmarc_lookup.DMARCException:
            record = {}
        if record:
            return bool(record.get("adkim") == "s")
    return False


def _mute() -> logging.Logger:
    """A logger that says nothing: dkimpy's messages name domains."""
    logger = logging.getLogger("omnibot_email.dkim")
    logger.disabled = True
    return logger

"""Mail addresses: one spelling of each, and who a From header really names."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

from omnibot_email.decode import decoded_words

MAX_LOCAL_PART = 64  # octets (RFC 5321 4.5.3.1.1)
_MAX_ADDRESS = 254  # octets (RFC 5321 4.5.3.1.3)
_MAX_FROM = 4096  # characters of a From header that anybody has written honestly
_MAX_NAME = 200  # characters of a name that are kept

# RFC 5322 dot-atom, with letters beyond ASCII (RFC 6531); a quoted local part is not believed at all
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


class Untrustworthy(ValueError):
    """A From header that names nobody for sure; its text says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Whom a header names: a normalised address, and the name beside it."""

    address: str
    name: str = ""

    @property
    def local(self) -> str:
        """What stands before the @."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands behind the @, in ASCII."""
        return self.address.rpartition("@")[2]


def normalised(address: str) -> str | None:
    """The one spelling of an address: case folded, domain in IDNA, plus tag kept; None where it is none.

    Case is folded in the local part, too: no provider of today tells Sarah@ from sarah@.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        return None
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii").casefold()
    except (idna.IDNAError, UnicodeError):
        return None
    folded = local.casefold()
    if ascii_domain.endswith("."):  # a second spelling of the same domain
        return None
    if len(folded.encode()) > MAX_LOCAL_PART or len(folded.encode()) + len(ascii_domain) >= _MAX_ADDRESS:
        return None
    return f"{folded}@{ascii_domain}"


def sender_of(header: str) -> Mailbox:
    """Read a From header that must name exactly one mailbox, so plainly that every reader sees the same.

    Raises Untrustworthy for several addresses, comments inside an address, encoded or quoted local parts.
    """
    if len(header) > _MAX_FROM:
        raise Untrustworthy("oversized From")
    if "<" in header:
        name, address = _split_at_angle(header)
    else:
        name, address = _split_at_comment(header)
    if "=?" in address:
        raise Untrustworthy("encoded address in From")
    known = normalised(address)
    if known is None:
        raise Untrustworthy("malformed address in From")
    return Mailbox(known, decoded_words(name)[:_MAX_NAME])


def _split_at_angle(header: str) -> tuple[str, str]:
    """`"Sarah" <s@x>` → (`Sarah`, `s@x`)."""
    start = _outside_quotes(header, "<")
    end = header.find(">", start)
    if start < 0 or end < 0:
        raise Untrustworthy("malformed From")
    name, address, rest = header[:start].strip(), header[start + 1 : end], header[end + 1 :].strip()
    if rest and not _is_comment(rest):
        raise Untrustworthy("several addresses in From")
    if _is_quoted(name):
        return re.sub(r"\\(.)", r"\1", name[1:-1]), address
    if ("," in name and "@" in name) or ";" in name or name.endswith(":"):
        raise Untrustworthy("several addresses in From")
    return name, address


def _split_at_comment(header: str) -> tuple[str, str]:
    """`s@x (Sarah)`, as old programs write it → (`Sarah`, `s@x`)."""
    address, _, comment = header.strip().partition(" ")
    comment = comment.strip()
    if comment and not _is_comment(comment):
        raise Untrustworthy("malformed From")
    return comment[1:-1], address


def _outside_quotes(text: str, wanted: str) -> int:
    quoted = escaped = False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == wanted and not quoted:
            return position
    return -1


def _is_quoted(text: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] == '"' and _outside_quotes(text[1:-1], '"') < 0


def _is_comment(text: str) -> bool:
    return text[0] == "(" and text[-1] == ")" and not any(character in text[1:-1] for character in '()<>@"')


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """The mailbox that customers write to, with its plus addresses."""

    address: str

    def _tag(self, recipient: str) -> str | None:
        """`+tag` of one of ours, '' for the bare address, None for anybody else's."""
        known = normalised(recipient)
        if known is None:
            return None
        local, _, domain = self.address.rpartition("@")
        theirs, _, their_domain = known.rpartition("@")
        if their_domain != domain or not theirs.startswith(local):
            return None
        tag = theirs[len(local) :]
        return tag if not tag or tag.startswith("+") else None

    def receives(self, recipient: str) -> bool:
        """Whether mail for this address is ours."""
        return self._tag(recipient) is not None

    def token_in(self, recipient: str, mark: str) -> str:
        """What follows `mark` (`+r`) in one of our addresses; '' where nothing does."""
        tag = self._tag(recipient) or ""
        return tag.removeprefix(mark) if tag.startswith(mark) else ""

    def tagged(self, tag: str) -> str:
        """Our address with a plus tag."""
        local, _, domain = self.address.rpartition("@")
        return f"{local}{tag}@{domain}"

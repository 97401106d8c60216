"""A mail's own words: without the mail that it answers, and without its signature.

Every line is looked at a fixed number of times and up to a fixed length, so the work is linear in the size of the
mail whatever it holds. Recognised are `>` quotations with their introduction ("On … wrote:", over up to three lines),
Outlook's and GMX's header blocks and separators, `-- ` signatures, and the line that telephones put under a mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from itertools import takewhile

MAX_LINE = 500  # characters of a line that decide what it is
_MAX_INTRODUCTION = 3  # lines over which programs wrap an introduction
_MAX_BLOCK = 8  # lines of a header block
_MAX_BARE_SIGNATURE = 8  # lines below a `--` that lost its space: with more it is likelier a divider


class Kind(Enum):
    """What a line is."""

    BLANK = auto()
    WORDS = auto()
    QUOTE = auto()
    INTRODUCTION = auto()  # to the quotation that follows
    SEPARATOR = auto()  # all that follows is the mail that is answered, unmarked
    SIGNATURE = auto()  # what follows is one, up to the next quotation
    TELEPHONE = auto()


# The words with which programs begin an introduction, in their languages; or a date; or whom they quote.
_OPENING = re.compile(
    r"(?:on|le|el|am|il|em|op|den|dne|dnia|w dniu|pe)\s+\S"
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b"
    r"|\d{1,2}\.?\s+[^\W\d]{3,12}\.?\s+\d{4}\b"
    r"|[^<>]{1,80}<[^<>\s]+@[^<>\s]+>\s",
    re.IGNORECASE,
)
# One of these verbs is in every introduction …
_WROTE = (
    r"\b(?:wrote|writes|schrieb|geschrieben|escribió|escribio|a écrit|a ecrit|ha scritto|escreveu|schreef"
    r"|skrev|napsal|napisał|a scris)\b"
)
_VERB = re.compile(_WROTE, re.IGNORECASE)
# … at whose end Yahoo begins the quotation on the same line …
_RUN_ON = re.compile(rf"{_WROTE}\s?:\s{{2,}}", re.IGNORECASE)
# … and an address, a year or a time of day.
_EVIDENCE = re.compile(r"@|\b(?:19|20)\d\d\b|\b\d{1,2}[:.h]\d{2}\b")

_ORIGINAL = re.compile(
    r"-{2,}\s*(?:original message|original-nachricht|ursprüngliche nachricht|mensaje original|message d['’]origine"
    r"|message original|messaggio originale|mensagem original|oorspronkelijk bericht)\s*-{2,}$",
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:_{10,}|-{20,}|={20,})$")
_FIELD = re.compile(
    r"\*?(?:(?P<origin>from|von|de|da|expéditeur)"
    r"|(?P<date>sent|date|gesendet|datum|enviado(?: el)?|fecha|envoyé|inviato|data)"
    r"|(?P<to>to|an|para|à|a)"
    r"|(?P<copy>cc|kopie)"
    r"|(?P<about>subject|betreff|asunto|objet|oggetto|assunto))\s?:\*?(?:\s|$)",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:-{2,}\s*(?:forwarded message|weitergeleitete nachricht|mensaje reenviado|message transféré)\s*-{2,}"
    r"|begin forwarded message:|anfang der weitergeleiteten nachricht:|inicio del mensaje reenviado:"
    r"|début du message (?:transféré|réexpédié)\s?:)$",
    re.IGNORECASE,
)

_PROGRAM = (
    r"(?:outlook|yahoo|mail|gmail|proton|samsung|gmx|web\.de|aol|blue ?mail|k-9|fairemail|spark|thunderbird"
    r"|correo|courrier|iphone|ipad|android|windows)[\w .'’&-]{0,40}"
)
_OWN = r"(?: [\w'’.-]+){1,4}"  # my iPhone 15 Pro
_STORE = r"(?:\s?[<(]\S{1,100}[>)])?"
_TELEPHONE = re.compile(
    rf"(?:sent (?:from|via|with) (?:my{_OWN}|(?:the )?{_PROGRAM})|get outlook for \w{{2,20}}{_STORE}"
    rf"|von (?:meinem|meiner){_OWN}|gesendet (?:von|mit|aus) (?:mein\w{{0,2}}{_OWN}|(?:der |dem )?{_PROGRAM})"
    rf"|diese nachricht wurde (?:von|mit) mein\w{{0,2}}[\w .'’&-]{{2,60}} gesendet"
    rf"|(?:holen|laden) sie sich outlook für \w{{2,20}}{_STORE}"
    rf"|enviado (?:desde|con|de) (?:mi{_OWN}|(?:el )?{_PROGRAM})|obtener outlook para \w{{2,20}}{_STORE}"
    rf"|envoyé (?:de|depuis|à partir de|avec) (?:mon{_OWN}|(?:la |l[’'])?{_PROGRAM})"
    rf"|(?:télécharger|obtenir) outlook pour \w{{2,20}}{_STORE})\.?",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """What the sender has written; inline answers between quotations stay, in their order, and so do forwards.

    Where that would leave nothing, signatures and then unmarked quotations are kept, too: empty is only a mail
    that holds nothing but marked quotations.
    """
    lines = text.replace("\xa0", " ").split("\n")
    own = list(takewhile(lambda line: not _FORWARDED.match(line[:MAX_LINE].strip()), lines))
    kinds = classified(own)
    if Kind.SEPARATOR not in kinds:  # otherwise the forward is a part of what is answered
        own, kinds = lines, kinds + [Kind.WORDS] * (len(lines) - len(own))
    return (
        _written(own, _without_signatures(_before_separator(kinds)))
        or _written(own, _before_separator(kinds))
        or _written(own, kinds)
    )


def _written(lines: Sequence[str], kinds: Sequence[Kind]) -> str:
    kept = (line for line, kind in zip(lines, kinds, strict=False) if kind in (Kind.WORDS, Kind.BLANK))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in kept)).strip("\n")


def _before_separator(kinds: Sequence[Kind]) -> list[Kind]:
    return list(takewhile(lambda kind: kind is not Kind.SEPARATOR, kinds))


def _without_signatures(kinds: Sequence[Kind]) -> list[Kind]:
    """The same with the lines of a signature marked as such."""
    marked = []
    in_signature = False
    for kind in kinds:
        if kind is Kind.SIGNATURE:
            in_signature = True
        elif kind in (Kind.QUOTE, Kind.INTRODUCTION):
            in_signature = False
        marked.append(Kind.SIGNATURE if in_signature else kind)
    return marked


def classified(lines: Sequence[str]) -> list[Kind]:
    """What each line is. Read from the end, because what a line means depends on what follows it."""
    heads = [line[:MAX_LINE].strip() for line in lines]
    kinds = [Kind.BLANK] * len(lines)
    following = Kind.BLANK  # what the next line is that is not blank
    words_below = 0  # lines of words from here to the next quotation
    for number in range(len(lines) - 1, -1, -1):
        if not heads[number]:
            continue
        length = _quotation_head(heads, number)
        if length > 1:  # a wrapped introduction: its other lines were taken for words
            following = _next_kind(kinds, number + length)
        kind = _kind(lines[number], heads[number], length, following, words_below)
        kinds[number : number + max(1, length)] = [kind] * max(1, length)
        if kind is Kind.WORDS:
            words_below += 1
        elif kind in (Kind.QUOTE, Kind.INTRODUCTION, Kind.SEPARATOR):
            words_below = 0
        following = kind
    return kinds


def _kind(line: str, head: str, head_length: int, following: Kind, words_below: int) -> Kind:
    if head.startswith(">"):
        return Kind.QUOTE
    introduces = following in (Kind.QUOTE, Kind.INTRODUCTION)
    if head_length:
        return Kind.INTRODUCTION if introduces else Kind.SEPARATOR
    if _RULE.match(head) and (introduces or following is Kind.SEPARATOR):
        return following if following is not Kind.QUOTE else Kind.INTRODUCTION
    if line.rstrip("\r") == "-- " or (head == "--" and 0 < words_below <= _MAX_BARE_SIGNATURE):
        return Kind.SIGNATURE
    if words_below == 0 and _TELEPHONE.fullmatch(head):
        return Kind.TELEPHONE
    return Kind.WORDS


def _next_kind(kinds: Sequence[Kind], start: int) -> Kind:
    """The kind of the first line from `start` that is not blank; a gap of a few lines is bridged."""
    nearby = kinds[start : start + _MAX_BLOCK]
    return next((kind for kind in nearby if kind is not Kind.BLANK), Kind.BLANK)


def _quotation_head(heads: Sequence[str], number: int) -> int:
    """How many lines from here say that a quotation follows; 0: none."""
    if _ORIGINAL.match(heads[number]):
        return 1
    return _introduction(heads, number) or _block(heads, number)


def _introduction(heads: Sequence[str], number: int) -> int:
    if not _OPENING.match(heads[number]):
        return 0
    joined = ""
    for length, head in enumerate(_unquoted(heads[number : number + _MAX_INTRODUCTION]), 1):
        joined = f"{joined} {head}"
        if head.endswith((":", "：")) or _RUN_ON.search(head):
            return length if _VERB.search(joined) and _EVIDENCE.search(joined) else 0
    return 0


def _unquoted(heads: Iterable[str]) -> Iterable[str]:
    return takewhile(lambda head: head and not head.startswith(">"), heads)


def _block(heads: Sequence[str], number: int) -> int:
    """From, date or recipient, and subject, on lines of their own."""
    found: set[str] = set()
    length = 0
    for offset, head in enumerate(takewhile(bool, heads[number : number + _MAX_BLOCK]), 1):
        field = _FIELD.match(head)
        if field is None and offset == 1:
            return 0
        if field is not None and field.lastgroup is not None:
            found.add(field.lastgroup)
            length = offset
    return length if {"origin", "about"} <= found and found & {"date", "to"} else 0

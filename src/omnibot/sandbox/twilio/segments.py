"""How many segments a text is billed as, and how Twilio encodes it (GSM 03.38, 3GPP TS 23.038)."""

from __future__ import annotations

from collections.abc import Set

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape before each: two septets

_GSM7 = BASIC | EXTENDED

_SEPTETS, _UNITS = (160, 153), (70, 67)  # that one segment carries alone, and each of several: in GSM-7, in UCS-2

# What smart encoding makes of characters that would turn a whole text into UCS-2.
_SMART = str.maketrans(
    {
        "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"',
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "´": "'", "`": "'",
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "…": "...", "•": "*", "·": ".", "×": "x", "÷": "/", "‹": "<", "›": ">",
        "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ",
        "\u200b": "", "\u200d": "", "\ufeff": "", "\t": " ",
    }
)  # fmt: skip


def is_gsm7(text: str) -> bool:
    """Whether every character is in GSM-7, so that a segment carries 160 of them."""
    return _GSM7.issuperset(text)


def count_segments(text: str) -> int:
    """Segments of one text; an empty one is one, too."""
    if is_gsm7(text):
        return _count(text, EXTENDED.intersection(text), *_SEPTETS)
    return _count(text, {character for character in set(text) if character > "\uffff"}, *_UNITS)


def smart(text: str) -> str:
    """A text after smart encoding: typographic characters as their plain likes."""
    return text.translate(_SMART)


def _count(text: str, double: Set[str], alone: int, joined: int) -> int:
    """How many segments a text fills when no character that counts twice is torn apart."""
    if len(text) + sum(map(text.count, double)) <= alone:
        return 1
    if not double:
        return -(-len(text) // joined)
    segments, filled = 1, 0
    for character in text:
        size = 2 if character in double else 1
        filled += size
        if filled > joined:
            segments, filled = segments + 1, size
    return segments

"""How many segments a text is billed as, and how Twilio encodes it (GSM 03.38, 3GPP TS 23.038)."""

from __future__ import annotations

from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape before each: two septets

_ALONE, _JOINED = (160, 153), (70, 67)  # of one segment; of each of several: GSM-7 septets, UCS-2 units

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
    return all(character in BASIC or character in EXTENDED for character in text)


def count_segments(text: str) -> int:
    """Segments of one text; an empty one is one, too."""
    if is_gsm7(text):
        return _fill((2 if character in EXTENDED else 1 for character in text), *_ALONE)
    return _fill((2 if ord(character) > 0xFFFF else 1 for character in text), *_JOINED)


def smart(text: str) -> str:
    """A text after smart encoding: typographic characters as their plain likes."""
    return text.translate(_SMART)


def _fill(sizes: Iterable[int], alone: int, joined: int) -> int:
    """How many segments are filled when no character is torn apart."""
    total, segments, filled = 0, 1, 0
    for size in sizes:
        total += size
        filled += size
        if filled > joined:
            segments, filled = segments + 1, size
    return 1 if total <= alone else segments

"""The alphabet of a text message, and what one costs.

3GPP TS 23.038: a message in the 7-bit alphabet has 160 signs, any other 70. Longer ones travel as segments of 153 or
67, each billed as a message, and one typographic quote in a hundred plain words makes it two instead of one.
"""

from __future__ import annotations

from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes the room of two
SEPTETS, SEPTETS_OF_MANY = 160, 153
UNITS, UNITS_OF_MANY = 70, 67

# What typography and copying put in, and what it says in plain signs. Letters are not touched: Łódź is not Lodz.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‹›`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),  # spaces of all widths
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),  # soft hyphen, zero-width space, word joiner, byte order mark
        **dict.fromkeys("\u2028\u2029\u0085", "\n"),
        **dict.fromkeys("•‣◦·∙", "-"),
        "…": "...",
        "‰": "o/oo",
        "×": "x",
        "⁄": "/",
        "№": "No.",
        "™": "(TM)",
        "©": "(c)",
        "®": "(R)",
    }
)  # fmt: skip


def is_gsm(text: str) -> bool:
    """Whether the 7-bit alphabet has all of it."""
    return BASIC.issuperset(text) or (BASIC | EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """How many messages it is billed as; at least 1."""
    if is_gsm(text):
        return _count([2 if sign in EXTENDED else 1 for sign in text], SEPTETS, SEPTETS_OF_MANY)
    return _count([2 if sign > "\uffff" else 1 for sign in text], UNITS, UNITS_OF_MANY)


def fold(text: str) -> str:
    """The same in plain signs, where that costs less; otherwise as it was written."""
    if is_gsm(text):
        return text
    plain = text.translate(_PLAIN)
    return plain if is_gsm(plain) and segments(plain) < segments(text) else text


def characters(segments: int) -> int:
    """How many signs of the 7-bit alphabet so many segments hold."""
    return SEPTETS if segments == 1 else SEPTETS_OF_MANY * segments


def _count(sizes: Iterable[int], alone: int, of_many: int) -> int:
    """No segment ends in the middle of a sign."""
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    count, room = 1, of_many
    for size in sizes:
        if size > room:
            count, room = count + 1, of_many
        room -= size
    return count

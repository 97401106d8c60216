"""Names that are not what they seem: with hidden signs in them, or nearly those of the company's people.

A name is the sender's own word, whatever provider it comes from: it gives nobody any right. But staff read it, so it is
shown as it is, and what is odd about it is said beside it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import lru_cache

__all__ = ["HIDDEN", "JOINERS", "LIKE_STAFF", "Lookalikes", "visible"]

HIDDEN = "hidden_characters"
LIKE_STAFF = "like_staff"

_LONGEST = 200  # characters of a name that are looked at
JOINERS = "\u200c\u200d"  # they shape letters in Persian and in Indian scripts, and make one emoji of several

# What looks like a Latin letter and is none, lower case on both sides, and Latin letters that look like one another. A
# small part of Unicode's confusables (UTS 39): those that names are forged with.
_ALIKE = str.maketrans(
    "асԁеёһіјӏкмнорԛѕтуѵԝхвгпи"  # Cyrillic
    "αβεηικνορτυχωγμ"  # Greek
    "ոօսհցզք"  # Armenian
    "ıłøɑɡ013579i|",
    "acdeehljlkmhopqstyvwxbrnuabenlkvoptuxwyunouhgqplloagolestgll",
)
_TOGETHER = (("rn", "m"), ("vv", "w"))


def visible(name: str) -> str:
    """A name without signs that show nothing or turn the reading round; joiners stay where they join."""
    if name.isascii():
        return name
    return "".join(sign for place, sign in enumerate(name) if not _is_hidden(name, place))


class Lookalikes:
    """Knows the names that nobody else should seem to have."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self._taken = frozenset(filter(None, map(_skeleton, names)))

    def flags(self, name: str) -> tuple[str, ...]:
        """What staff should know about a name, as a provider tells it."""
        name, flags = name[:_LONGEST], []
        if visible(name) != name:
            flags.append(HIDDEN)
        if self._taken and _skeleton(name) in self._taken:
            flags.append(LIKE_STAFF)
        return tuple(flags)


def _is_hidden(name: str, place: int) -> bool:
    sign = name[place]
    if sign in JOINERS:
        before, after = name[place - 1 : place], name[place + 1 : place + 2]
        return not (_is_joined(before) and _is_joined(after))
    return unicodedata.category(sign) == "Cf"


def _is_joined(sign: str) -> bool:
    """Whether joiners mean something beside it: no Latin, Greek or Cyrillic letter takes one."""
    return bool(sign) and (ord(sign) >= 0x600 or unicodedata.category(sign) in ("So", "Sk", "Mn"))


@lru_cache(1000)
def _skeleton(name: str) -> str:
    """What a name looks like at a glance: the same for two that can be taken for one another."""
    plain = unicodedata.normalize("NFKC", visible(name)).casefold()
    letters = "".join(sign for sign in unicodedata.normalize("NFD", plain) if not unicodedata.combining(sign))
    alike = "".join(letters.translate(_ALIKE).split())
    for seen, meant in _TOGETHER:
        alike = alike.replace(seen, meant)
    return "".join(sign for sign in alike if sign.isalnum())

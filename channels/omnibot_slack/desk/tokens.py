"""Which thread something is about that Slack hands back to us: signed, so that nobody can name another one."""

from __future__ import annotations

import hashlib
import hmac
import re

from omnibot.contract import Place

_TOKEN = re.compile(r"([A-Z0-9]+):([0-9]{1,11}\.[0-9]{1,6}):([0-9a-f]{32})", re.ASCII)


def token(key: bytes, place: Place) -> str:
    """The word for a thread."""
    return f"{place.room}:{place.thread}:{_mac(key, place)}"


def place_of(key: bytes, desk: str, given: str) -> Place | None:
    """The thread that a word means; None where it is not ours."""
    found = _TOKEN.fullmatch(given)
    if found is None:
        return None
    place = Place(desk, found[1], found[2])
    return place if hmac.compare_digest(_mac(key, place), found[3]) else None


def _mac(key: bytes, place: Place) -> str:
    said = "\0".join((place.desk, place.room, place.thread)).encode()
    return hashlib.blake2b(said, key=key[:64], person=b"slack desk", digest_size=16).hexdigest()

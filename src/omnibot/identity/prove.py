"""Whether a code that was typed is the one that was asked for: from what is known, without a look at the database."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import replace

from omnibot.identity.codes import Codes, Typed, typed
from omnibot.model import Ask, ProofRequest, Tried, TurnMessage

__all__ = ["prove"]


def prove(requests: Sequence[ProofRequest], messages: Sequence[TurnMessage], codes: Codes) -> tuple[Tried, ...]:
    """What the codes in some messages come to, in their order.

    A code counts where it was asked for and nowhere else. A wrong one counts against every request that waits there:
    nobody can say which was meant.
    """
    if not requests:
        return ()
    here = list(requests)
    tried: list[Tried] = []
    for message in messages:
        if message.automatic or (found := typed(message.text)) is None:
            continue
        for one in _tried(found, message, [request for request in here if request.by == message.address], codes):
            tried.append(one)
            here = [_afterwards(one) if request.id == one.request.id else request for request in here]
    return tuple(tried)


def _tried(found: Typed, message: TurnMessage, waiting: Sequence[ProofRequest], codes: Codes) -> Iterator[Tried]:
    """Against those that are open; with none of them, against the last that is over."""
    still = [request for request in waiting if not request.over]
    right = [request for request in still if _is_right(found.code, request, codes)]
    for request in right or still or waiting[-1:]:
        left = 0 if request.over else max(0, codes.tries - request.tries - 1)
        yield Tried(request, message.id, right=bool(right), left=left, text=found.text)


def _afterwards(tried: Tried) -> ProofRequest:
    request = tried.request
    if tried.right or request.over:
        return replace(request, over=request.over or "void")
    return replace(request, tries=request.tries + 1, over="" if tried.left else "void")


def _is_right(code: str, request: ProofRequest, codes: Codes) -> bool:
    ask = Ask(purpose=request.purpose, by=request.by, target=request.to, about=request.about, source=request.source)
    return hmac.compare_digest(codes.hash_of(code, ask), request.code_hash)

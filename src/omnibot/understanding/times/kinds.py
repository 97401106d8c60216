"""What a time is to the writer: something due, ahead, behind, lasting or coming again."""

from __future__ import annotations

from omnibot.model import TimeKind
from omnibot.understanding.times.candidates import Candidate

__all__ = ["kind", "lasts_until_now"]

_BEHIND = frozenset({"last", "past"})
_SPANNING = frozenset({"to", "until", "and", "or", "at", "on"})
_HARD = frozenset({"by", "before", "within", "until"})


def kind(candidate: Candidate) -> TimeKind:
    """The kind of a day or an hour."""
    context = candidate.context
    ties = candidate.ties("clock")
    if _is_behind(candidate, ties):
        return TimeKind.PAST
    hard = ties & _HARD
    if "ofdet" in ties and not candidate.kinds("day") & _SPANNING:
        return TimeKind.PAST  # a letter of the 12th
    if context.after and context.after[0].kind == "by":
        return TimeKind.DEADLINE  # Friday at the latest
    if hard and not _given_way(candidate, hard):
        return TimeKind.PAST if _claimed(candidate) else TimeKind.DEADLINE
    if hard:
        return TimeKind.PAST if context.tense() == "past" and "until" in hard else TimeKind.FUTURE
    return _loose(candidate, ties)


def _is_behind(candidate: Candidate, ties: set[str]) -> bool:
    if "since" in ties or candidate.kinds("day") & _BEHIND or candidate.kinds("dayafter") & _BEHIND:
        return True
    days = [*candidate.pieces("day"), *candidate.pieces("dayafter")]
    return any(piece.kind == "day" and str(piece.value).startswith("-") for piece in days)


def _given_way(candidate: Candidate, hard: set[str]) -> bool:
    """`until Friday` and `before Friday` say when somebody who is away is back."""
    context = candidate.context
    if "before" in hard:
        return context.near_or_behind("not")
    if "until" in hard and not hard & {"by", "within"}:
        if context.has("due", context.near) or context.has("holding", context.near):
            return False
        return (
            context.has("not", context.near)
            or context.near_or_behind("away")
            or context.tense() == "past"
            or "from" in {p.kind for p in context.before[:3]}
        )
    return False


def _claimed(candidate: Candidate) -> bool:
    """Whether it was promised for then, and the promise is told of."""
    context = candidate.context
    return context.has("claimed", context.near) or (
        context.has("claimed", context.before) and context.has("conditional", context.near)
    )


def _loose(candidate: Candidate, ties: set[str]) -> TimeKind:
    """A day or an hour that no word makes a deadline: the verbs tell."""
    context = candidate.context
    if context.has("due", context.near) and not _over(candidate):
        return TimeKind.DEADLINE
    if context.kind_before() == "to" or context.has("to", context.before[:1]):
        return TimeKind.FUTURE  # it was moved to Friday
    if "from" in ties and context.has("dated", context.before[:1]):
        return TimeKind.PAST  # the order from 20 February
    tense = context.tense("for" in ties)
    if tense == "past":
        return TimeKind.PAST
    if context.has("due_behind", context.behind):
        return TimeKind.DEADLINE
    if ties & {"after", "from", "for"}:
        return TimeKind.PAST if ties & {"from"} and tense == "past" else TimeKind.FUTURE
    if _wanted(candidate):
        return TimeKind.DEADLINE
    return TimeKind.FUTURE


def _over(candidate: Candidate) -> bool:
    """Whether it was due, or came to its end."""
    context = candidate.context
    for piece in context.near:
        if candidate.vocabulary.has(piece.word, "due"):
            continue
        if candidate.vocabulary.has(piece.word, "past"):
            return True
    return False


def _wanted(candidate: Candidate) -> bool:
    """Whether something is demanded for then, and not only asked for at that hour."""
    context = candidate.context
    if candidate.has("clockfirst") and not any(
        piece.value in ("opens", "closes") for piece in candidate.pieces("clockfirst")
    ):
        return False
    return context.near_or_behind("want")


def lasts_until_now(candidate: Candidate) -> bool | None:
    """Whether a length ends now (True), begins now (False), or is tied to no date (None)."""
    context, ties = candidate.context, candidate.kinds("tie")
    length = candidate.kinds("length")
    if ties & {"since"} or candidate.has("pre") or length & {"last", "past"}:
        return True
    if length & {"next", "rest", "coming"}:
        return False
    if context.has("told", context.near[:4]):
        return None
    if context.has("so_far", context.near[:6]) or context.has("so_far_behind", context.behind[:2]):
        return True
    if context.has("begins", context.near[:6]) or context.has("begins", context.behind[:3]):
        return False
    if "for" not in ties:
        return None
    return None if context.tense() == "past" else False

"""What a voice pack must have words for, and which places these words may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omnibot.model.values import frozen

__all__ = ["ALWAYS", "MOVES", "NAMES", "PREFERRED", "Topic"]

NAMES = frozenset({"name", "first_name"})  # places that wait for who has told their name
ALWAYS = frozenset({"company", "bot", "by_channel", "by_channel_place", "an_address"})
PREFERRED = frozenset({"name", "matter", "plan", "team"})  # what is known of these is said


@frozen
class Topic:
    """One thing that is said. For each of `cases` there must be a wording that needs no other places than these."""

    cases: tuple[frozenset[str], ...] = (frozenset(),)
    more: frozenset[str] = frozenset()  # that are filled now and then

    @property
    def places(self) -> frozenset[str]:
        """All that may stand in a wording."""
        return frozenset().union(ALWAYS, NAMES, self.more, *self.cases)


def _of(places: str = "", *other_cases: str, more: str = "") -> Topic:
    cases = tuple(frozenset(case.split()) for case in (places, *other_cases))
    return Topic(cases, frozenset(more.split()))


def _plain(*names: str) -> Iterable[tuple[str, Topic]]:
    return ((name, _of()) for name in names)


_GROUPS: Mapping[str, Mapping[str, Topic]] = {
    "greet": dict(
        _plain("opening", "opening_chat", "hello", "how_are_you", "who_are_you", "help", "light", "something_else"),
    ),
    "disclose": {"machine": _of()},
    "welcome": {"signed_up": _of("at", more="plan")},
    "mood": dict(_plain("frustrated", "confused", "glad", "sorry")),
    "history": {
        "first_of_kind": _of("years", "months", more="matter"),
        "again": _of("ordinal", more="matter contacts channels since"),
        "helped_by": _of("names"),
        "tried": _of("steps"),
        "customer_since": _of("at"),
    },
    "confirm": {
        "name_set": _of("name first_name"),
        **{f"channel_{what}": _of() for what in ("set", "missing", "unusable", "unknown")},
        **dict(
            _plain(
                "length_short",
                "length_detailed",
                "register_casual",
                "register_formal",
                "manner_friendly",
                "manner_professional",
                "detail_summary",
                "detail_steps",
                "complexity_plain",
                "complexity_technical",
                "emoji_on",
                "emoji_off",
            )
        ),
        "language_set": _of(),
        "zone_set": _of("place"),
        "quiet_set": _of("begins ends"),
        "noted": _of("items"),
        "noted_learned": _of("items"),
        **dict(
            _plain(
                "zone_unclear",
                "quiet_none",
                "quiet_unclear",
                "level_low",
                "level_full",
                "noted_nothing",
                "preferences_reset",
            )
        ),
        "language_missing": _of("language_name"),
        **dict(_plain("for_once", "not_kept", "stopped", "started", "reach_here", "not_myself")),
        "reach": _of("contact"),
    },
    "prove": {
        "asked": _of("address minutes"),
        "asked_waiting": _of("address minutes"),
        "linked": _of("address"),
        "wrong": _of("left"),
        **dict(
            _plain(
                "token",
                "token_void",
                "here",
                "shared_here",
                "which_email",
                "which_number",
                "which_number_button",
                "which_address",
                "which_address_button",
                "unclear_email",
                "unclear_number",
                "unclear_address",
                "how_telegram",
                "how_slack",
                "shared",
                "unlinked",
                "forgotten",
                "forgotten_here",
                "none",
                "several",
                "wrong_last",
                "void",
                "expired",
                "no_request",
                "own_number",
                "own_number_button",
            )
        ),
    },
    "code": {"open": _of(), **{purpose: _of("code minutes") for purpose in ("link", "unlink", "forget")}},
    "answer": {
        "several": _of("title text"),
        "other_language": _of("language_name"),
        "meanwhile": _of(),
        "choose": _of(),
        "no_file": _of("file"),
        "offer": _of(),
        "agree_button": _of(),
        "disagree_button": _of(),
    },
    "ask": dict(_plain("which", "unclear", "unclear_part")),
    "handoff": {
        reason: _of(more="team matter")
        for reason in (
            "unknown",
            "person",
            "attachment",
            "urgent",
            "upset",
            "serious",
            "repeat",
            "rest",
            "unclear",
            "waiting",
            "more",
            "escalated",
            "team",
            "returned",
        )
    },
    "promise": {"by": _of("by", more="team opens"), "closed": _of("opens", more="team")},
    "next": {"offer": _of()},
    "resources": {"links": _of("count")},
    "point": {"moved": _of(), "moved_to": _of("which")},
    "subject": {**dict(_plain("handoff", "confirm", "prove", "code", "ask", "talk", "moved"))},
    "close": dict(_plain("thanks", "praise", "solved", "goodbye")),
    "signature": {"letter": _of()},
}

MOVES: Mapping[str, Topic] = {
    f"{group}.{name}": topic for group, topics in _GROUPS.items() for name, topic in topics.items()
}

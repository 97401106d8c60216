"""What customers wish about how they are answered: granted, shown and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omnibot.dialogue.heard import Heard, WishSaid
from omnibot.dialogue.listening import HELP
from omnibot.dialogue.manner import language_of
from omnibot.dialogue.phrases import Wish, noted
from omnibot.dialogue.times_of_day import place_of
from omnibot.dialogue.turn import Turn
from omnibot.model import PREFERENCE, Change, Move, MoveKind, Preferences, Value

__all__ = ["changed", "wishes"]

_NONE = "none"  # the value of a wish that takes one back
_TOPICS = {
    (Wish.LANGUAGE, ""): "language_set",
    (Wish.EMOJI, "yes"): "emoji_on",
    (Wish.EMOJI, "no"): "emoji_off",
    (Wish.LEVEL, "1"): "level_low",
    (Wish.LEVEL, "5"): "level_full",
    (Wish.QUIET, _NONE): "quiet_none",
    (Wish.QUIET, ""): "quiet_set",
    (Wish.ZONE, ""): "zone_set",
}


def wishes(turn: Turn, heard: Heard) -> tuple[tuple[Move, ...], tuple[Change, ...]]:
    """What is confirmed, and what changes by it."""
    if not (heard.name or heard.wishes or turn.reopened or HELP in turn.flags):
        return (), ()
    moves: list[Move] = []
    changes: dict[str, Change] = {}
    if heard.name:
        name, source = heard.name
        changes["name"] = Change(key="name", value=name, source=source)
        moves.append(_confirm("name_set", "asked to be called so"))
    for wish in {wish.wish: wish for wish in heard.wishes}.values():  # the last of its kind holds
        if wish.wish is Wish.SHOWN:
            moves += _shown(turn, language_of(turn, turn.snapshot.preferences, heard))
        elif wish.wish is Wish.RESET:
            moves.append(_confirm("preferences_reset", "asked to forget their wishes"))
            changes |= _forgotten(turn, wish)
        else:
            move = _granted(turn, wish)
            moves.append(move)
            if "value" in move.facts:
                key = f"{PREFERENCE}{wish.wish}"
                changes[key] = Change(key=key, value=str(move.facts["value"]), source=wish.source)
    if turn.reopened:
        moves.append(_confirm("started", "asked to be written to again"))
    if HELP in turn.flags:
        moves.append(_confirm("reach", "sent the network's word for help"))
    return tuple(_as_kept(turn, moves, heard)), tuple(changes.values())


def changed(preferences: Preferences, changes: Sequence[Change]) -> Preferences:
    """As they are with what was wished just now."""
    if not changes:
        return preferences
    texts = {change.key.removeprefix(PREFERENCE): change.value for change in changes if change.key != "name"}
    return preferences.told(texts)


def _confirm(topic: str, why: str, **facts: Value) -> Move:
    return Move(kind=MoveKind.CONFIRM, topic=topic, facts=facts, why=why)


def _as_kept(turn: Turn, confirms: Sequence[Move], heard: Heard) -> Sequence[Move]:
    """Where several people write, a wish holds for the one reply, and that is said instead of a promise."""
    promises = [move for move in confirms if move.topic == "name_set" or "value" in move.facts]
    if not (promises and turn.is_shared):
        return confirms
    topic = "for_once" if heard.matters and not heard.name else "not_kept"
    return [*(move for move in confirms if move not in promises), _confirm(topic, "several people write from there")]


# --- granted ---


def _granted(turn: Turn, said: WishSaid) -> Move:
    """The confirmation of a wish, with its value where it can be granted."""
    match said.wish:
        case Wish.CHANNEL:
            return _channel_wish(turn, said.value)
        case Wish.LANGUAGE if said.value not in turn.company.knowledge.languages:
            return _confirm("language_missing", "a language that we do not write", language=said.value)
        case Wish.QUIET | Wish.ZONE if not said.value:
            return _confirm(f"{said.wish}_unclear", "named no time of day, or a zone that nobody knows")
        case _:
            value = "" if said.value == _NONE else said.value
            topic = _TOPICS.get((said.wish, said.value)) or _TOPICS.get((said.wish, "")) or f"{said.wish}_{value}"
            return _confirm(topic, f"asked for {said.wish} {said.value}", value=value, **_parts(said))


def _parts(said: WishSaid) -> dict[str, Value]:
    """What the confirmation of a wish names besides its value."""
    if said.wish is Wish.QUIET and said.value != _NONE:
        begins, _, ends = said.value.partition("-")
        return {"begins": begins, "ends": ends}
    return {"place": place_of(said.value)} if said.wish is Wish.ZONE else {}


def _channel_wish(turn: Turn, wanted: str) -> Move:
    here = turn.written_on.address.channel
    channel = here if wanted == "here" else wanted
    if turn.usable(channel) or channel == here:
        return _confirm("channel_set", "asked for that channel", channel=channel, value=channel)
    snapshot = turn.snapshot
    if any(a.address.channel == channel and a.id in snapshot.trusted for a in snapshot.addresses):
        topic, why = "channel_unusable", "their address there cannot be written to now"
    elif channel not in turn.channels:
        topic, why = "channel_unknown", "the company does not write on that channel"
    else:
        topic, why = "channel_missing", "no address of theirs on that channel is known"
    return _confirm(topic, why, channel=channel)


# --- shown, and taken back ---


def _shown(turn: Turn, language: str) -> Iterator[Move]:
    """How they like to be answered: what they said, and what it seems."""
    snapshot = turn.snapshot
    told: list[str] = []
    learned: list[str] = []
    for name, value in snapshot.preferences.texts().items():
        if text := noted(language, name, value):
            (told if name in snapshot.stated or not snapshot.habits else learned).append(text)
    why = "asked what was noted of how they like to be answered"
    for topic, items in (("noted", told), ("noted_learned", learned)):
        if items:
            yield _confirm(topic, why, items=tuple(items))
    if not (told or learned):
        yield _confirm("noted_nothing", why)


def _forgotten(turn: Turn, wish: WishSaid) -> dict[str, Change]:
    """What takes back all that was stated, and what was learned of how they write."""
    keys = [f"{PREFERENCE}{name}" for name in turn.snapshot.preferences.texts()]
    return {key: Change(key=key, value="", source=wish.source) for key in (*keys, "habits")}

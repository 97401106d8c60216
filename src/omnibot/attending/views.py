"""What staff see of a matter: the customer as a whole, as a card and as a timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from omnibot.contract import Page
from omnibot.desk import Rules, card_of
from omnibot.desk.cards import lines_of
from omnibot.dialogue import Knowledge
from omnibot.identity import Remembered, identify
from omnibot.memory import profile
from omnibot.memory.relationship import relationship_of
from omnibot.model import Address, Card, Disclosure, Proof, Snapshot, Stretch
from omnibot.store import Store
from omnibot.store.desk import Attended
from omnibot.store.profiles import TakenTurn
from omnibot.store.work import Work

__all__ = ["Views"]

_PAGE = 20  # messages
_TURNS = 5  # the latest, among which the one that handed it off is sought
_ALL = Disclosure(name=Proof.SEEN, history=Proof.SEEN, account=Proof.SEEN)  # who helps may know whom they help


class Views:
    """Reads for people. `knowledge` gives the company's articles as they are now."""

    def __init__(self, store: Store, rules: Rules, knowledge: Callable[[], Knowledge], language: str) -> None:
        self._store = store
        self._rules = rules
        self._knowledge = knowledge
        self._language = language

    async def card(self, attended: Attended, now: datetime) -> Card:
        """A matter as it is now. Raises StoreUnavailable."""
        address = attended.address.address
        work = await self._store.path.look(address)
        if not isinstance(work, Work):
            return _bare(attended.stretch, self._rules, address)
        snapshot = _seen(work, attended.stretch)
        addresses = [known.id for known in work.addresses]
        turn = await self._latest(attended.stretch, addresses)
        return card_of(
            attended.stretch,
            snapshot,
            relationship_of(snapshot, now),
            self._rules,
            asked_at=attended.asked_at,
            now=now,
            urgency=_urgency(turn),
            deadline=_deadline(turn, now),
            suggestion=self._suggestion(turn, snapshot),
            reviews=[review.id for review in await self._store.identity.reviews(attended.customer)],
        )

    async def timeline(self, attended: Attended, page: int) -> Page:
        """A page of what was said with the customer, the latest page first."""
        skip = page * _PAGE
        messages = await self._store.records.timeline(attended.customer, _PAGE + 1, skip)
        shown = messages[-_PAGE:]
        return Page(lines_of(shown), page, earlier=len(messages) > _PAGE, later=page > 0)

    async def _latest(self, stretch: Stretch, addresses: list[Any]) -> TakenTurn | None:
        """The latest turn about the matter."""
        turns = await self._store.profiles.turns(addresses, _TURNS)
        about = (turn for turn in turns if stretch.matter is None or turn.matter == stretch.matter)
        return next(about, next(iter(turns), None))

    def _suggestion(self, turn: TakenTurn | None, snapshot: Snapshot) -> str:
        """What could be sent: an approved answer that they were not told yet; '' where there is none."""
        if turn is None:
            return ""
        language = _language_of(turn) or self._language
        knowledge = self._knowledge()
        told = {move.get("topic", "") for move in turn.record.get("moves", ()) if move.get("kind") == "answer"}
        told |= {one.what for case in snapshot.cases for one in case.attempts}
        found = knowledge.find("\n".join(turn.texts), language) if turn.texts else None
        if found is None or found.article.id in told or f"article:{found.article.id}" in told:
            return ""
        article = knowledge.article(found.article.id, language) or found.article
        return article.short


def _seen(work: Work, stretch: Stretch) -> Snapshot:
    """The customer with all that staff may see."""
    return profile(
        identify(
            work.lease.customer,
            work.addresses,
            work.facts,
            work.timeline,
            wrote=stretch.address,
            at=work.at,
            disclosure=_ALL,
            earlier=work.earlier,
            remembered=Remembered(events=work.events, usage=work.usage, cases=work.cases, habits=work.habits),
        )
    )


def _bare(stretch: Stretch, rules: Rules, address: Address) -> Card:
    """Where a newer version has written what this one cannot read: people must see it all the same."""
    team = rules.team(stretch.team)
    return Card(stretch=stretch, team=team.name or team.key, name="", contacts=((str(address), ""),))


def _reading(turn: TakenTurn | None) -> Mapping[str, Any]:
    return turn.record.get("reading", {}) if turn else {}


def _known(turn: TakenTurn | None, name: str) -> Any:  # noqa: ANN401 - as JSON has it
    signal = _reading(turn).get(name) or {}
    return signal.get("value") if signal.get("known", True) and signal.get("confidence") else None


def _urgency(turn: TakenTurn | None) -> str:
    return str(_known(turn, "urgency") or "")


def _language_of(turn: TakenTurn) -> str:
    return str(_known(turn, "language") or "")


def _deadline(turn: TakenTurn | None, now: datetime) -> datetime | None:
    """The nearest that they named, while it can still be met or was missed just now."""
    named = (
        datetime.fromisoformat(one["at"])
        for one in _reading(turn).get("times") or ()
        if one.get("kind") == "deadline" and one.get("at")
    )
    return min((at for at in named if at > now - timedelta(days=1)), default=None)

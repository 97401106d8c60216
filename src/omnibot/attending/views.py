"""What staff see of a matter: the customer as a whole, as a card and as a timeline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omnibot.contract import Page
from omnibot.desk import Rules, card_of
from omnibot.desk.cards import lines_of
from omnibot.dialogue import Knowledge
from omnibot.identity import Remembered, identify
from omnibot.memory import profile
from omnibot.memory.relationship import relationship_of
from omnibot.model import Address, Card, Disclosure, Proof, Snapshot, Stretch, Urgency
from omnibot.store import Store
from omnibot.store.desk import Attended, Understood
from omnibot.store.work import Work

__all__ = ["Views"]

_PAGE = 20  # messages
_SENTENCES = 12  # of a turn that are looked at
_URGENCIES = tuple(Urgency)
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
        turns = await self._store.desk.understood(attended)
        return card_of(
            attended.stretch,
            snapshot,
            relationship_of(snapshot, now),
            self._rules,
            asked_at=attended.asked_at,
            now=now,
            urgency=_urgency(turns),
            deadline=_deadline(turns, now),
            suggestion=self._suggestion(turns, snapshot),
            title=self._title,
            reviews=[review.id for review in await self._store.identity.reviews(attended.customer)],
        )

    async def timeline(self, attended: Attended, page: int) -> Page:
        """A page of what was said with the customer, the latest page first."""
        skip = page * _PAGE
        messages = await self._store.records.timeline(attended.customer, _PAGE + 1, skip)
        shown = messages[-_PAGE:]
        return Page(lines_of(shown), page, earlier=len(messages) > _PAGE, later=page > 0)

    def _title(self, article: str) -> str:
        """What people call an article, in the company's language."""
        found = self._knowledge().article(article, self._language)
        return found.title if found else ""

    def _suggestion(self, turns: Sequence[Understood], snapshot: Snapshot) -> str:
        """What could be sent: an approved answer that they were not told yet; '' where there is none."""
        knowledge = self._knowledge()
        moves = (move for turn in turns for move in turn.record.get("moves", ()))
        told = {f"article:{move.get('topic', '')}" for move in moves if move.get("kind") == "answer"}
        told |= {one.what for case in snapshot.cases for one in case.attempts}
        for turn in turns:  # "hello?" asks for nothing, but what was asked before
            language = str(_known(turn, "language") or self._language)
            found = (knowledge.find(words, language) for words in _wordings(turn.texts))
            fitting = (one.article for one in found if one is not None and f"article:{one.article.id}" not in told)
            if (article := next(fitting, None)) is not None:
                return (knowledge.article(article.id, language) or article).short
        return ""


def _wordings(texts: Sequence[str]) -> Iterator[str]:
    """What was written as a whole, and each sentence of it: not all has to do with what they want."""
    whole = "\n".join(texts)
    yield whole
    yield from (sentence for sentence in re.split(r"(?<=[.!?])\s+|\n+", whole)[:_SENTENCES] if sentence.strip())


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


def _reading(turn: Understood) -> Mapping[str, Any]:
    reading: Mapping[str, Any] = turn.record.get("reading") or {}
    return reading


def _known(turn: Understood, name: str) -> Any:  # noqa: ANN401 - as JSON has it
    signal = _reading(turn).get(name) or {}
    return signal.get("value") if signal.get("known", True) and signal.get("confidence") else None


def _urgency(turns: Sequence[Understood]) -> str:
    """The weightiest: who has said that it is urgent, and asks again calmly, is in no less of a hurry."""
    told = [str(value) for turn in turns if (value := _known(turn, "urgency"))]
    return max(told, key=lambda one: _URGENCIES.index(one) if one in _URGENCIES else -1, default="")


def _deadline(turns: Sequence[Understood], now: datetime) -> datetime | None:
    """The nearest that they named, while it can still be met or was missed just now."""
    named = (
        datetime.fromisoformat(one["at"])
        for turn in turns
        for one in _reading(turn).get("times") or ()
        if one.get("kind") == "deadline" and one.get("at")
    )
    return min((at for at in named if at > now - timedelta(days=1)), default=None)

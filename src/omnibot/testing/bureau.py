"""An office in memory: what agents do at a desk is kept here instead of in a database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from omnibot.contract import Look, NotAccepted, Page, Place
from omnibot.model import Agent, Card, DeskAct


class Bureau:
    """An `Office` that keeps acts, or raises NotAccepted while `refusing`.

    Dedupes by id like the core, so that `acts` is what would be done and `offers` what was handed in. It knows the
    threads that have a card in `cards`.
    """

    def __init__(self, teams: Mapping[str, str] | None = None) -> None:
        self.refusing = False
        self.known_teams = dict(teams or {"support": "Support", "billing": "Billing"})
        self.cards_of: dict[Place, Card] = {}
        self.pages: Sequence[Page] = (Page((), 0),)
        self.offers: list[tuple[Place, DeskAct]] = []
        self.acts: list[tuple[Place, DeskAct]] = []
        self._changed = asyncio.Condition()

    async def act(self, place: Place, act: DeskAct) -> bool:
        """Take in what an agent does."""
        async with self._changed:
            self.offers.append((place, act))
            if not self.refusing and place in self.cards_of and act.id not in {one.id for _, one in self.acts}:
                self.acts.append((place, act))
            self._changed.notify_all()
        if self.refusing:
            raise NotAccepted("the office refuses")
        return place in self.cards_of

    async def card(self, place: Place) -> Card | None:
        """What a thread is about."""
        return self.cards_of.get(place)

    async def cards(self, look: Look, agent: Agent, *, team: str = "", text: str = "") -> Sequence[tuple[Place, Card]]:
        """Those whose name has `text`; whose they are is no matter here, but for `MINE`."""
        return [
            (place, card)
            for place, card in self.cards_of.items()
            if text.casefold() in card.name.casefold() and (look is not Look.MINE or card.stretch.owner == agent)
        ]

    async def timeline(self, place: Place, page: int = 0) -> Page:
        """One of `pages`."""
        return self.pages[page] if page < len(self.pages) else Page((), page)

    async def teams(self) -> Mapping[str, str]:
        """The teams there are."""
        return self.known_teams

    async def done(self, count: int = 1, deadline: float = 10) -> list[tuple[Place, DeskAct]]:
        """All acts, once there are `count`; TimeoutError after `deadline` seconds."""
        await self._until(self.acts, count, deadline)
        return self.acts

    async def offered(self, count: int = 1, deadline: float = 10) -> list[tuple[Place, DeskAct]]:
        """All that was handed in, repetitions and refused ones too, once there are `count`."""
        await self._until(self.offers, count, deadline)
        return self.offers

    async def _until(self, kept: Sequence[object], count: int, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(lambda: len(kept) >= count)
        except TimeoutError:
            raise TimeoutError(f"{len(kept)} of {count} acts within {deadline} s") from None

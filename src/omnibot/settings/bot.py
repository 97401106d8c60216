"""`[bot]`: who speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from omnibot.settings.hours import Hours
from omnibot.settings.places import must_be_filled
from omnibot.settings.section import Section
from omnibot.zones import zone_named

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class Bot(Section):
    """Who speaks."""

    company: Annotated[str, Field(min_length=1)] = "Example Ltd"
    """Named in greetings and signatures."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en", "es", "de", "fr")
    """ISO 639-1; the first is the company's own and stands in for one that an answer lacks."""
    name: Annotated[str, Field(min_length=1)] = "Omnibot"
    """How the bot calls itself."""
    contact: str = ""
    """How else people reach the company, in a few words: a number, an address, a page. Told to who texts HELP."""
    knowledge: Path = Path("config/knowledge")
    """The folder of the articles that may be answered from."""
    playbooks: Path | None = Path("config/playbooks")
    """The folder of the playbooks, which say what customers want and how they put it; empty: none."""
    playbooks_seconds: Annotated[float, Field(ge=0)] = 5
    """How often a running server looks whether playbooks have changed, and goes by them; 0: at its start alone."""

    voice: Path = Path("config/voice")
    """The folder of the voice packs, a folder a language: how each move of a reply is worded."""
    disclosure: dict[Language, str] | str = ""
    """That a machine writes, in the company's own words: one text in its own language, or one a language."""

    @field_validator("disclosure")
    @classmethod
    def _places_are_filled(cls, disclosure: dict[str, str] | str) -> dict[str, str] | str:
        for text in disclosure.values() if isinstance(disclosure, dict) else (disclosure,):
            must_be_filled(text, "bot", "company")
        return disclosure

    @property
    def disclosures(self) -> dict[str, str]:
        """The company's own words by language; none where the voice packs' are to be said."""
        if isinstance(self.disclosure, str):
            return {self.languages[0]: self.disclosure} if self.disclosure else {}
        return self.disclosure

    @field_validator("playbooks", mode="before")
    @classmethod
    def _empty_is_none(cls, folder: object) -> object:
        return None if folder == "" else folder

    level: Annotated[int, Field(ge=1, le=5)] = 5
    """How personal replies may be: 1 by name, 2 and with what was before, 3 and as people seem to like it, 4 and with
    what is likely behind a question and what comes next, 5 and with a word on how they feel. Customers can lower it."""
    zone: str = "UTC"
    """IANA name, such as Europe/Berlin: where "tomorrow" is told of those whose own zone is not known."""
    hours: Hours = Hours()
    """When somebody works."""

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        return zone_named(zone).key

"""The stories that the demo can play, each with its customers and what must come true."""

from collections.abc import Mapping

from omnibot.sandbox.stories.day import DAY
from omnibot.sandbox.stories.moves import MOVES
from omnibot.sandbox.stories.story import Expect, Step, Story
from omnibot.sandbox.stories.two_people import TWO_PEOPLE

__all__ = ["STORIES", "Expect", "Step", "Story"]

STORIES: Mapping[str, Story] = {"day": DAY, "moves": MOVES, "two-people": TWO_PEOPLE}

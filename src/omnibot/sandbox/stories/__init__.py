"""The stories that the demo can play, each with its customers, what was before, and what must come true."""

from collections.abc import Callable, Mapping
from datetime import datetime

from omnibot.sandbox.stories.day import DAY
from omnibot.sandbox.stories.frustrated import Frustrated, frustrated
from omnibot.sandbox.stories.moves import Moving, moves
from omnibot.sandbox.stories.new import New, new
from omnibot.sandbox.stories.returning import Returning, returning
from omnibot.sandbox.stories.story import Acting, Element, Expect, Letter, Scene, Step, Story
from omnibot.sandbox.stories.two_people import TWO_PEOPLE

__all__ = ["STORIES", "Acting", "Element", "Expect", "Letter", "Scene", "Step", "Story"]

STORIES: Mapping[str, Callable[[datetime], Story]] = {  # what was before is told from now
    "day": lambda now: DAY,
    "returning": lambda now: returning(Returning.sarah(now), now),
    "frustrated": lambda now: frustrated(Frustrated.mike(now)),
    "new": lambda now: new(New.emma(now), now),
    "moves": lambda now: moves(Moving.tomas()),
    "two-people": lambda now: TWO_PEOPLE,
}

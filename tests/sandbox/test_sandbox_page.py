"""docs/sandbox.md: its example runs, and it leaves nothing out."""

import re
from pathlib import Path
from typing import get_args

import pytest

from omnibot.sandbox import Fault, Outcome
from omnibot.sandbox.slack.parameters import METHODS
from omnibot.sandbox.telegram.parameters import PARAMETERS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


async def test_the_example_does_what_the_page_says():
    (source,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (promised,) = re.findall(r"^It returns `(\[.*?\])`\.$", PAGE, re.MULTILINE)
    written: dict = {}
    exec(compile(source, "sandbox.md", "exec"), written)
    assert await written["example"]() == [item.strip(' "') for item in promised.strip("[]").split(", ")]


@pytest.mark.parametrize(
    "name",
    [*(fault.__name__ for fault in get_args(Fault)), *(f"`{outcome}`" for outcome in Outcome), *PARAMETERS, *METHODS],
)
def test_everything_is_on_the_page(name):
    assert name in PAGE

"""What the company's playbooks teach reaches what is read of a message."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from omnibot.learning import Lessons, playbooks_of
from omnibot.model import Address
from omnibot.playbooks import Playbooks
from omnibot.sandbox.world import World
from omnibot.settings import Bot
from tests.journeys.conftest import DEADLINE, KNOWLEDGE, MakeWorld, telegram_got

PLAYBOOKS = Path(__file__).parents[2] / "config" / "playbooks"


async def intent_of(place: World, user: int, text: str) -> object:
    place.telegram.main.user(user, "Ada Byron").write(text)
    await telegram_got(place, user)
    async with place.looking() as store:
        [turn] = await store.records.why(Address("telegram", str(user)))
    reading = turn["reading"]
    assert isinstance(reading, dict)
    return reading["intent"]["value"]


async def test_a_server_learns_the_playbooks_while_it_serves_and_tells_intents_at_once_after_its_next_start(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    for name in ("refund.yaml", "password-reset.yaml", "out-of-scope.yaml"):
        shutil.copy(PLAYBOOKS / name, playbooks)
    async with make_world(playbooks=playbooks) as place:
        lessons = Lessons.of(playbooks_of(place.settings), place.settings.data_folder)
        async with place.serving():
            place.telegram.main.user(1, "Ada Byron").write("I want my money back")
            assert await telegram_got(place, 1)  # answered, whether it has learned or not
            async with asyncio.timeout(DEADLINE * 4):
                while lessons.model() is None:
                    await asyncio.sleep(0.05)
        async with place.serving():
            assert await intent_of(place, 2, "I want my money back please") == "refund"
            assert await intent_of(place, 3, "I forgot my password again") == "password-reset"


async def test_a_server_goes_by_playbooks_that_are_edited_while_it_serves(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    for name in ("refund.yaml", "password-reset.yaml", "out-of-scope.yaml"):
        shutil.copy(PLAYBOOKS / name, playbooks)
    bot = Bot(knowledge=KNOWLEDGE, playbooks=playbooks, playbooks_seconds=0.05)
    async with make_world(sections={"bot": bot}) as place, place.serving():
        examples = [
            f"the {thing} that I bought never glows" for thing in ("lamp", "torch", "lantern", "bulb", "candle")
        ]
        glow = {"intent": "no-glow", "description": "It stays dark.", "examples": {"en": examples}}
        (playbooks / "no-glow.yaml").write_text(json.dumps(glow))
        async with asyncio.timeout(DEADLINE * 4):
            while Lessons.of(Playbooks.load(playbooks), place.settings.data_folder).model() is None:
                await asyncio.sleep(0.05)
        for user in range(1, 100):  # what was learned is there a moment before the server has it
            if await intent_of(place, user, examples[0]) == "no-glow":
                return
        raise AssertionError("it still goes by the playbooks of before")

"""Makes the pictures of docs/desk.md: a story of the demo, as the emulated Slack shows it to the team.

    .venv/bin/python docs/desk/pictures.py

It needs a Chromium (`chromium` on the path, or named by CHROMIUM), and writes the pictures beside itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from omnibot.logs import configure
from omnibot.sandbox.demo import STAFFED, learned
from omnibot.sandbox.slack import Person
from omnibot.sandbox.stage import Silent, Stage
from omnibot.sandbox.stories.frustrated import Frustrated, frustrated
from omnibot.sandbox.team import ROOMS
from omnibot.sandbox.world import World, world
from omnibot.settings import Bot, Log

HERE = Path(__file__).parent
WIDTH = 760
STEPS = 4  # steps of the story: what he writes, what he writes on, a remark, a reply
MARKED = "> It is on our status page, too: https://status.example.com"


def main() -> None:
    """Play, and take the pictures."""
    configure(Log(level="error"))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # whom the bundled PostgreSQL runs as must get through
        asyncio.run(play(Path(folder)))


async def play(folder: Path) -> None:
    """A part of the story, and what is seen of it."""
    who = Frustrated.mike(datetime.now(UTC))
    story = frustrated(who)
    bot = Bot()
    async with world(
        folder,
        knowledge=bot.knowledge,
        playbooks=bot.playbooks,
        channels={"sms", "email", "whatsapp", "slack"},
        sections={"desk": STAFFED},
    ) as place:
        place.slack.main.bot_name = "Omnibot"
        await learned(place.settings)
        async with place.serving(), place.looking() as store, browser() as page:
            missing = await Stage(replace(story, steps=story.steps[:STEPS]), place, store, Silent()).play()
            if missing:
                raise SystemExit(f"the story did not come true: {missing}")
            await take(place, page, who)


async def take(place: World, page: Page, who: Frustrated) -> None:
    """The thread with its card, somebody's modal above it, and their home."""
    slack, zoe = place.slack, place.slack.main.people["U0ZOE"]
    room = slack.main.rooms[ROOMS["senior"]]
    thread = next(ts for ts, message in room.messages.items() if message.get("thread_ts", ts) == ts)
    marked = zoe.write(MARKED, room, thread)
    await until(lambda: "white_check_mark" in str(slack.main.message(marked).get("reactions")))
    place.twilio.phone(who.writes.value).read()
    await until(lambda: "eyes" in str(slack.main.message(marked).get("reactions")))
    await until(lambda: "Taken by Zoe Lang" in zoe.see_thread(thread))
    url = f"{slack.url}/slack/threads/{room.id}/{thread}?as={zoe.id}"
    await page.picture(f"{url}", ".thread", HERE / "thread.png")
    zoe.press("Resolve", thread)
    await until(lambda: zoe.modal)
    zoe.stack.top.form.fill("Why it is over", "solved")  # type: ignore[union-attr]
    zoe.stack.top.form.fill("What worked", "moved the account to the new gateway")  # type: ignore[union-attr]
    await page.picture(url, ".view", HERE / "resolve.png")
    await home(zoe)
    await page.picture(f"{slack.url}/slack/people/{zoe.id}", ".home", HERE / "home.png")


async def home(zoe: Person) -> None:
    """Open the app's home."""
    zoe.open_home()
    await until(lambda: "My cases (1)" in zoe.see_home())


async def until(condition: Callable[[], object]) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


@dataclass
class Page:
    """A page of Chromium, told what to do by its DevTools protocol."""

    socket: ClientWebSocketResponse
    _number: int = field(default=0)

    async def picture(self, url: str, selector: str, file: Path) -> None:
        """Keep what a part of a page looks like."""
        await self._do("Page.navigate", url=url)
        await self._loaded()
        box = await self._evaluated(
            f"const r = document.querySelector({selector!r}).getBoundingClientRect();"
            "JSON.stringify({x: r.x, y: r.y + scrollY, width: r.width, height: r.height})",
        )
        clip = json.loads(box) | {"scale": 1}
        shot = await self._do("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))

    async def _loaded(self) -> None:
        while (await self._evaluated("document.readyState")) != "complete":  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.05)

    async def _evaluated(self, expression: str) -> str:
        answer = await self._do("Runtime.evaluate", expression=expression)
        return str(answer["result"]["value"])

    async def _do(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        await self.socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (answer := await self.socket.receive_json()).get("id") != self._number:
            continue
        return dict(answer["result"])


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A Chromium without a window."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--remote-debugging-port=0"]
        sized = [f"--window-size={WIDTH + 40},900", f"--user-data-dir={profile}", "about:blank"]
        chromium = os.environ.get("CHROMIUM", "chromium")
        silent = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(chromium, *options, *sized, stdout=silent, stderr=silent)
        try:
            port = Path(profile) / "DevToolsActivePort"
            await until(lambda: port.exists() and port.read_text())
            async with ClientSession(f"http://127.0.0.1:{port.read_text().split()[0]}") as session:
                async with session.get("/json") as answer:
                    [tab] = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    main()

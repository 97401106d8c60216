"""What goes beyond text: files of articles, and choices where there are no buttons."""

from __future__ import annotations

import shutil
from pathlib import Path

from omnibot.dialogue import Knowledge
from omnibot.model import Address
from omnibot.settings import Bot
from tests.journeys.conftest import DEADLINE, KNOWLEDGE, MakeWorld


async def test_the_file_of_an_article_goes_along(make_world: MakeWorld, tmp_path: Path) -> None:
    folder = shutil.copytree(KNOWLEDGE, tmp_path / "knowledge")
    (folder / "guide.pdf").write_bytes(b"the guide")
    article = folder / "export-data.en.md"
    article.write_text(article.read_text("utf-8").replace("title:", "files: [guide.pdf]\ntitle:"), "utf-8")
    sections = {"bot": Bot(knowledge=folder)}
    async with make_world(sections, telegram_mode="webhook") as place, place.serving():
        place.telegram.main.user(1, "Ada").write("How can I export my data?")
        [sent] = await place.ledger.wait_for(lambda entry: entry.method == "sendDocument", DEADLINE)
        assert "Export" in sent.text
        assert place.telegram.main.files[sent.payload["document"]].content == b"the guide"


async def test_a_number_chooses_where_there_are_no_buttons(make_world: MakeWorld) -> None:
    async with make_world(telegram_mode="webhook") as place, place.serving():
        ada = place.mail.mailbox("ada@example.org", "Ada")
        ada.write("A question", "What can you do?")
        [offered] = await ada.wait_for(deadline=DEADLINE)
        second = next(line for line in offered.text.splitlines() if line.startswith("2. ")).removeprefix("2. ")
        ada.reply(offered, "2")
        await ada.wait_for(count=2, deadline=DEADLINE)
        async with place.looking() as store:
            [why, _] = await store.records.why(Address("email", "ada@example.org"))
    assert "chosen by a button" in str(why["why"])
    [answered] = [move["topic"] for move in why["moves"] if move["kind"] == "answer"]
    article = Knowledge.load(KNOWLEDGE).article(answered, "en")
    assert article is not None
    assert article.title == second

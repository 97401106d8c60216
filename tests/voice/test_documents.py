"""docs/voice.md cannot lie: its packs can be read, its forms are those there are, what it says is said."""

import re
import shutil
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omnibot.places import FORMS, Template
from omnibot.settings import Settings, judge_table
from omnibot.voice import Voices
from omnibot.voice.values import Clock

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "voice.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("snippet", [one for one in SNIPPETS if "[bot]" not in one])
def test_the_packs_that_are_shown_can_be_read(snippet: str, tmp_path: Path) -> None:
    """Each takes the place of what the English pack has."""
    shutil.copytree(ROOT / "config" / "voice" / "en", tmp_path / "en")
    for file in (tmp_path / "en").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        for header in re.findall(r"^\[[\w.]+\]", snippet, re.MULTILINE):
            text = re.sub(rf"(?ms)^{re.escape(header)}.*?(?=^\[|\Z)", "", text)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "en" / "shown.toml").write_text(snippet, encoding="utf-8")
    assert Voices.load(tmp_path).languages == ("en",)


def test_the_settings_that_are_shown_are_right() -> None:
    for snippet in SNIPPETS:
        if "[bot]" in snippet:
            settings, faults = judge_table(Settings, tomllib.loads(snippet), ())
            assert faults == []
            assert settings is not None
            assert settings.bot.disclosures.keys() == {"en", "de"}


def test_every_form_of_a_place_is_told() -> None:
    assert {form for form in FORMS if f", {form}}}`" in PAGE} == set(FORMS)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{at}", datetime(2026, 1, 15, 16, tzinfo=UTC)),
        ("{at, on}", datetime(2026, 1, 15, 16, tzinfo=UTC)),
        ("{at, since}", NOW - timedelta(days=1)),
        ("{at, moment}", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("{at, by}", NOW + timedelta(hours=4)),
    ],
)
def test_what_is_said_of_days_is_said(written: str, value: datetime) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{written}` |")]
    pack = Voices.load(ROOT / "config" / "voice", ["en"])["en"]
    said = pack.fill(Template.of(written), {"at": value}, Clock(NOW, UTC))
    assert re.search(rf"[|,] {said}\b", row)

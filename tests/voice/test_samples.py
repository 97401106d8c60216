"""The pages of samples: what the command writes, and that those in docs/ are what it writes."""

import shutil
from pathlib import Path

import pytest

from omnibot.app import speaker_of
from omnibot.settings import Settings
from omnibot.voice.samples import STYLES, pages

ROOT = Path(__file__).parents[2]


@pytest.fixture
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("in_the_checkout")
def test_the_pages_in_the_documentation_are_what_the_command_writes() -> None:
    for name, text in pages(speaker_of(Settings())).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"run omnibot voice samples: {name} is old"


@pytest.mark.usefixtures("in_the_checkout")
def test_there_are_twelve_styles_and_a_page_a_language_and_all_of_it_is_different() -> None:
    made = pages(speaker_of(Settings()))
    assert made.keys() == {"voice-samples.md", *(f"voice-samples/{code}.md" for code in ("en", "es", "de", "fr"))}
    assert len(STYLES) == 12
    assert made["voice-samples.md"].count("\n## ") == 12
    for text in made.values():
        assert not set(text.partition("line_items")[0]) & {"{"}
        assert text.startswith("<!-- made by")


def test_the_command_writes_the_companys_own_words(omnibot, environment, tmp_path: Path) -> None:
    environment |= {
        "OMNIBOT_BOT__LANGUAGES": "de,en",
        "OMNIBOT_BOT__COMPANY": "Muster GmbH",
        "OMNIBOT_BOT__NAME": "Max",
    }
    ran = omnibot("voice", "samples", "--out", str(tmp_path / "pages"))
    assert ran.exit_code == 0, ran.output
    index = (tmp_path / "pages" / "voice-samples.md").read_text(encoding="utf-8")
    assert "How Deutsch says the same" in index
    assert "Guten Tag, Sarah Miller," in index
    assert "Max  \n> Muster GmbH" in (tmp_path / "pages" / "voice-samples" / "en.md").read_text(encoding="utf-8")


def test_a_language_without_samples_has_those_of_english(omnibot, environment, tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "nl").symlink_to(ROOT / "config" / "voice" / "en")
    environment |= {"OMNIBOT_BOT__LANGUAGES": "nl", "OMNIBOT_BOT__VOICE": str(tmp_path / "voice")}
    ran = omnibot("voice", "samples", "--out", str(tmp_path / "pages"))
    assert ran.exit_code == 0, ran.output
    assert "I only have this one in English" in (tmp_path / "pages" / "voice-samples.md").read_text(encoding="utf-8")


def test_broken_packs_and_folders_that_cannot_be_written_are_told(omnibot, environment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = omnibot("voice", "samples", "--out", str(tmp_path / "file"))
    assert ran.exit_code == 1
    assert "name another folder by --out, or make it writable" in ran.stderr
    environment |= {"OMNIBOT_BOT__VOICE": str(tmp_path / "nowhere")}
    ran = omnibot("voice", "samples", "--out", str(tmp_path / "pages"))
    assert ran.exit_code == 1
    assert "is not a folder; make it, or correct the setting that names it (bot.voice)" in ran.stderr


def test_check_tells_what_is_wrong_with_the_packs_and_languages_without_one(
    omnibot, environment, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "config" / "voice" / "en", tmp_path / "voice" / "en")
    file = tmp_path / "voice" / "en" / "people.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[handoff.more]", "[handoff.mor]"), encoding="utf-8")
    environment |= {"OMNIBOT_BOT__LANGUAGES": "en,nl", "OMNIBOT_BOT__VOICE": str(tmp_path / "voice")}
    ran = omnibot("check")
    assert ran.exit_code == 1
    line = (
        file.read_text(encoding="utf-8").splitlines().index("[handoff.mor]  # when people were promised a moment ago")
    )
    assert f"{file}:{line + 1}: nothing is called handoff.mor; did you mean handoff.more?" in ran.stdout
    assert f"{tmp_path / 'voice' / 'nl'}: is missing, so nothing can be said in 'nl'" in ran.stdout
    assert "make it, or take the language out of bot.languages" in ran.stdout

"""Voice packs: what is wrong with one is told all at once, with where it stands; which wording is said when."""

import gc
import shutil
from pathlib import Path

import pytest

from omnibot.model import Length, Manner, Preferences, Register
from omnibot.voice import VoiceError, Voices
from omnibot.voice.packs import Style, template_of
from omnibot.voice.values import Clock

PACKS = Path(__file__).parents[2] / "config" / "voice"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The English pack, to be changed."""
    shutil.copytree(PACKS / "en", tmp_path / "en")
    return tmp_path


def change(folder: Path, old: str, new: str, file: str = "conversation.toml") -> None:
    path = folder / "en" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(folder: Path, *languages: str) -> list[str]:
    with pytest.raises(VoiceError) as caught:
        Voices.load(folder, languages)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def line_of(folder: Path, text: str, file: str = "conversation.toml") -> int:
    lines = (folder / "en" / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_all_that_is_shipped_can_be_read_in_the_order_of_the_languages_that_are_named() -> None:
    assert Voices.load(PACKS).languages == ("en", "de", "es", "fr")
    assert Voices.load(PACKS, ["fr", "en"]).languages == ("fr", "en")


def test_the_first_stands_in_for_a_language_that_is_not_written() -> None:
    voices = Voices.load(PACKS, ["fr", "en"])
    assert voices["nl"].code == "fr"
    assert voices["en"].code == "en"


# --- what is wrong ---

THANKS = 'casual.professional = ["You\'re welcome.", "Of course.", "No problem."]'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[close.thanks]", "[close.thx]", "nothing is called close.thx; did you mean close.thanks?"),
        ("[close.thanks]", "[banana.split]", "nothing is called banana.split; take it away"),
        (THANKS, "", "close.thanks.casual has no words in the manner professional; add professional ="),
        (THANKS, 'casual.polite = ["You\'re welcome."]', "close.thanks.casual has 'polite'; there are friendly, prof"),
        (THANKS, "casual.professional = []", "close.thanks.casual.professional must be a list of wordings"),
        (THANKS, 'casual.professional = [""]', "close.thanks.casual.professional must be a list of wordings"),
        (THANKS, "casual.professional = {}", "close.thanks.casual.professional is empty; write some wordings"),
        (THANKS, 'casual.professional = ["Hi {nam}."]', "'Hi {nam}.' has a place {nam} that nothing fills; there are"),
        (THANKS, 'casual.professional = ["Hi {name."]', "'Hi {name.' lacks a } at '.'; write {name}, or {{ for"),
        (
            THANKS,
            'casual.professional = ["You\'re welcome, {name}."]',
            "close.thanks.casual (professional) has no words for whoever has not told their name; add a wording",
        ),
        (THANKS, f'{THANKS}\nrude = ["Bah."]', "close.thanks has 'rude'; there are casual and formal"),
        (THANKS, f"{THANKS}\n]", "is not TOML ("),
    ],
)
def test_a_fault_in_a_move_is_told_with_its_line_and_what_to_do(folder: Path, old: str, new: str, told: str) -> None:
    start = line_of(folder, "[close.thanks]")
    change(folder, old, new)
    [first, *_] = faults(folder)
    place, _, text = first.partition(": ")
    file, _, line = place.partition(":")
    assert file == "en/conversation.toml"
    assert text.startswith(told)
    assert start <= int(line) <= start + 3


def test_all_faults_of_all_languages_are_told_at_once(folder: Path) -> None:
    change(folder, "[close.thanks]", "[close.thx]")
    change(folder, "[handoff.more]", "[handoff.plus]", "people.toml")
    (folder / "de").mkdir()
    assert len(faults(folder)) > 50
    told = faults(folder)
    assert any("close.thx" in fault for fault in told)
    assert any("handoff.plus" in fault for fault in told)
    assert "de: has no words for greet.hello; add [greet.hello] to one of its files" in told
    assert "de: has no table [times]; add it to one of its files" in told


def test_a_language_without_a_folder_is_a_fault(folder: Path) -> None:
    assert faults(folder, "en", "it") == [
        "it: is missing, so nothing can be said in 'it'; make it, or take the language out of bot.languages"
    ]


def test_a_folder_that_is_none_or_has_no_packs_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"nowhere: is not a folder; make it, or correct the setting .*bot\.voice"):
        Voices.load(tmp_path / "nowhere")
    with pytest.raises(VoiceError, match="has no packs; put a folder for each language into it, such as"):
        Voices.load(tmp_path)


def test_a_register_or_a_move_that_is_missing_is_a_fault(folder: Path) -> None:
    change(folder, 'formal = ["{title}:\\n{text}"]', "")
    assert faults(folder) == [
        f"en/conversation.toml:{line_of(folder, '[answer.several]')}: answer.several has no words in the register"
        ' formal; add formal = ["…"]'
    ]


def test_a_wording_for_each_case_is_needed(folder: Path) -> None:
    text = (folder / "en" / "conversation.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not ("{months" in line and "First question" in line)]
    (folder / "en" / "conversation.toml").write_text("\n".join(lines), encoding="utf-8")
    [first, *_] = faults(folder)
    assert "history.first_of_kind.casual (friendly) has no wording that can always be said" in first
    assert "add one without other places than {months}" in first


def test_a_move_that_stands_twice_is_a_fault(folder: Path) -> None:
    (folder / "en" / "more.toml").write_text('[close.thanks]\ncasual = ["Ta."]\nformal = ["Ta."]\n', encoding="utf-8")
    assert faults(folder) == ["en/more.toml:1: [close.thanks] stands in conversation.toml, too; keep one"]


def test_a_move_that_is_no_table_is_a_fault(folder: Path) -> None:
    (folder / "en" / "more.toml").write_text('hello = 1\n[mood]\nglad = ["Nice."]\n', encoding="utf-8")
    change(folder, "[mood.glad]", "[mood.sad]")
    told = faults(folder)
    assert "en/more.toml:1: 'hello' stands outside of any table; put it below a line like [close.thanks]" in told
    (folder / "en" / "more.toml").write_text('[mood]\nglad = ["Nice."]\n', encoding="utf-8")
    change(folder, "[mood.sad]", "[greet.hi]")
    (folder / "en" / "conversation.toml").write_text("", encoding="utf-8")
    assert "en/more.toml:2: [mood.glad] must have the keys casual and formal" in faults(folder)


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "en" / "latin.toml").write_bytes(b"# \xe9\n")
    (folder / "en" / "folder.toml").mkdir()
    told = faults(folder)
    assert "en/latin.toml:1: is not UTF-8 (byte 2); save it as UTF-8" in told
    assert "en/folder.toml:1: cannot be read (Is a directory); let whoever runs the server read it" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('register = "casual"', 'register = "loose"', "register is 'loose'; there are casual, formal"),
        ('manner = "friendly"', 'manner = "cold"', "manner is 'cold'; there are friendly, professional"),
        ('locale = "en_GB"', 'locale = "xx_YY"', "'xx_YY' is no locale; write one like en_XX"),
        ('locale = "en_GB"', 'locale = "?"', "'?' is no locale; write one like en_XX"),
        ('day = "d MMMM" ', 'day = "dddddd"', "times.day is no CLDR pattern ("),
        ('time = "h:mm a"', "time = 3", "times.time is no CLDR pattern (a text is needed)"),
        ('today = "by {time} today"', "", "has no words for times.by.today (a day with its hour, as the last"),
        (
            'today = "by {time} today"',
            'today = "{tim}"',
            "'{tim}' has a place {tim} that nothing fills; there are {day}",
        ),
        ('today = "by {time} today"', 'today = "{time"', "'{time' lacks a } at the end"),
        ('other = "{n}th"', "", "ordinals lack `other`"),
        ('other = "{n}th"', 'other = "th"', "ordinals need the number in each text"),
        ('words = ["first", ', 'words = [1, "first", ', "ordinals.words must be a list; write"),
        (
            'by_channel = "by email"\n',
            "",
            "channels.email must have the texts by_channel, by_channel_pl",
        ),
        ("[channels.other]", "[channels.another]", "channels lack `other`, for those that are not named"),
        ('de = "German"', "de = 1", "languages.de must be a text"),
        ('"close.thanks" = ["😊", "👍"]', '"close.thx" = ["😊"]', "nothing is called close.thx; did you mean close.th"),
        ('"close.thanks" = ["😊", "👍"]', '"close.thanks" = "😊"', "emoji.close.thanks must be a list of emoji"),
    ],
)
def test_a_fault_in_what_else_a_language_has_is_told(folder: Path, old: str, new: str, told: str) -> None:
    change(folder, old, new, "language.toml")
    assert any(told in fault and fault.startswith("en/language.toml:") for fault in faults(folder))


def test_a_pack_without_emoji_has_none(folder: Path) -> None:
    path = folder / "en" / "language.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[emoji]"), text.index("[channels.email]")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    assert Voices.load(folder)["en"].emoji == {}


# --- what is said when ---


def test_who_has_shown_nothing_is_spoken_to_as_the_pack_says() -> None:
    voices = Voices.load(PACKS)
    assert voices["en"].style(Preferences(), brief=False) == Style(Register.CASUAL, Manner.FRIENDLY)
    assert voices["de"].style(Preferences(), brief=False) == Style(Register.FORMAL, Manner.FRIENDLY)
    assert voices["fr"].style(Preferences(register=Register.CASUAL), brief=True) == Style(
        Register.CASUAL, Manner.FRIENDLY, Length.SHORT
    )
    stated = Preferences(register=Register.FORMAL, manner=Manner.PROFESSIONAL, length=Length.DETAILED)
    assert voices["en"].style(stated, brief=True) == Style(Register.FORMAL, Manner.PROFESSIONAL, Length.DETAILED)


SAID = """
[close.thanks]
formal = ["usual"]
[close.thanks.casual]
short = {friendly = ["short friendly"], professional = ["short professional"]}
long = ["long"]
friendly = ["friendly"]
professional = {short = ["never asked"], long = ["professional at length"]}
"""


@pytest.mark.parametrize(
    ("manner", "length", "said"),
    [
        (Manner.FRIENDLY, None, "friendly"),
        (Manner.PROFESSIONAL, None, "professional at length"),
        (Manner.FRIENDLY, Length.SHORT, "short friendly"),
        (Manner.PROFESSIONAL, Length.SHORT, "short professional"),
        (Manner.FRIENDLY, Length.DETAILED, "long"),
    ],
)
def test_wordings_are_chosen_by_manner_and_length(
    folder: Path, manner: Manner, length: Length | None, said: str
) -> None:
    path = folder / "en" / "conversation.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[close.thanks]"), text.index("[close.praise]")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    (folder / "en" / "mine.toml").write_text(SAID, encoding="utf-8")
    pack = Voices.load(folder)["en"]
    assert pack.say("close.thanks", Style(Register.CASUAL, manner, length), 0, {}, Clock()) == said
    assert pack.say("close.thanks", Style(Register.FORMAL, manner, length), 0, {}, Clock()) == "usual"


STYLE = Style(Register.CASUAL, Manner.FRIENDLY)


def test_what_is_known_is_said_and_what_is_not_leaves_no_gap() -> None:
    pack = Voices.load(PACKS, ["en"])["en"]
    known = {pack.say("history.again", STYLE, n, {"ordinal": 3, "matter": "your bill"}, Clock()) for n in range(4)}
    unknown = {pack.say("history.again", STYLE, n, {"ordinal": 3, "matter": ""}, Clock()) for n in range(4)}
    assert len(known) == len(unknown) == 2
    assert all("your bill" in said for said in known)
    assert not any("your bill" in said or "{" in said for said in unknown)


def test_nothing_to_say_is_a_fault() -> None:
    pack = Voices.load(PACKS, ["en"])["en"]
    with pytest.raises(KeyError, match=r"history\.again has no words for"):
        pack.say("history.again", STYLE, 0, {}, Clock())
    with pytest.raises(KeyError):
        pack.say("history.never", STYLE, 0, {}, Clock())


def test_what_begins_with_a_value_begins_with_a_capital_but_for_names() -> None:
    pack = Voices.load(PACKS, ["en"])["en"]
    short = Style(Register.CASUAL, Manner.FRIENDLY, Length.SHORT)
    assert pack.say("history.again", short, 0, {"ordinal": 3, "matter": "x"}, Clock()).startswith("Third time")
    said = {pack.say("confirm.name_set", STYLE, n, {"name": "bell", "first_name": "bell"}, Clock()) for n in range(3)}
    assert "bell it is." in said


def test_what_is_said_leaves_no_cycles_for_the_collector() -> None:
    pack = Voices.load(PACKS, ("en",))["en"]
    text = template_of("{name}: {count, plural, one {# question} other {# questions}}")
    values = {"name": "Sarah", "count": 3}
    assert pack.fill(text, values, Clock()) == "Sarah: 3 questions"
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            pack.fill(text, values, Clock())
        assert gc.collect() == 0
    finally:
        gc.enable()

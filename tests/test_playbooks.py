from __future__ import annotations

from pathlib import Path

import pytest

from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import PlaybookError, Playbooks

OURS = Path(__file__).parents[1] / "config" / "playbooks"

REFUND = """\
intent: refund
description: Somebody wants money back.
examples:
  en:
    - I want my money back
    - Can I get a refund?
  de:
    - Ich will mein Geld zurück
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(PlaybookError) as raised:
        Playbooks.load(folder)
    return [fault.removeprefix(f"{folder}/") for fault in raised.value.faults]


def test_a_playbook_says_what_is_wanted_and_how_it_is_put(tmp_path):
    [playbook] = Playbooks.load(written(tmp_path, refund=REFUND)).playbooks
    assert playbook.intent == "refund"
    assert playbook.description == "Somebody wants money back."
    assert playbook.examples == {
        "en": ("I want my money back", "Can I get a refund?"),
        "de": ("Ich will mein Geld zurück",),
    }


def test_examples_are_what_intents_are_learned_from(tmp_path):
    assert Playbooks.load(written(tmp_path, refund=REFUND)).examples == (
        ("I want my money back", "refund"),
        ("Can I get a refund?", "refund"),
        ("Ich will mein Geld zurück", "refund"),
    )


def test_what_is_written_twice_in_a_playbook_counts_once(tmp_path):
    text = REFUND.replace("    - Can I get a refund?", "    - i want  MY money back!")
    [playbook] = Playbooks.load(written(tmp_path, refund=text)).playbooks
    assert playbook.examples["en"] == ("I want my money back",)


def test_a_folder_without_playbooks_is_allowed(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / ".draft.yaml").write_text("nothing")
    assert Playbooks.load(tmp_path).examples == ()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    assert "is not a folder; make it" in faults(tmp_path / "nowhere")[0]


def test_the_playbooks_that_come_along_are_right_and_in_four_languages():
    playbooks = Playbooks.load(OURS).playbooks
    assert OUT_OF_SCOPE in {playbook.intent for playbook in playbooks}
    assert len(playbooks) > 12
    assert all(playbook.examples.keys() == {"en", "es", "de", "fr"} for playbook in playbooks)
    assert all(len(texts) >= 6 for playbook in playbooks for texts in playbook.examples.values())


WRONG = {
    "a key that does not exist": (REFUND + "anwser: later\n", "refund.yaml:9: unknown key 'anwser'; known are intent"),
    "a key that stands twice": (REFUND + "intent: money\n", "refund.yaml:9: `intent` stands twice; keep one"),
    "an intent that is missing": (REFUND.replace("intent: refund\n", ""), "refund.yaml:1: `intent` is missing; add it"),
    "a description that is missing": (
        REFUND.replace("description: Somebody wants money back.\n", ""),
        "refund.yaml:1: `description` is missing; add it",
    ),
    "an intent with spaces": (
        REFUND.replace("intent: refund", "intent: Money back"),
        "refund.yaml:1: `intent: Money back` is not valid; write it in small letters",
    ),
    "an intent that is a list": (
        REFUND.replace("intent: refund", "intent: [refund]"),
        "refund.yaml:1: `intent` must be a text",
    ),
    "a number for a description": (
        REFUND.replace("Somebody wants money back.", "7"),
        "refund.yaml:2: `description` must be a text; put numbers",
    ),
    "examples without languages": (
        REFUND[: REFUND.index("  en:")] + "  - I want my money back\n",
        "refund.yaml:4: `examples` must be lists by language; write `en:`",
    ),
    "a language that is none": (
        REFUND.replace("  de:", "  german:"),
        "refund.yaml:7: 'german' is no language; write two letters",
    ),
    "Norwegian, which YAML takes for a no": (
        REFUND.replace("  de:", "  no:"),
        "refund.yaml:7: 'no' is no language; write two letters (ISO 639-1), and `no` in quotes",
    ),
    "a language that stands twice": (
        REFUND.replace("  de:", "  en:"),
        "refund.yaml:7: the language 'en' stands twice; keep one list",
    ),
    "a language with a text": (
        REFUND[: REFUND.index("  de:")] + "  de: Geld zurück\n",
        "refund.yaml:7: 'de' must be a list of phrasings; put a dash before each",
    ),
    "no phrasing at all": (
        REFUND[: REFUND.index("  en:")] + "  en: []\n",
        "refund.yaml:4: `examples` has no phrasings; list how customers say this",
    ),
    "a phrasing with a colon": (
        REFUND.replace("- Can I get a refund?", "- my question: can I get a refund?"),
        "refund.yaml:6: a phrasing must be a text; put one with a colon",
    ),
    "a phrasing that YAML takes for a yes": (
        REFUND.replace("- Can I get a refund?", "- yes"),
        "refund.yaml:6: a phrasing must be a text; put one with a colon, and numbers, yes and no, into quotes",
    ),
    "a phrasing that is a story": (
        REFUND.replace("Can I get a refund?", "refund " * 100),
        "refund.yaml:6: a phrasing is longer than 500 characters; shorten it",
    ),
    "no YAML": ('intent: "refund\n', "refund.yaml:2: is not YAML (found unexpected end of stream); put a text"),
    "a control character": ("intent: ref\x07und\n", "refund.yaml:1: is not YAML (special characters are not allowed)"),
    "a list of playbooks": ("- intent: refund\n", "refund.yaml:1: is no playbook; write the keys intent, description"),
    "nothing": ("", "refund.yaml:1: is no playbook; write the keys intent, description, examples"),
}


@pytest.mark.parametrize(("text", "fault"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, fault):
    assert faults(written(tmp_path, refund=text)) == [StartsWith(fault)]


class StartsWith(str):
    """Equal to what begins with it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(str(self))

    __hash__ = str.__hash__


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_files(tmp_path):
    written(tmp_path, a="[]", b=REFUND + "later: 1\nmore: 2\n")
    assert faults(tmp_path) == [
        StartsWith("a.yaml:1: is no playbook"),
        StartsWith("b.yaml:9: unknown key 'later'"),
        StartsWith("b.yaml:10: unknown key 'more'"),
    ]


def test_an_intent_has_one_playbook(tmp_path):
    other = REFUND.replace("I want my money back", "money please").replace("Can I get a refund?", "give it back")
    assert faults(written(tmp_path, a=REFUND, b=other.replace("Ich will mein", "Bitte mein"))) == [
        StartsWith("b.yaml:1: the intent 'refund' is taken by a.yaml; keep one of them")
    ]


def test_a_phrasing_stands_for_one_intent(tmp_path):
    other = "intent: money\ndescription: Money.\nexamples:\n  en: [give me money, I want my money back!]\n"
    assert faults(written(tmp_path, a=REFUND, b=other)) == [
        StartsWith("b.yaml:4: 'I want my money back!' stands for 'refund', too (a.yaml:5); leave it to the one")
    ]


def test_a_phrasing_with_half_a_pair_of_surrogates_is_told(tmp_path):
    text = REFUND.replace("examples:", 'examples:\n  fr:\n    - "rendez \\ud83d l\'argent"', 1)
    [fault] = faults(written(tmp_path, refund=text))
    assert "is no valid Unicode" in fault


def test_a_file_that_is_not_utf_8_is_told(tmp_path):
    (tmp_path / "refund.yaml").write_bytes(REFUND.encode("latin-1"))
    assert faults(tmp_path) == [StartsWith("refund.yaml:1: is not UTF-8 (byte 1")]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "refund.yaml").mkdir()
    assert faults(tmp_path) == [StartsWith("refund.yaml:1: cannot be read (Is a directory); let whoever runs")]

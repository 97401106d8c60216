"""How phrases are written in the files of cues, and what of a text they find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.understanding import cues as module
from omnibot.understanding.cues import LANGUAGES, Cue, Cues
from tests.understanding.readers import utterance


def found(monkeypatch: pytest.MonkeyPatch, phrases: str, text: str) -> list[str]:
    """What phrases find in a text."""
    lines = [("t", "cue", phrase.strip()) for phrase in phrases.split(",")]
    monkeypatch.setattr(module, "_phrases", lambda language: iter(lines))
    monkeypatch.setattr(module, "_lexicon", module._Lexicon)
    read = utterance(text)
    return [read.text[cue.start : cue.end] for cue in Cues("t", ["en"]).find(read)]


@pytest.mark.parametrize(
    ("phrase", "text", "there"),
    [
        ("smoke", "I see Smoke, and smokers", ["Smoke"]),
        ("smok*", "I see smoke and smokers", ["smoke", "smokers"]),
        ("is down", "It is down. Is it down?", ["is down"]),
        ("is/was down", "it was  down", ["was  down"]),
        ("is (completely) down", "is completely down, is down", ["is completely down", "is down"]),
        ("(is/are) offline", "offline, it is offline", ["offline", "is offline"]),
        ("down (again)", "down. It is down again", ["down", "down again"]),
        ("(very) urgent* (please)", "urgently, very urgent please", ["urgently", "very urgent please"]),
        ("(check) in (please)", "the check-in desk, in please", ["check-in", "in please"]),
        ("(really) very urgent", "a really very urgent, very urgent thing", ["really very urgent", "very urgent"]),
        ("can+not/cannot log in", "I can not log in, cannot log in", ["can not log in", "cannot log in"]),
        ("do+not", "I do not", ["do not"]),
        ("in # min", "in 20 min, in 5min, in a min", ["in 20 min", "in 5min"]),
        ("$ #", "it costs $40.50 or 40 $", ["$40.50"]),
        ("# euro", "12.50 euro, 7 Euro", ["12.50 euro", "7 Euro"]),
        ("my _ is gone", "my data is gone", ["my data is gone"]),
        ("have ... call me", "have one of your people call me", ["have one of your people call me"]),
        ("have ... call me", "have a very long way round before you call me", []),
        ("have ... call me", "I have it. call me", []),
        ("can't log in", "I cant log in, can't log in", ["cant log in", "can't log in"]),
        ("cafe", "the Café", ["Café"]),
        ("déjà vu", "deja vu", ["deja vu"]),
        ("appli", "l'appli plante", ["appli"]),
        ("can i", "can't i", []),
        ("check in", "the check-in desk", ["check-in"]),
        ("do i need", "do i, need; do i have", ["do i, need"]),
        ("do i don't", "do i dont, do i don't, do i don", ["do i dont", "do i don't"]),
        ("at # pm", "at 3pm, at 3:15 pm, at 3 am", ["at 3pm", "at 3:15 pm"]),
        ("for # days", "for 3 days, for 3-days, for 3 hours", ["for 3 days", "for 3-days"]),
        ("a b/b+c", "a b, a b c", ["a b", "a b"]),
        ("a b+c/b+d", "a b c, a b d, a b e", ["a b c", "a b d"]),
        ("thank you", "thank  you, thank you all", ["thank  you", "thank you"]),
        ("urgent, not urgent", "it is not urgent", ["not urgent"]),
        ("urgent, urgent", "urgent", ["urgent"]),
        ("😂", "so funny 😂😂", ["😂", "😂"]),
    ],
)
def test_a_phrase_finds_what_it_says(monkeypatch, phrase: str, text: str, there: list[str]) -> None:
    assert found(monkeypatch, phrase, text) == there


def test_a_phrase_without_a_word_that_must_be_there_is_a_fault(monkeypatch) -> None:
    with pytest.raises(ValueError, match=r"'cue'.*\(maybe\)"):
        found(monkeypatch, "(maybe)", "maybe")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_the_files_compiles_and_has_a_meaning_of_its_own(language: str) -> None:
    seen = set()
    for topic, cue, phrase in module._phrases(language):
        form = module._Form(topic, cue, phrase)
        form.compiled()
        assert form.firsts()
        assert all(all(word for word in part.words) for part in module._parts(phrase)), phrase
        seen.add((topic, cue))
    assert {topic for topic, _ in seen} >= {"urgency", "expertise", "person", "tone", "repetition", "questions"}


def test_all_languages_have_the_same_cues_of_what_the_judges_weigh() -> None:
    of = {
        language: {(topic, cue) for topic, cue, _ in module._phrases(language) if topic in ("urgency", "expertise")}
        for language in LANGUAGES
    }
    assert of["es"] == of["de"] == of["fr"] == of["en"]


def test_a_few_words_are_looked_up_in_the_companys_other_languages_where_that_is_asked_for() -> None:
    cues = Cues("person", ["en", "de"])
    assert cues.find(utterance("Mitarbeiter bitte", "en")) == []
    assert Cue("alone", 0, 11) in cues.find(utterance("Mitarbeiter bitte", "en"), few=True)
    assert cues.find(utterance("operador por favor", "en"), few=True) == []  # Spanish is none of the company's


def test_languages_without_words_are_not_known() -> None:
    cues = Cues("person", ["en", "ja"])
    assert cues.knows("en")
    assert not cues.knows("ja")
    assert cues.find(utterance("agent please talk to a human", "ja")) == []


@given(st.text(max_size=300), st.sampled_from(LANGUAGES))
def test_any_text_is_looked_through(text: str, language: str) -> None:
    read = utterance(text, language)
    for topic in ("urgency", "expertise", "person", "tone", "repetition", "questions"):
        places = [(cue.start, cue.end) for cue in Cues(topic, LANGUAGES).find(read)]
        assert places == sorted(places)
        assert all(0 <= start < end <= len(read.text) for start, end in places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_counts_without_what_may_be_absent(language: str) -> None:
    for topic, cue, phrase in module._phrases(language):
        must_be = [part.words[0] for part in module._parts(phrase) if not part.optional]
        words = " ".join(must_be).replace("...", "").replace("#", "3").replace("_", "this").replace("+", " ")
        if "(" in phrase and "500" not in words:
            cues = Cues(topic, [language]).find(utterance(f"so {words.replace('*', '')}, so", language))
            assert cue in {each.name for each in cues}, phrase

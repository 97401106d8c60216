"""Forms that are left out because of a clause's words: never one that the clause has."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from omnibot.dialogue import phrases
from omnibot.dialogue.hints import Form, Hints
from omnibot.dialogue.words import LANGUAGES, Passage
from omnibot.stems import folded

WRITTEN = st.characters(codec="ascii", categories=(), include_characters=string.ascii_lowercase + string.digits + " ")


def hinted(form: Form, words: str, *common: str) -> bool:
    hints = Hints([Form("other", ["something else"]), form, Form("another", anywhere=["else"])], common)
    return bool(hints.of(words.split()) & hints.bits[form.name])


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("thanks?(?: a lot)?", "thanks a lot"),
        ("repl(?:y|ies)", "replies"),
        ("(?:ha)+", "hahaha"),
        ("e ?mails?", "e mail"),
        ("e ?mails?", "emails"),
        (r"antwort\w{0,3} mir", "antworten mir"),
        (r"tell me an? \w+ story", "tell me a good story"),
        (r"an? (?!other)[\w ]{2,9} zone", "a new time zone"),
        ("ll[aá]me(?:me)?", "llameme"),
        (r"\d[\d ]{2,4}", "12 34"),
        ("call me .{1,9}", "call me max mustermann"),
        ("(?: again)?", "again"),
        (r"[a-c]x[\w]?", "bxy"),
    ],
)
def test_a_clause_that_has_a_form_may_have_it(form: str, words: str) -> None:
    assert hinted(Form("it", [form]), words)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("thanks?(?: a lot)?", "thanks for nothing"),
        ("repl(?:y|ies)", "repl"),
        (r"antwort\w{0,3} mir", "antworten dir"),
        (r"tell me an? \w+ story", "tell me what it costs"),
        (r"tell me an? \w+ story", "is that a story"),
    ],
)
def test_most_that_lack_a_form_are_known_by_a_word(form: str, words: str) -> None:
    assert not hinted(Form("it", [form]), words)


def test_what_stands_around_whole_forms_is_no_hindrance() -> None:
    form = Form("it", ["be short", r"sing \w+"], before="(?:please )*", behind="(?: now)?")
    assert hinted(form, "please please be short now")
    assert hinted(form, "please sing it")
    assert not hinted(form, "please be long")


def test_what_may_stand_anywhere_is_known_by_a_piece_that_is_rare() -> None:
    form = Form("it", anywhere=["legal (?:action|steps)", "rip ?off", "m[’']appelle"])
    assert all(hinted(form, words) for words in ("i take legal steps", "what a ripoff", "je mappelle max"))
    assert not hinted(form, "these actions are steps")
    assert hinted(form, "paralegals", "legal") is False  # then `action` or `steps` tells more


def test_what_needs_no_word_is_always_possible() -> None:
    assert hinted(Form("it", [r"\w+(?: now)?"]), "whatever")
    assert hinted(Form("it", [r"\w+", "never"]), "")


@pytest.mark.parametrize("form", ["(?:never", "ends)", "a{"])
def test_what_cannot_be_read_is_told(form: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(form))):
        Hints([Form("it", [form])])


PIECES = st.sampled_from(["a", "bc", " ", " d", "e ", "f g", r"\w", r"\d", "[hi]", r"[\w ]", "."])
SEQUENCES = st.lists(PIECES, min_size=1, max_size=3).map("".join)
GROUPS = st.tuples(
    st.lists(SEQUENCES, min_size=1, max_size=3).map("|".join), st.sampled_from(["", "?", "*", "+", "{1,3}"])
)
FORMS = st.lists(st.one_of(PIECES, GROUPS.map(lambda group: f"(?:{group[0]}){group[1]}")), min_size=1, max_size=4).map(
    "".join
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.lists(FORMS, min_size=1, max_size=3), st.tuples(FORMS, FORMS))
def test_no_form_is_lost(data: st.DataObject, forms: list[str], around: tuple[str, str]) -> None:
    before, behind = (f"(?:{each})?" for each in around)
    whole = data.draw(st.from_regex(f"{before}(?:{'|'.join(forms)}){behind}", fullmatch=True, alphabet=WRITTEN))
    assume(folded(whole) == whole)
    assert hinted(Form("it", forms, before=before, behind=behind), whole, "a", "bc")
    piece = data.draw(st.from_regex("|".join(forms), fullmatch=True, alphabet=WRITTEN))
    assert hinted(Form("it", anywhere=forms), folded(f"x{piece}y"), "a", "bc")


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_nothing_that_is_spoken_is_lost(language: str, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(list(phrases._forms(language))))
    source = data.draw(st.sampled_from([*form.whole, *form.anywhere]))
    alphabet = None if form.name.startswith("named") else WRITTEN  # names are read from the text as it is written
    words = data.draw(st.from_regex(source, fullmatch=True, alphabet=alphabet))
    assume(alphabet is None or folded(words) == words.strip())
    if source in form.whole and form.before and data.draw(st.booleans()):
        words = data.draw(st.from_regex(form.before, fullmatch=True, alphabet=WRITTEN)) + words
    elif source in form.anywhere:
        words = f"x {words} y"
    assert phrases._hinted(Passage(words)) & phrases._hints().bits[form.name]


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_speaks_of_linking_is_looked_at(language: str) -> None:
    for stem in phrases._linking(language).stems:
        assert phrases.mentions_linking(Passage(f"x{stem}y"))

"""The pass over a turn: what spaCy carries, what a company may add to it, and what becomes of a reader that fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import spacy
import structlog
from spacy.language import Language
from spacy.tokens import Doc, Span

from omnibot.model import EarlierTurn, Reading, Situation
from omnibot.understanding import Catalogue, PipelineError, Understanding
from omnibot.understanding.pipeline import begin, under_way
from omnibot.understanding.utterance import Utterance

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
SITUATION = Situation(now=NOW, zone=UTC)


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(["en", "es"], Catalogue(products=["Cloud Drive"], plans=["Pro"]))


@Language.component("cities")
def cities(doc: Doc) -> Doc:
    """As a company writes one."""
    doc.ents = [Span(doc, word.i, word.i + 1, "CITY") for word in doc if word.text == "Lyon"]
    return doc


@Language.component("silent")
def silent(doc: Doc) -> None:
    """Forgets to return what it was given."""


@Language.component("forgetful")
def forgetful(doc: Doc) -> Doc:
    return {}[doc.text]


@Language.factory("broken")
def broken(nlp: Language, name: str) -> Language:
    raise RuntimeError("no weights")


# --- the pass -------------------------------------------------------------------------------------------------------


def test_one_pass_reads_everything(understanding: Understanding) -> None:
    text = "This is the third time that I write: Cloud Drive shows error 502! Please fix it by tomorrow, I am angry."
    reading = understanding.read(text, SITUATION)
    assert (reading.language.value, reading.language.known) == ("en", True)
    assert reading.sentiment.value < 0
    assert [time.text for time in reading.times] == ["by tomorrow"]
    assert {("product", "Cloud Drive"), ("error_code", "502")} <= {(one.label, one.value) for one in reading.entities}
    assert reading.repetition.value == 3
    assert reading.trend is None


@pytest.mark.parametrize(("text", "tells"), [("asdf", False), ("thanks, it works now", True)])
def test_what_says_nothing_turns_no_mood(understanding: Understanding, text: str, tells: bool) -> None:
    cross = EarlierTurn(at=SITUATION.now - timedelta(hours=1), sentiment=-0.6, frustration=0.8)
    assert (understanding.read(text, replace(SITUATION, earlier=(cross,))).trend is not None) is tells


def test_all_evidence_stands_where_it_says(understanding: Understanding) -> None:
    text = "Hello, I’ve waited for three weeks now — Cloud Drive STILL shows error 502. Call me by Friday, please?! 😡"
    reading = understanding.read(text, SITUATION)
    recorded = orjson.loads(orjson.dumps(reading))
    found = list(places(recorded))
    assert len(found) > 5
    for words, start, end in found:
        assert text[start:end].replace("’", "'") == words


def places(recorded: object) -> Iterator[tuple[str, int, int]]:
    if isinstance(recorded, dict):
        if isinstance(recorded.get("start"), int):
            yield recorded["text"], recorded["start"], recorded["end"]
        recorded = list(recorded.values())
    if isinstance(recorded, list):
        for inner in recorded:
            yield from places(inner)


def test_every_reader_is_a_component_that_spacy_knows(understanding: Understanding) -> None:
    names = understanding.pipeline.pipe_names
    assert len(names) > 10
    assert all(Language.has_factory(name) and name.startswith("omnibot_") for name in names)


def test_a_component_can_stand_in_anybodys_pipeline() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("omnibot_entities", config={"plans": ["Pro"]})
    text = "does the pro plan have it?"
    doc = nlp.make_doc(text)
    begin(doc, Utterance(text, SITUATION, "en", doc))
    assert [one.value for one in under_way(nlp(doc)).entities] == ["Pro"]


def test_a_document_that_no_pass_was_begun_over_is_a_fault() -> None:
    with pytest.raises(ValueError, match="read in a situation"):
        under_way(spacy.blank("en")("hello"))


def test_a_reading_is_the_same_whatever_was_read_before(understanding: Understanding) -> None:
    text = "my Cloud Drive order 48213 is late, I need it by Friday"
    first = understanding.read(text, SITUATION)
    for number in range(500):
        understanding.read(f"something else about {number} and {number * 7919}", SITUATION)
    assert understanding.read(text, SITUATION) == first


# --- what a company adds --------------------------------------------------------------------------------------------


def read(text: str, *components: str, model: str = "") -> Reading:
    return Understanding(["en", "es"], components=components, model=model).read(text, SITUATION)


def test_what_a_component_of_the_companys_finds_is_an_entity() -> None:
    reading = read("order 48213 goes  to Lyon", "cities")
    assert [(one.label, one.value) for one in reading.entities] == [("order", "48213"), ("city", "Lyon")]
    [order, city] = reading.entities
    assert "order 48213 goes  to Lyon"[city.start : city.end] == "Lyon"
    assert order.end < city.start


def test_a_component_may_be_named_by_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_the_company.py").write_text(
        "from dataclasses import replace\n"
        "from omnibot.understanding.pipeline import under_way\n"
        "def calm(doc):\n"
        "    found = under_way(doc)\n"
        "    found.sentiment = replace(found.sentiment, value=0.25, known=True)\n"
        "    return doc\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert read("I hate this", "of_the_company:calm").sentiment.value == 0.25


def test_a_factory_of_spacys_own_can_be_named() -> None:
    assert read("Hello there. How are you?", "sentencizer").language.value == "en"


def test_an_installed_model_comes_first(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "CITY", "pattern": "Lyon"}])
    nlp.to_disk(tmp_path / "model")
    reading = read("order 48213 goes to Lyon", model=str(tmp_path / "model"))
    assert [(one.label, one.value) for one in reading.entities] == [("order", "48213"), ("city", "Lyon")]


def test_all_that_cannot_be_used_is_told_at_once() -> None:
    with pytest.raises(PipelineError) as told:
        read("", "of_nobody:thing", "os:no_such_function", "unheard_of", "broken", model="en_core_web_none")
    assert [setting for setting, _, _ in told.value.faults] == ["nlp.model", *["nlp.components"] * 4]
    lines = str(told.value).splitlines()
    assert "en_core_web_none is not installed; install it" in lines[0]
    assert "of_nobody:thing" in lines[1]
    assert "no module named 'of_nobody'" in lines[1].lower()
    assert all("cannot be built" in line for line in lines[2:])


def test_a_language_that_spacy_lacks_can_have_components() -> None:
    assert Understanding(["tlh", "en"], components=["sentencizer"]).read("nuqneH", SITUATION).language.value == "tlh"


def test_a_reader_that_fails_leaves_its_signal_unknown_and_is_told() -> None:
    understanding = Understanding(["en", "es"], components=["forgetful", "cities"])
    with structlog.testing.capture_logs() as logs:
        reading = understanding.read("order 48213 goes to Lyon", SITUATION)
    assert [one.label for one in reading.entities] == ["order", "city"]
    assert [(line["event"], line["step"], line["error"]) for line in logs] == [
        ("reader_failed", "forgetful", "KeyError")
    ]


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_component_that_gives_no_document_back_hinders_nobody() -> None:
    understanding = Understanding(["en", "es"], components=["silent", "cities"])
    with structlog.testing.capture_logs() as logs:
        reading = understanding.read("order 48213 goes to Lyon", SITUATION)
    assert [one.label for one in reading.entities] == ["order", "city"]
    assert [(line["step"], line["error"]) for line in logs] == [("silent", "TypeError")]


def test_loading_leaves_no_more_behind_than_it_needs() -> None:
    """The languages that a company has not, and what unpacking takes, are given back."""
    code = """
import numpy, psutil, spacy, vaderSentiment.vaderSentiment, omnibot.understanding.pipeline
spacy.blank("en")
before = psutil.Process().memory_info().rss
kept = omnibot.understanding.Understanding(["en", "es", "de", "fr"])
print(psutil.Process().memory_info().rss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(done.stdout) < 60_000_000

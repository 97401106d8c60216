from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import OUT_OF_SCOPE, Situation
from omnibot.understanding.artefacts import MissingArtefact
from omnibot.understanding.features import Extractor
from omnibot.understanding.fit import fit, learn
from omnibot.understanding.intents import IntentModel, Intents
from omnibot.understanding.utterance import Utterance, legible

SITUATION = Situation(now=datetime(2026, 3, 4, 9, tzinfo=UTC), zone=UTC)

REFUND = [
    "I want my money back",
    "please refund my last payment",
    "can I get a refund?",
    "when does my refund arrive?",
    "give me my money back please",
    "refund the payment of last week",
]
PASSWORD = [
    "I forgot my password",
    "how do I reset my password?",
    "my password does not work",
    "cannot log in with my password",
    "reset the password of my login",
    "the login says wrong password",
]
INVOICE = [
    "where is my invoice?",
    "download an invoice as PDF",
    "I need the invoice for March",
    "send me the last invoice please",
    "the invoice of April is missing",
    "invoice for my accountant",
]
OUTSIDE = [
    "what is the weather like today?",
    "tell me a joke",
    "who won the match yesterday?",
    "which film should I watch tonight?",
    "how tall is the tower?",
    "sing a song for my birthday",
    "is it going to rain tomorrow?",
    "translate good morning into French",
    "what do cats eat?",
    "how far is the moon?",
    "cook something for dinner",
    "when does the train leave?",
]
EXAMPLES = [
    *((text, "refund") for text in REFUND),
    *((text, "password-reset") for text in PASSWORD),
    *((text, "invoices") for text in INVOICE),
    *((text, OUT_OF_SCOPE) for text in OUTSIDE),
]
NEW = {
    "I'd like a refund for this payment": "refund",
    "the password reset does not work": "password-reset",
    "could you send the invoice of May?": "invoices",
}


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor()


@pytest.fixture(scope="module")
def model(extractor: Extractor) -> IntentModel:
    return fit(EXAMPLES, extractor)


def read(model: IntentModel | None, extractor: Extractor, text: str):
    text = legible(text)
    utterance = Utterance(text, SITUATION, "en")
    return Intents(model).read(utterance, extractor(utterance.said))


@pytest.mark.parametrize(("text", "intent"), NEW.items())
def test_a_new_wording_is_told_by_the_examples(model, extractor, text, intent):
    found = read(model, extractor, text)
    assert (found.value, found.known) == (intent, True)
    assert model.predict([text], extractor) == [intent]


def test_what_no_example_is_like_is_out_of_scope_and_says_what_it_may_have_been(model, extractor):
    found = read(model, extractor, "what does the weather do tonight?")
    assert found.value == OUT_OF_SCOPE
    assert model.predict(["what does the weather do tonight?"], extractor) == [OUT_OF_SCOPE]


def test_the_words_that_say_it_are_the_evidence_with_their_places(model, extractor):
    text = "Hello Ann, please refund the payment of Tuesday"
    found = read(model, extractor, text)
    assert found.value == "refund"
    assert "refund" in [word for one in found.evidence for word in one.text.split()]
    assert all(text[one.start : one.end] == one.text for one in found.evidence)
    assert [one.start for one in found.evidence] == sorted(one.start for one in found.evidence)


def test_whom_a_message_is_addressed_to_moves_no_evidence(model, extractor):
    text = "@AcmeHelp see https://acme.example/faq but please refund the payment"
    found = read(model, extractor, text)
    assert "refund" in [word for one in found.evidence for word in one.text.split()]
    assert all(text[one.start : one.end] == one.text for one in found.evidence)


def test_alternatives_are_other_intents_the_likeliest_first(model, extractor):
    found = read(model, extractor, "refund the invoice")
    values = [one.value for one in found.alternatives]
    confidences = [one.confidence for one in found.alternatives]
    assert found.value not in values
    assert set(values) <= {"refund", "invoices", "password-reset"}
    assert confidences == sorted(confidences, reverse=True)
    assert found.confidence + sum(confidences) <= 1.01


@pytest.mark.parametrize("text", ["", "   ", "\n", "???", "…", "!!", "👀", ":-)", "_"])
def test_nothing_said_wants_nothing_that_is_known(model, extractor, text):
    assert not read(model, extractor, text).known


def test_without_a_model_nothing_is_known(extractor):
    found = read(None, extractor, "I want my money back")
    assert (found.value, found.known, found.evidence) == (OUT_OF_SCOPE, False, ())


def test_a_reader_tells_by_the_model_that_it_adopted_last(model, extractor):
    intents = Intents()
    utterance = Utterance("I want my money back", SITUATION, "en")
    features = extractor(utterance.text)
    intents.adopt(model)
    assert intents.read(utterance, features).value == "refund"
    intents.adopt(None)
    assert not intents.read(utterance, features).known


def test_the_same_examples_give_the_same_model(model, extractor):
    again = fit(EXAMPLES, extractor)
    features = [extractor(text) for text, _ in EXAMPLES]
    assert again.scope == model.scope
    assert all(np.array_equal(again.judge(one).probabilities, model.judge(one).probabilities) for one in features)


def test_a_model_that_was_kept_tells_the_same(model, extractor, tmp_path: Path):
    assert model.save(tmp_path) < 250_000  # bytes: a byte a weight of three intents
    kept = IntentModel.load(tmp_path)
    assert kept.labels == model.labels
    for text in NEW:
        found, expected = kept.judge(extractor(text)), model.judge(extractor(text))
        assert found.probabilities == pytest.approx(expected.probabilities, abs=0.02)
        assert found.in_scope == pytest.approx(expected.in_scope, abs=0.02)


def test_what_was_not_kept_cannot_be_loaded(tmp_path: Path):
    with pytest.raises(MissingArtefact):
        IntentModel.load(tmp_path)


def test_each_example_is_guessed_by_models_that_have_not_seen_it(extractor):
    learned = learn([("alpha beta gamma", "one"), ("delta epsilon", "two"), *EXAMPLES], extractor)
    # Of an intent with one example nothing can be shown: who has not seen it does not know the intent.
    assert {guess.label for guess in learned.guesses} == {"refund", "password-reset", "invoices", OUT_OF_SCOPE}
    assert len(learned.guesses) == len(EXAMPLES)
    assert all(0 <= guess.confidence <= 1 for guess in learned.guesses)


def test_one_phrasing_of_each_intent_is_enough_to_tell_what_is_nearly_the_same(extractor):
    examples = [(REFUND[0], "refund"), (PASSWORD[0], "password-reset"), (INVOICE[1], "invoices")]
    model = fit(examples, extractor)
    said = ["I want all my money back", "sorry, I forgot the password", "download the invoice"]
    assert [model.labels[int(model.judge(extractor(text)).probabilities.argmax())] for text in said] == [
        "refund",
        "password-reset",
        "invoices",
    ]


def test_the_name_of_an_intent_says_what_it_is(extractor):
    examples = [
        ("it went astray on the bus", "lost_wallet"),
        ("mine is gone since the concert", "lost_wallet"),
        ("make it larger please", "changeFontSize"),
        ("I can hardly read that", "changeFontSize"),
    ]
    model = fit(examples, extractor)
    assert model.labels[int(model.judge(extractor("where is my wallet")).probabilities.argmax())] == "lost_wallet"
    assert model.labels[int(model.judge(extractor("which font is it")).probabilities.argmax())] == "changeFontSize"


@pytest.mark.parametrize("examples", [[], [("anything", OUT_OF_SCOPE)]])
def test_without_intents_everything_is_out_of_scope(extractor, examples):
    model = fit(examples, extractor)
    assert model.labels == ()
    assert model.predict(["anything", ""], extractor) == [OUT_OF_SCOPE, OUT_OF_SCOPE]
    assert not read(model, extractor, "anything").known


def test_a_single_intent_can_be_learned(extractor):
    model = fit([(text, "refund") for text in REFUND] + [(text, OUT_OF_SCOPE) for text in OUTSIDE], extractor)
    assert model.predict(["I want a refund of my money"], extractor) == ["refund"]


def test_examples_without_words_do_no_harm(extractor):
    model = fit([*EXAMPLES, ("", "refund"), ("   ", "invoices"), ("", OUT_OF_SCOPE)], extractor)
    assert model.predict(["I forgot my password"], extractor) == ["password-reset"]


@given(text=st.text(max_size=300))
def test_any_text_is_read_and_its_evidence_stands_in_it(model, extractor, text):
    text = legible(text)
    found = read(model, extractor, text)
    assert 0 <= found.confidence <= 1
    assert all(text[one.start : one.end] == one.text for one in found.evidence)


NOT_SURE = ["i don't know", "not sure", "i'm unsure", "no idea", "i can't say", "hard to tell", "i do not know yet"]


def test_a_company_can_teach_what_it_means_that_somebody_does_not_know() -> None:
    """As it measures its own data; a server that takes turns asks back instead."""
    features = Extractor()
    examples = [("unsure", text) for text in NOT_SURE] + [("refund", text) for text in REFUND]
    intents = Intents(fit([(text, label) for label, text in examples], features))
    said = Utterance("i'm not sure", SITUATION, "en"), features("i'm not sure")
    assert (intents.read(*said).value, intents.wanted(*said).value) == ("unsure", OUT_OF_SCOPE)

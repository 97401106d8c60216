"""What the writer feels: by their words, and frustration also by the situation they say them in."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.model import EarlierTurn, Emotions, Sentiment
from omnibot.understanding.emotions import FOUR, GOEMOTIONS, Feelings, Signs, around
from tests.understanding.readers import FLOODS, LANGUAGES, NOW, assert_evidence_stands_in, features, utterance, words

UNKNOWN_MOOD = Sentiment(0.0, 0.0, known=False)


@pytest.fixture(scope="module")
def feelings() -> Feelings:
    return Feelings(LANGUAGES)


def read(feelings: Feelings, text: str, language: str = "en", mood: Sentiment = UNKNOWN_MOOD, **situation) -> Emotions:
    said = utterance(text, language, **situation)
    emotions = feelings.read(said, features(said), mood)
    for name in FOUR:
        signal = getattr(emotions, name)
        assert 0 <= signal.value <= 1
        assert 0.5 <= signal.confidence <= 1 or not signal.known
        assert signal.value >= 0.5 or not signal.evidence
        assert_evidence_stands_in(said, signal)
    return emotions


def felt(emotions: Emotions) -> set[str]:
    return {name for name in FOUR if getattr(emotions, name).value >= 0.5}


@pytest.mark.parametrize(
    ("text", "language", "emotion"),
    [
        ("This is ridiculous, nobody ever answers. I want my money back", "en", "frustration"),
        ("Your app is useless, it crashed again and I'm sick of it", "en", "frustration"),
        ("thanks for nothing", "en", "frustration"),
        ("Esto es una vergüenza, llevo tres semanas esperando y nadie contesta", "es", "frustration"),
        ("Unverschämt! Seit drei Wochen keine Antwort, mir reicht's", "de", "frustration"),
        ("C'est une honte, personne ne répond, j'en ai marre", "fr", "frustration"),
        ("I'm confused, I don't understand which of the two forms you mean", "en", "confusion"),
        ("No entiendo nada, ¿qué quiere decir esto?", "es", "confusion"),
        ("Ich verstehe das nicht, was heißt das denn?", "de", "confusion"),
        ("Je ne comprends pas, ce n'est pas clair", "fr", "confusion"),
        ("Thank you so much, it works perfectly now, great service", "en", "satisfaction"),
        ("Perfecto, ya funciona, muchas gracias por todo", "es", "satisfaction"),
        ("Super, läuft wieder, ganz lieben Dank, bin sehr zufrieden", "de", "satisfaction"),
        ("Parfait, tout est réglé, merci beaucoup, je suis ravie", "fr", "satisfaction"),
        ("OMG I can't wait, so excited!!! 🎉", "en", "excitement"),
        ("¡Qué ilusión, qué ganas de que llegue! 🎉", "es", "excitement"),
        ("Ich freu mich riesig, kann es kaum erwarten!!! 🎉", "de", "excitement"),
        ("Trop hâte d'y être, vivement samedi !!! 🎉", "fr", "excitement"),
    ],
)
def test_an_emotion_is_heard_and_shown_by_its_words(feelings, text, language, emotion):
    emotions = read(feelings, text, language)
    signal = getattr(emotions, emotion)
    assert signal.value >= 0.5
    assert signal.known
    assert any(evidence.start is not None for evidence in signal.evidence)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where can I find my invoices for March?", "en"),
        ("I'd like to change my delivery address to 12 Mill Lane.", "en"),
        ("Mi número de pedido es 77120, quisiera cambiar la dirección", "es"),
        ("Ich möchte bitte meine Lieferadresse ändern", "de"),
        ("Je voudrais changer mon adresse de livraison", "fr"),
    ],
)
def test_a_plain_request_feels_nothing(feelings, text, language):
    assert felt(read(feelings, text, language)) == set()


def test_without_a_feeling_there_is_no_evidence(feelings):
    emotions = read(feelings, "Could you send me the invoice again, please?")  # "again" may speak of frustration
    assert [getattr(emotions, name).evidence for name in FOUR] == [()] * 4


def test_the_words_that_a_feeling_rests_on_are_quoted(feelings):
    emotions = read(feelings, "Honestly, the parcel is late and this is a disgrace.")
    assert "disgrace" in " ".join(words(emotions.frustration))


def test_whom_a_message_is_addressed_to_moves_no_evidence(feelings):
    emotions = read(feelings, "@SkyHopper @help the parcel is late and this is a disgrace")
    assert set(words(emotions.frustration)) <= {"late", "this", "a", "disgrace", "this is a disgrace", "a disgrace"}
    assert "disgrace" in " ".join(words(emotions.frustration))


def test_no_words_are_no_feeling(feelings):
    for text in ("", "   ", "\n\n"):
        emotions = read(feelings, text)
        assert not any(getattr(emotions, name).known for name in FOUR)
        assert felt(emotions) == set()


def test_a_language_without_words_of_ours_stays_unknown(feelings):
    emotions = read(feelings, "こんにちは、注文はどこですか", "ja")
    assert not any(getattr(emotions, name).known for name in FOUR)


# --- the situation ----------------------------------------------------------------------------------------------------

COLD = "Where is the technician?"


def frustration(feelings: Feelings, text: str, **situation) -> float:
    return read(feelings, text, **situation).frustration.value


def earlier(*tempers: float | None, moods: tuple[float | None, ...] = (), answered: bool = True):
    moods = moods or (None,) * len(tempers)
    return tuple(
        EarlierTurn(
            at=NOW - timedelta(hours=len(tempers) - place), frustration=temper, sentiment=mood, answered=answered
        )
        for place, (temper, mood) in enumerate(zip(tempers, moods, strict=True))
    )


@pytest.mark.parametrize(
    "situation",
    [
        {"contacts": 3},
        {"unanswered": 2},
        {"earlier": earlier(0.9, 0.9)},
        {"earlier": earlier(0.1, 0.25, 0.4)},
        {"last_words": "Where is your technician, please tell me"},
        {"last_reply": "Please wait, your request is being processed."},
        {"last_reply": "Unfortunately there is no update."},
    ],
)
def test_the_same_words_are_more_frustrated_after(feelings, situation):
    assert frustration(feelings, COLD, **situation) > frustration(feelings, COLD)


def test_by_how_much_the_mood_has_sunk_counts():
    said = utterance(COLD, earlier=earlier(0.1, moods=(0.6,)))
    assert around(said, {}, Sentiment(-0.8, 0.9))["@mood sinks"] == pytest.approx(1.4)
    assert "@mood sinks" not in around(said, {}, Sentiment(0.9, 0.9))
    assert "@mood sinks" not in around(said, {}, UNKNOWN_MOOD)


def test_many_contacts_taken_in_good_humour_count_for_less(feelings):
    signs = Signs(LANGUAGES)
    kind, cold = (
        around(said, signs.find(said, UNKNOWN_MOOD)[1], UNKNOWN_MOOD)
        for said in (utterance("no worries, take your time!", contacts=4), utterance(COLD, contacts=4))
    )
    assert kind["@contacts, kind"] == kind["@contacts"] == cold["@contacts"] == 2
    assert "@contacts, kind" not in cold


def test_what_a_situation_adds_is_said_in_words(feelings):
    emotions = read(feelings, "Still no answer. Nobody calls me back.", contacts=3, unanswered=2)
    assert emotions.frustration.value >= 0.5
    said = set(words(emotions.frustration))
    assert {"contact number 3 on this", "no answer to the 2 messages before"} & said
    assert all(
        evidence.start is None for evidence in emotions.frustration.evidence if str(evidence).startswith("contact")
    )


def test_a_situation_speaks_of_frustration_alone(feelings):
    alone = read(feelings, COLD)
    tried = read(feelings, COLD, contacts=4, unanswered=3, earlier=earlier(0.9, 0.9), last_reply="Please wait.")
    for name in ("confusion", "satisfaction", "excitement"):
        assert getattr(alone, name) == getattr(tried, name)


def test_our_words_thrown_back_are_seen(feelings):
    signs = Signs(LANGUAGES)
    said = utterance('"Inconvenience"? Which inconvenience?', last_reply="Sorry for any inconvenience.")
    assert around(said, signs.find(said, UNKNOWN_MOOD)[1], UNKNOWN_MOOD)["@quotes"] == pytest.approx(0.5)


# --- GoEmotions -------------------------------------------------------------------------------------------------------


def test_goemotions_labels_are_all_there_and_bounded(feelings):
    labels = feelings.labels(features(utterance("Thanks a lot, you saved my day!")))
    assert tuple(labels) == GOEMOTIONS
    assert all(0 <= value <= 1 for value in labels.values())
    assert labels["gratitude"] >= 0.5
    assert labels["anger"] < 0.5


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this so much", "love"),
        ("lol that is hilarious", "amusement"),
        ("I'm so sorry, I apologise", "remorse"),
        ("I'm scared of what happens next", "fear"),
        ("The store opens at nine on weekdays.", "neutral"),
    ],
)
def test_goemotions_labels_are_decided_at_one_half(feelings, text, label):
    assert feelings.labels(features(utterance(text)))[label] >= 0.5


# --- any text ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    text=st.text(max_size=300),
    reply=st.text(max_size=100),
    language=st.sampled_from([*LANGUAGES, "ja", ""]),
    contacts=st.integers(0, 10**6),
    unanswered=st.integers(0, 10**6),
    tempers=st.lists(st.none() | st.floats(0, 1), max_size=12),
)
def test_any_text_in_any_situation_is_read(feelings, text, reply, language, contacts, unanswered, tempers):
    read(
        feelings,
        text,
        language,
        contacts=contacts,
        unanswered=unanswered,
        last_reply=reply,
        last_words=text,
        earlier=earlier(*tempers),
    )


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_read(feelings, flood):
    read(feelings, flood, last_reply=flood, last_words=flood)


def test_a_pass_reads_the_four_without_the_28(feelings):
    fresh = Feelings(LANGUAGES)
    read(fresh, "This is ridiculous")
    assert "_labels" not in vars(fresh)  # four megabytes that only an evaluation looks at

"""How somebody speaks of what they have met: the rules' turns of phrase, the trained head, and what both cost."""

import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from omnibot.model import Sentiment, Situation
from omnibot.understanding.features import Extractor
from omnibot.understanding.lexicons import LANGUAGES
from omnibot.understanding.sentiment import NEUTRAL, Mood
from omnibot.understanding.utterance import LONGEST, Utterance, legible
from tests.costs import Work, assert_cost, assert_linear

SITUATION = Situation(now=datetime(2025, 3, 12, 10, 15, tzinfo=UTC), zone=UTC)
LABELLED = Path(__file__).parents[2] / "training" / "labelled" / "sentiment.jsonl"
RULES = Mood(trained=False)
TRAINED = Mood()
FEATURES = Extractor()


def written(text: str, language: str = "en") -> Utterance:
    return Utterance(legible(text), SITUATION, language, written=text)


def by_rules(text: str, language: str = "en") -> Sentiment:
    return RULES.read(written(text, language))


def trained(text: str) -> Sentiment:
    utterance = written(text)
    return TRAINED.read(utterance, FEATURES(utterance.said))


def phrases(text: str, language: str = "en") -> set[str]:
    return {found.name for found in RULES.weigh(written(text, language)).found}


def label(sentiment: Sentiment) -> int:
    return (sentiment.value >= NEUTRAL) - (sentiment.value <= -NEUTRAL)


# --- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Please help me with my credit note, kindly save the date",
        "I need support, it is urgent",
        "yes please, that number is okay",
        "Dear team, could you share the secure link?",
        "Where do I pay, and who must approve it?",
    ],
)
def test_a_request_is_no_praise(text: str) -> None:
    assert label(by_rules(text)) == 0


@pytest.mark.parametrize(
    "text", ["Bonjour, je voudrais parler à quelqu'un", "Encore une question", "quelqu'un est là ?"]
)
def test_who_asks_for_somebody_in_french_is_not_cross(text: str) -> None:
    assert label(by_rules(text, "fr")) == 0
    assert label(by_rules("je veux enfin parler à quelqu'un", "fr")) == -1
    assert label(by_rules("encore une erreur", "fr")) == -1


@pytest.mark.parametrize("text", ["An issue with the list", "It is so slow", "The app crashed", "overpriced rubbish"])
def test_words_of_failure_weigh(text: str) -> None:
    assert by_rules(text).value < -0.1


@pytest.mark.parametrize("text", ["Server down!!!", "Hello. Our website still down!!", "API offline, please call"])
def test_what_is_down_is_bad_without_a_verb(text: str) -> None:
    assert trained(text).value < -0.1
    assert trained(text).known


@pytest.mark.parametrize("text", ["How do I take my site down?", "Turn the service off.", "Is the system down?"])
def test_what_somebody_may_want_down_is_not(text: str) -> None:
    assert "something is gone, wrong or in strange hands" not in phrases(text)


@pytest.mark.parametrize(
    "text",
    [
        "VADER is smart, handsome, and funny!",
        "The plot was wonderful and the ending made me happy",
        "Today SUX!",
        "Most automated sentiment analysis tools are shit.",
        "What an awful, boring film. The acting was terrible",
    ],
)
def test_what_vader_reads_well_is_read_alike(text: str) -> None:
    vader = SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    assert label(by_rules(text)) == label(trained(text)) == (1 if vader > 0 else -1)


def test_whom_it_is_addressed_to_and_where_a_link_leads_say_nothing() -> None:
    assert by_rules("@HappyBank @LoveShop https://great.example/awesome www.perfect.example &amp;").value == 0
    assert by_rules("write to happy@example.com").value == 0


def test_a_sentence_more_without_a_mood_changes_nothing() -> None:
    assert by_rules("I hate this.").value == by_rules("The file has rows. I hate this. It is a table.").value


def test_many_angry_sentences_are_not_at_once_as_bad_as_can_be() -> None:
    one, ten = by_rules("I am angry.").value, by_rules("I am angry. " * 10).value
    assert -0.97 < ten < one


# --- turns of phrase --------------------------------------------------------------------------------------------------

TURNS = [
    ("contacted repeatedly", "This is the third time that I write", "The third floor, please"),
    ("contacted repeatedly", "I have called you five times", "Five copies of the invoice, please"),
    ("still or not yet", "Still no answer on the order", "I still need two chairs"),
    ("still or not yet", "I have yet to receive it", "And yet it is blue"),
    ("does not work", "The button does not work", "I do not work on Fridays"),
    ("does not work", "It won't open", "I will open a shop"),
    ("cannot get in or through", "I can't log in", "I can log in with Google"),
    ("cannot get in or through", "we are locked out", "we locked the door"),
    ("expectation not met", "I expected better of you", "I expect a parcel tomorrow"),
    ("expectation not met", "I am not happy with it", "I am in the Happy Hotel"),
    ("no reply", "No reply to my mails", "Reply to this mail, please"),
    ("no reply", "nobody answers the phone", "who answers the phone?"),
    ("waits long", "waiting for three weeks", "Three weeks in Peru"),
    ("waits long", "on hold for 40 minutes", "40 minutes by bus"),
    ("threatens to leave or to act", "I'll take my business elsewhere", "We are a small business"),
    ("threatens to leave or to act", "never again", "never mind, it's again in stock"),
    ("thanks that are none", "thanks for nothing", "thanks for everything"),
    ("thanks that are none", "Great, another update that breaks it", "A great update"),
    ("thanks that are none", "#neveragain", "#holiday"),
    ("praise beside failure", "The food was good but it never came warm", "Small but nice"),
    ("something is gone, wrong or in strange hands", "my account was hacked", "a talk about hackers"),
    ("something is gone, wrong or in strange hands", "charged twice", "twice a week"),
    ("disbelief and contempt", "what a waste of time", "what time is it"),
    ("asks for what is owed", "where is my refund?", "where is the exit?"),
    ("no complaint", "no problem at all", "a problem with all of them"),
    ("solved", "the problem is solved", "how is that problem solved at school"),
    ("praise", "you guys rock", "a guy on a rock"),
    ("a mood that is denied", "it's not that I'm unhappy", "I'm unhappy"),
    ("asks, and says nothing of a mood", "it would be great to have a list", "it is great to have a list"),
]


@pytest.mark.parametrize(("name", "text", "other"), TURNS)
def test_a_turn_of_phrase_is_found_and_no_other_for_it(name: str, text: str, other: str) -> None:
    assert name in phrases(text)
    assert name not in phrases(other) or name == "solved"


@pytest.mark.parametrize(
    "text",
    [
        "third time contacting you",
        "still not working",
        "can't log in",
        "thanks for nothing",
        "It has been three weeks and nobody replied.",
        "Lovely, my train is cancelled again",
        "I will never fly with you again",
        "Good product, but it doesn't charge",
    ],
)
def test_a_complaint_without_a_word_for_it_is_one(text: str) -> None:
    assert label(by_rules(text)) == label(trained(text)) == -1


@pytest.mark.parametrize(
    "text",
    [
        "No problem, thanks",
        "no worries, thank you!",
        "I can't thank you enough",
        "Couldn't be happier",
        "I can't complain, great service",
        "The error is gone, thank you so much",
        "can't wait for the new album!",
    ],
)
def test_an_idiom_of_praise_is_no_complaint(text: str) -> None:
    assert label(by_rules(text)) == label(trained(text)) == 1


@pytest.mark.parametrize("text", ["It's not that I'm unhappy, I'd just like another plan", "I'm not complaining"])
def test_a_mood_that_is_denied_is_none(text: str) -> None:
    assert label(by_rules(text)) == 0


def test_thanks_at_the_end_of_a_request_is_no_praise() -> None:
    assert label(by_rules("Could you send me the invoice for May? Thanks!")) == 0
    assert label(by_rules("You sent me the invoice for May. Thanks!")) == 1


@pytest.mark.parametrize(
    ("language", "bad", "good", "neither"),
    [
        (
            "es",
            "Llevo tres semanas esperando y nadie responde",
            "Ningún problema, muchas gracias",
            "¿A qué hora abren?",
        ),
        ("es", "todavia no funciona", "me encanta", "Quiero cambiar mi contraseña"),
        ("de", "Das funktioniert immer noch nicht", "Kein Problem, vielen Dank", "Wie ändere ich mein Passwort?"),
        ("de", "Na toll, schon wieder kaputt", "nicht schlecht, sehr gute Arbeit", "Das ist nicht dringend"),
        ("fr", "Toujours aucune réponse, c'est une honte", "Aucun souci, merci beaucoup", "Où est la facture ?"),
        ("fr", "ca ne marche plus", "J'adore, c'est parfait", "Merci d'avance de me rappeler"),
    ],
)
def test_other_languages_have_words_and_phrases_of_their_own(language: str, bad: str, good: str, neither: str) -> None:
    assert [label(by_rules(text, language)) for text in (bad, neither, good)] == [-1, 0, 1]


def test_an_accent_that_makes_another_word_of_it_counts() -> None:
    texts = ["Das hab ich schon probiert", "Ist das schon da?", "Das ist schön", "Das ist schoen", "Schöne Grüße"]
    assert [label(by_rules(text, "de")) for text in texts] == [0, 0, 1, 1, 1]


def test_a_language_without_a_lexicon_stays_unknown() -> None:
    signal = by_rules("Dit is geweldig, awesome!", "nl")
    assert (signal.value, signal.known, signal.evidence) == (0.0, False, ())
    assert Mood(["es"], trained=False).read(written("This is awful")).known is False


def test_every_turn_of_phrase_is_looked_for_where_it_can_stand() -> None:
    """Where an expression matches, it is found although only words with the noted beginnings are tried."""
    missed = []
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        utterance = written(item["text"], item["lang"])
        lower = utterance.lower if item["lang"] == "en" else utterance.folded
        found = {name for name, _ in _expressions_in(item["lang"], lower)}
        silent = {"asks, and says nothing of a mood", "a title", "a closing word"}
        if not (found & silent):
            missed += [(name, item["text"]) for name in found - phrases(item["text"], item["lang"])]
    assert missed == []


def _expressions_in(language: str, lower: str) -> Iterator[tuple[str, str]]:
    for name, expression in _expressions_of(language):
        if match := expression.search(lower):
            yield name, match[0]


@cache  # or else Python's own, which keeps 512, makes them anew for every text
def _expressions_of(language: str) -> list[tuple[str, re.Pattern[str]]]:
    import tomllib

    from omnibot.understanding import lexicons

    table = tomllib.loads((Path(lexicons.__file__).parent / "moods" / f"{language}.toml").read_text("utf-8"))
    return [(phrase["name"], re.compile(source["is"])) for phrase in table["phrases"] for source in phrase["any"]]


# --- what a reading says ----------------------------------------------------------------------------------------------


def test_evidence_stands_where_it_says() -> None:
    text = "Hi! I've been waiting for three weeks, and the app is AWFUL."
    signal = trained(text)
    assert [str(piece) for piece in signal.evidence] == ["waiting for three weeks", "AWFUL"]
    assert all(text[piece.start : piece.end] == piece.text for piece in signal.evidence)


def test_evidence_speaks_for_the_value() -> None:
    assert "lovely" not in map(
        str, trained("The room was lovely, but nobody answered and the shower is broken").evidence
    )


def test_what_is_bad_by_its_wording_alone_is_said_to_be_so_and_is_never_very_bad() -> None:
    signal = trained("@ShopCo the zip came off on day two")
    if not RULES.weigh(written("@ShopCo the zip came off on day two")).words:
        assert signal.value < 0
        assert signal.value > -0.4


def test_a_trained_reading_is_surest_where_everything_agrees() -> None:
    assert trained("This is great, I love it, thank you!").confidence > trained("Well, it is what it is").confidence


def test_without_features_the_rules_decide() -> None:
    assert TRAINED.read(written("thanks for nothing")) == by_rules("thanks for nothing")


@pytest.mark.parametrize("text", ["   ", "4711", "12-34?", "_"])
def test_a_text_without_words_has_no_mood(text: str) -> None:
    assert trained(text).known is False


# --- VADER as it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["I’m NOT happy with https://great.example @love, thanks!! 😡", "please help", "", "so good but so slow"]
)
def test_vader_stands_beside_ours_as_the_library_has_it(text: str) -> None:
    assert by_rules(text).vader == SentimentIntensityAnalyzer().polarity_scores(text)["compound"]


def test_vader_stands_beside_ours_in_any_language() -> None:
    assert by_rules("Ik vind het awesome", "nl").vader > 0.5


def test_what_is_too_much_for_vader_has_none() -> None:
    assert by_rules("bad " * 600).vader == 0.0
    assert by_rules("😡" * 600).vader == 0.0
    assert by_rules("good " + "x " * LONGEST).vader == 0.0
    assert by_rules("good " + "x " * 900).vader > 0


# --- bounds -----------------------------------------------------------------------------------------------------------

FLOODS = {
    "weighted words": "bad but good " * 320,
    "thanks": "thanks for the great service " * 140,
    "negations": "not at all so very still yet never " * 120,
    "words that begin phrases": "you i my is was would no how why the " * 110,
    "waiting": "waiting waiting hours and days since for " * 100,
    "questions": "can you please ?" * 250,
    "emoji": "😡 " * 2000,
    "quotes": '"a" ' * 1000,
    "mentions": "@a " * 1300,
    "signs": "?!" * 2000,
    "a letter": "I have been waiting for my order since Monday, and nobody answers the phone. " * 52,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_costs_at_most_four_letters_of_its_length(name: str) -> None:
    flood = FLOODS[name]
    assert_cost(reading(flood), at_most=4, times=reading(FLOODS["a letter"][: len(flood)]))


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_costs_what_its_length_does(name: str) -> None:
    assert_linear(lambda length: reading(FLOODS[name][:length]), LONGEST)


def reading(text: str) -> Work:
    utterance = written(text)  # its words are made once for all who read them
    features = FEATURES(utterance.said)
    return lambda: TRAINED.read(utterance, features)


@settings(deadline=None)
@given(st.text(), st.sampled_from([*LANGUAGES, "nl", ""]))
def test_any_text_has_a_mood_or_none(text: str, language: str) -> None:
    utterance = written(text, language)
    for signal in (RULES.read(utterance), TRAINED.read(utterance, FEATURES(utterance.said))):
        assert -1 <= signal.value <= 1
        assert -1 <= signal.vader <= 1
        assert 0 <= signal.confidence <= 1
        assert all(utterance.text[piece.start : piece.end] == piece.text for piece in signal.evidence if piece.end)


# --- how well ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_held_out_is_read_well(language: str) -> None:
    """Far above chance, and above VADER: what the model card says in figures."""
    items = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    tested = [item for item in items if item["lang"] == language and zlib.crc32(item["id"].encode()) % 5 == 0]
    assert len(tested) >= 30
    right = sum(label(by_rules(item["text"], language)) == item["label"] for item in tested)
    vader = sum(label(Sentiment(by_rules(item["text"], language).vader, 1.0)) == item["label"] for item in tested)
    assert right / len(tested) > 0.75
    assert right > vader

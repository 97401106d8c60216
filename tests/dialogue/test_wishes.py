"""Wishes about how to be answered, in four languages: heard, granted, shown and taken back."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.dialogue.test_decide import MET, NOON

from omnibot.dialogue import Company, Knowledge, decide
from omnibot.dialogue.phrases import Talk, asks_for_a_person, said
from omnibot.dialogue.times_of_day import zone_named
from omnibot.dialogue.words import Passage
from omnibot.model import (
    Address,
    AddressId,
    Complexity,
    CustomerId,
    Detail,
    KnownAddress,
    Length,
    Level,
    Limits,
    Manner,
    MessageId,
    Plan,
    Preferences,
    Proof,
    Reading,
    Register,
    Sentiment,
    Signal,
    Snapshot,
    TurnMessage,
    Urgency,
    plain,
)
from omnibot.voice import Speaker, Voices, compose

ROOT = Path(__file__).parents[2]
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.PROVEN, account="main")
SPEAKER = Speaker("Example Ltd", "Omnibot", voices=Voices.load(ROOT / "config" / "voice", ("en", "es", "de", "fr")))


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(Knowledge.load(ROOT / "config" / "knowledge"))


def sarah(preferences: Preferences = Preferences(), **fields: object) -> Snapshot:  # noqa: B008
    return Snapshot(
        customer=CustomerId(1),
        addresses=(TELEGRAM,),
        name="Sarah",
        preferences=preferences,
        trusted=frozenset({TELEGRAM.id}),
        **fields,  # type: ignore[arg-type]
    )


def decided(company: Company, text: str, language: str = "en", snapshot: Snapshot | None = None) -> Plan:
    reading = Reading(
        language=Signal(language, 0.99),
        sentiment=Sentiment(0.0, 0.0, known=False),
        urgency=Signal(Urgency.NORMAL, 0.0, known=False),
    )
    message = TurnMessage(id=MessageId(7), address=TELEGRAM.id, at=NOON, text=text)
    return decide(snapshot or sarah(), reading, MET, [message], company, {"telegram"})


WISHES = [
    ("en", "please be a bit warmer", "manner", "friendly"),
    ("en", "no small talk please", "manner", "professional"),
    ("en", "give me all the steps", "detail", "steps"),
    ("en", "just the summary please", "detail", "summary"),
    ("en", "no jargon please", "complexity", "plain"),
    ("en", "you can be more technical", "complexity", "technical"),
    ("en", "no emojis please", "emoji", "no"),
    ("en", "I like emojis", "emoji", "yes"),
    ("en", "don't use my history", "level", "1"),
    ("en", "just the facts please", "level", "1"),
    ("en", "you can use my history again", "level", "5"),
    ("en", "don't write to me between 10 pm and 8 am", "quiet", "22:00-08:00"),
    ("en", "please don't text me after 9", "quiet", "21:00-07:00"),
    ("en", "don't message me before 9:30", "quiet", "22:00-09:30"),
    ("en", "never write to me at night", "quiet", "22:00-07:00"),
    ("en", "my quiet hours are from 21:00 until 6:30", "quiet", "21:00-06:30"),
    ("en", "don't write to me before 8 am or after 10 pm", "quiet", "22:00-08:00"),
    ("en", "my time zone is Pacific time", "zone", "America/Los_Angeles"),
    ("en", "my time zone is Europe/Berlin", "zone", "Europe/Berlin"),
    ("es", "sé un poco más cercano", "manner", "friendly"),
    ("es", "más profesional por favor", "manner", "professional"),
    ("es", "dame todos los pasos", "detail", "steps"),
    ("es", "solo lo esencial", "detail", "summary"),
    ("es", "con palabras más sencillas por favor", "complexity", "plain"),
    ("es", "usa términos técnicos", "complexity", "technical"),
    ("es", "sin emojis por favor", "emoji", "no"),
    ("es", "con emojis", "emoji", "yes"),
    ("es", "no uses mi historial", "level", "1"),
    ("es", "solo los hechos por favor", "level", "1"),
    ("es", "puedes volver a usar mi historial", "level", "5"),
    ("es", "no me escribas entre las 22 y las 8", "quiet", "22:00-08:00"),
    ("es", "no me escribas por la noche", "quiet", "22:00-07:00"),
    ("es", "mi zona horaria es la de Bogotá", "zone", "America/Bogota"),
    ("de", "bitte etwas freundlicher", "manner", "friendly"),
    ("de", "bitte sachlicher", "manner", "professional"),
    ("de", "gib mir immer eine Anleitung", "detail", "steps"),
    ("de", "nur das Wichtigste bitte", "detail", "summary"),
    ("de", "bitte in einfachen Worten", "complexity", "plain"),
    ("de", "du kannst ruhig technischer werden", "complexity", "technical"),
    ("de", "bitte keine Emojis", "emoji", "no"),
    ("de", "gern mit Emojis", "emoji", "yes"),
    ("de", "nutze meine Vorgeschichte nicht", "level", "1"),
    ("de", "bitte nur die Fakten", "level", "1"),
    ("de", "du kannst meine Vorgeschichte wieder nutzen", "level", "5"),
    ("de", "schreib mir bitte nicht nach 22 Uhr", "quiet", "22:00-07:00"),
    ("de", "bitte nachts nicht schreiben", "quiet", "22:00-07:00"),
    ("de", "meine Zeitzone ist Wien", "zone", ""),
    ("de", "meine Zeitzone ist Vienna", "zone", "Europe/Vienna"),
    ("de", "kürzer bitte", "length", "short"),
    ("de", "bitte ausführlicher", "length", "detailed"),
    ("de", "wir können uns gern duzen", "register", "casual"),
    ("de", "Duzen wir uns?", "register", "casual"),
    ("de", "Wollen wir uns nicht duzen?", "register", "casual"),
    ("de", "Sie dürfen mich gern duzen", "register", "casual"),
    ("es", "¿Nos tuteamos?", "register", "casual"),
    ("es", "Podemos tutearnos", "register", "casual"),
    ("de", "bitte siezen", "register", "formal"),
    ("de", "bitte auf Englisch", "language", "en"),
    ("de", "antworte mir bitte per E-Mail", "channel", "email"),
    ("fr", "soyez un peu plus chaleureux", "manner", "friendly"),
    ("fr", "restez professionnel", "manner", "professional"),
    ("fr", "donne-moi toutes les étapes", "detail", "steps"),
    ("fr", "juste un résumé", "detail", "summary"),
    ("fr", "avec des mots simples svp", "complexity", "plain"),
    ("fr", "vous pouvez être plus technique", "complexity", "technical"),
    ("fr", "sans emojis svp", "emoji", "no"),
    ("fr", "avec des emojis", "emoji", "yes"),
    ("fr", "n'utilisez pas mon historique", "level", "1"),
    ("fr", "juste les faits", "level", "1"),
    ("fr", "tu peux utiliser mon historique de nouveau", "level", "5"),
    ("fr", "n'écrivez pas entre 22h et 8h", "quiet", "22:00-08:00"),
    ("fr", "mon fuseau horaire est celui de Paris", "zone", "Europe/Paris"),
    ("fr", "plus court svp", "length", "short"),
    ("fr", "plus de détails", "length", "detailed"),
    ("fr", "on peut se tutoyer", "register", "casual"),
    ("fr", "vouvoyez-moi", "register", "formal"),
    ("fr", "en anglais svp", "language", "en"),
    ("fr", "répondez-moi par e-mail", "channel", "email"),
]


@pytest.mark.parametrize(("language", "text", "wish", "value"), WISHES, ids=[f"{w[0]} {w[1]}" for w in WISHES])
def test_a_wish_is_heard(language: str, text: str, wish: str, value: str) -> None:
    heard = said(Passage(text))
    assert heard is not None
    assert (heard.what, heard.value, heard.language) == (wish, value, language)


QUESTIONS = [
    "How do I use emojis in my signature?",
    "can you explain the technical limits?",
    "why was my history deleted?",
    "what time zone are your servers in?",
    "where do I find the steps to export my data?",
    "¿puedo usar emojis en la firma?",
    "¿dónde veo el historial?",
    "Wie lösche ich meinen Verlauf?",
    "Wo finde ich die Schritte zum Export?",
    "wann ist das Büro offen?",
    "Comment supprimer mon historique ?",
    "où sont les étapes ?",
    "my bill is too high since yesterday",
]


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_about_it_stays_a_question(text: str) -> None:
    assert said(Passage(text)) is None


TALK = [
    ("de", "vielen Dank für die schnelle Hilfe", Talk.THANKS),
    ("de", "Hallo zusammen", Talk.HELLO),
    ("de", "Mit freundlichen Grüßen", Talk.GOODBYE),
    ("de", "alles klar", Talk.NOTED),
    ("de", "verstanden", Talk.NOTED),
    ("de", "das hat geklappt", Talk.SOLVED),
    ("de", "das hat leider nicht geholfen", Talk.NOT_HELPED),
    ("de", "es geht immer noch nicht", Talk.NOT_HELPED),
    ("de", "bist du ein Bot?", Talk.WHO_ARE_YOU),
    ("de", "was kannst du?", Talk.WHAT_CAN_YOU_DO),
    ("fr", "merci beaucoup pour votre aide", Talk.THANKS),
    ("fr", "Bonjour à tous", Talk.HELLO),
    ("fr", "bonne journée", Talk.GOODBYE),
    ("fr", "d'accord", Talk.NOTED),
    ("fr", "ça marche maintenant", Talk.SOLVED),
    ("fr", "ça ne marche toujours pas", Talk.NOT_HELPED),
    ("fr", "vous êtes un robot ?", Talk.WHO_ARE_YOU),
    ("fr", "j'ai une question", Talk.WHAT_CAN_YOU_DO),
]


@pytest.mark.parametrize(("language", "text", "talk"), TALK, ids=[f"{t[0]} {t[1]}" for t in TALK])
def test_small_talk_is_heard_in_german_and_french(language: str, text: str, talk: Talk) -> None:
    heard = said(Passage(text))
    assert heard is not None
    assert (heard.what, heard.language) == (talk, language)


@pytest.mark.parametrize(
    "text",
    [
        "ich möchte mit einem Menschen sprechen",
        "verbinden Sie mich bitte mit einem Mitarbeiter",
        "je veux parler à une personne",
        "passez-moi un conseiller",
    ],
)
def test_a_person_is_asked_for_in_german_and_french(text: str) -> None:
    assert asks_for_a_person(Passage(text))


@pytest.mark.parametrize(
    ("text", "key", "value", "topic"),
    [
        ("be friendlier", "preference.manner", "friendly", "manner_friendly"),
        ("no emojis please", "preference.emoji", "no", "emoji_off"),
        ("give me all the steps", "preference.detail", "steps", "detail_steps"),
        ("no jargon", "preference.complexity", "plain", "complexity_plain"),
        ("don't use my history", "preference.level", "1", "level_low"),
        ("be personal again", "preference.level", "5", "level_full"),
        ("don't write to me after 9 pm", "preference.quiet", "21:00-07:00", "quiet_set"),
        ("no quiet hours any more", "preference.quiet", "", "quiet_none"),
        ("my time zone is New York", "preference.zone", "America/New_York", "zone_set"),
    ],
)
def test_a_wish_is_granted_and_kept(company: Company, text: str, key: str, value: str, topic: str) -> None:
    granted = decided(company, text)
    assert [move.topic for move in granted.moves] == [topic]
    assert [(change.key, change.value, change.source) for change in granted.changes] == [(key, value, 7)]


def test_a_wish_holds_for_the_reply_that_grants_it(company: Company) -> None:
    every = "be friendlier. no emojis please. give me all the steps. no jargon. my time zone is Berlin"
    granted = decided(company, every + ". don't use my history. don't write to me at night")
    wished = granted.preferences
    assert (wished.manner, wished.emoji, wished.detail) == (Manner.FRIENDLY, False, Detail.STEPS)
    assert (wished.complexity, wished.zone, wished.quiet) == (Complexity.PLAIN, "Europe/Berlin", "22:00-07:00")
    assert (wished.level, granted.level) == (Level.NAME, Level.NAME)


@pytest.mark.parametrize("text", ["my time zone is the moon", "don't write to me after 31"])
def test_what_names_no_time_is_asked_for_again(company: Company, text: str) -> None:
    unclear = decided(company, text)
    assert next(move.topic for move in unclear.moves) in ("zone_unclear", "quiet_unclear")
    assert unclear.changes == ()


def test_what_was_noted_is_shown(company: Company) -> None:
    preferences = Preferences(
        channel="email",
        register=Register.FORMAL,
        length=Length.SHORT,
        language="de",
        emoji=False,
        zone="America/New_York",
    )
    known = sarah(
        replace(preferences, quiet="22:00-07:00", level=Level.HISTORY),
        stated=frozenset({"channel", "register", "language", "zone", "quiet", "level"}),
        habits={TELEGRAM.id: {"length": 0.1}},
    )
    shown = decided(company, "what have you noted about how I like to be answered?", snapshot=known)
    told, learned = shown.moves
    assert (told.topic, learned.topic) == ("noted", "noted_learned")
    assert told.facts["items"] == (
        "Antworten per e-mail",
        "per Sie",
        "auf Deutsch",
        "Uhrzeiten wie in New York",
        "nichts ungefragt zwischen 22:00–07:00",
        "mit dem, was vorher war",
    )
    assert learned.facts["items"] == ("kurze Antworten", "ohne Emojis")
    nothing = decided(company, "what are my preferences?")
    assert [move.topic for move in nothing.moves] == ["noted_nothing"]


def test_what_was_noted_is_taken_back(company: Company) -> None:
    known = sarah(Preferences(length=Length.SHORT, emoji=True), stated=frozenset({"length"}))
    reset = decided(company, "forget my preferences", snapshot=known)
    assert [move.topic for move in reset.moves] == ["preferences_reset"]
    assert [(change.key, change.value) for change in reset.changes] == [
        ("preference.length", ""),
        ("preference.emoji", ""),
        ("habits", ""),
    ]
    assert reset.preferences == Preferences()


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
@pytest.mark.parametrize("register", Register)
def test_every_wish_that_is_granted_can_be_said(company: Company, language: str, register: Register) -> None:
    known = sarah(Preferences(register=register, language=language), habits={TELEGRAM.id: {"x": 1.0}})
    texts = [text for own, text, *_ in WISHES if own == language and "anglais" not in text and "Englisch" not in text]
    texts += ["what are my preferences?", "forget my preferences", "no quiet hours", "my time zone is the moon"]
    for text in texts:
        plan = decided(company, text, language, known)
        [draft] = compose(plan, known, {"telegram": Limits(text=4096)}, SPEAKER, 1, MET.recent, at=NOON)
        assert plain(draft.parts), text


def test_zones_are_named_as_people_do() -> None:
    assert zone_named("im in berlin time") == "Europe/Berlin"
    assert zone_named("etc utc") == "Etc/UTC"
    assert zone_named("utc") == "UTC"
    assert zone_named("") == ""
    assert zone_named("somewhere") == ""

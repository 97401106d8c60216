"""What is small talk, what is a wish, what is a name, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.dialogue.phrases import (
    Alarm,
    EmojiOnly,
    Said,
    Talk,
    Wish,
    alarm,
    asks_for_a_person,
    asks_us_to_act,
    emoji_only,
    goes_on,
    named,
    said,
    without_greeting,
)
from omnibot.dialogue.words import Passage

SMALL_TALK = [
    ("Hi!", Talk.HELLO, "en"),
    ("hello there", Talk.HELLO, "en"),
    ("Good morning", Talk.HELLO, "en"),
    ("Dear support team", Talk.HELLO, "en"),
    ("How are you?", Talk.HOW_ARE_YOU, "en"),
    ("who are you", Talk.WHO_ARE_YOU, "en"),
    ("Are you a bot?", Talk.WHO_ARE_YOU, "en"),
    ("is anybody there?", Talk.THERE, "en"),
    ("am I talking to a real person?", Talk.WHO_ARE_YOU, "en"),
    ("help", Talk.WHAT_CAN_YOU_DO, "en"),
    ("What can you do?", Talk.WHAT_CAN_YOU_DO, "en"),
    ("I have a question", Talk.WHAT_CAN_YOU_DO, "en"),
    ("Thanks a lot!", Talk.THANKS, "en"),
    ("ok great, thank you very much", Talk.THANKS, "en"),
    ("thanks for your quick help", Talk.THANKS, "en"),
    ("that worked", Talk.SOLVED, "en"),
    ("perfect", Talk.SOLVED, "en"),
    ("works now", Talk.SOLVED, "en"),
    ("fixed now thanks", Talk.SOLVED, "en"),
    ("Bye", Talk.GOODBYE, "en"),
    ("Best regards", Talk.GOODBYE, "en"),
    ("have a nice day", Talk.GOODBYE, "en"),
    ("ok", Talk.NOTED, "en"),
    ("haha thanks you're a star", Talk.THANKS, "en"),
    ("tell me a joke", Talk.LIGHT, "en"),
    ("what's the weather like in Berlin?", Talk.LIGHT, "en"),
    ("cuéntame un chiste", Talk.LIGHT, "es"),
    ("That did not help", Talk.NOT_HELPED, "en"),
    ("it still does not work", Talk.NOT_HELPED, "en"),
    ("eso no me sirve", Talk.NOT_HELPED, "es"),
    ("got it", Talk.NOTED, "en"),
    ("¡Hola!", Talk.HELLO, "es"),
    ("Buenos días", Talk.HELLO, "es"),
    ("¿Qué tal?", Talk.HOW_ARE_YOU, "es"),
    ("¿Eres un robot?", Talk.WHO_ARE_YOU, "es"),
    ("ayuda", Talk.WHAT_CAN_YOU_DO, "es"),
    ("muchas gracias por tu ayuda", Talk.THANKS, "es"),
    ("ya funciona", Talk.SOLVED, "es"),
    ("alles klar", Talk.NOTED, "de"),
    ("alles gut", Talk.NOTED, "de"),
    ("alles klar bei dir?", Talk.HOW_ARE_YOU, "de"),
    ("hasta luego", Talk.GOODBYE, "es"),
    ("Un cordial saludo", Talk.GOODBYE, "es"),
    ("vale", Talk.NOTED, "es"),
    ("Muy amable", Talk.THANKS, "es"),
    ("gracias por las facturas", Talk.THANKS, "es"),
    ("That is most kind", Talk.THANKS, "en"),
    ("very friendly, thank you", Talk.THANKS, "en"),
    ("Thanks, that helps with the invoices", Talk.THANKS, "en"),
    ("cool danke dir", Talk.THANKS, "de"),
    ("Sehr freundlich von Ihnen", Talk.THANKS, "de"),
    ("Danke für die Rechnungen", Talk.THANKS, "de"),
    ("Merci pour les factures", Talk.THANKS, "fr"),
    ("c'est très gentil", Talk.THANKS, "fr"),
    ("jetzt gehts danke", Talk.SOLVED, "de"),
    ("geht jetzt wieder", Talk.SOLVED, "de"),
    ("that works, thanks", Talk.SOLVED, "en"),
    ("ya funciona gracias", Talk.SOLVED, "es"),
    ("ah ça marche maintenant merci", Talk.SOLVED, "fr"),
]

WISHES = [
    ("answer me by email", Wish.CHANNEL, "email"),
    ("Please reply by e-mail from now on", Wish.CHANNEL, "email"),
    ("could you please write to me on Telegram instead?", Wish.CHANNEL, "telegram"),
    ("I'd prefer to be contacted by text message", Wish.CHANNEL, "sms"),
    ("text me the answer by email", Wish.CHANNEL, "email"),
    ("email me", Wish.CHANNEL, "email"),
    ("text me instead", Wish.CHANNEL, "sms"),
    ("I prefer WhatsApp", Wish.CHANNEL, "whatsapp"),
    ("email is better for me", Wish.CHANNEL, "email"),
    ("answer me here", Wish.CHANNEL, "here"),
    ("respóndeme por correo", Wish.CHANNEL, "email"),
    ("prefiero que me escribas por Telegram", Wish.CHANNEL, "telegram"),
    ("mejor por correo electrónico, por favor", Wish.CHANNEL, "email"),
    ("shorter please", Wish.LENGTH, "short"),
    ("keep it short", Wish.LENGTH, "short"),
    ("Your answers are too long", Wish.LENGTH, "short"),
    ("can you be more concise?", Wish.LENGTH, "short"),
    ("short answers please", Wish.LENGTH, "short"),
    ("votre réponse est trop longue", Wish.LENGTH, "short"),
    ("vuelve al español", Wish.LANGUAGE, "es"),
    ("más corto por favor", Wish.LENGTH, "short"),
    ("sé breve", Wish.LENGTH, "short"),
    ("more detail please", Wish.LENGTH, "detailed"),
    ("could you explain it in more detail?", Wish.LENGTH, "detailed"),
    ("step by step please", Wish.LENGTH, "detailed"),
    ("I prefer detailed answers", Wish.LENGTH, "detailed"),
    ("con más detalle, por favor", Wish.LENGTH, "detailed"),
    ("explícame paso a paso", Wish.LENGTH, "detailed"),
    ("please speak formally", Wish.REGISTER, "formal"),
    ("trátame de usted", Wish.REGISTER, "formal"),
    ("just call me by my first name", Wish.REGISTER, "casual"),
    ("no need to be so formal", Wish.REGISTER, "casual"),
    ("puedes tutearme", Wish.REGISTER, "casual"),
    ("in Spanish please", Wish.LANGUAGE, "es"),
    ("can we speak English?", Wish.LANGUAGE, "en"),
    ("auf Deutsch", Wish.LANGUAGE, "de"),
    ("en español, por favor", Wish.LANGUAGE, "es"),
    ("¿podemos hablar en inglés?", Wish.LANGUAGE, "en"),
    ("háblame en castellano", Wish.LANGUAGE, "es"),
    ("please speak Spanish with me", Wish.LANGUAGE, "es"),
    ("English please", Wish.LANGUAGE, "en"),
    ("habla español conmigo", Wish.LANGUAGE, "es"),
    ("please stop sending me so many details", Wish.LENGTH, "short"),
    ("no me mandes tantos detalles", Wish.LENGTH, "short"),
    ("sea más amable", Wish.MANNER, "friendly"),
    ("be very friendly", Wish.MANNER, "friendly"),
    ("a bit friendlier please", Wish.MANNER, "friendly"),
]

NEITHER = [
    "How do I answer by email?",
    "why did you answer me by email",
    "don't answer me by email",
    "the email is better formatted than the PDF",
    "how do I make the report shorter?",
    "I need more detail on invoice 1234",
    "how do I switch the dashboard to Spanish?",
    "the trial is too short for us to decide",
    "write to me on carrier pigeon",
    "thanks for nothing",
    "please stop sending me so many messages",
    "German",
    "my manual does not help German users",
    "tell me a price",
    "hello kitty stickers do not load",
    "help me reset my password",
    "bye-bye birdie tickets",
    "ok but why is it slow",
    "formal invoice needed",
    "geht nicht",
    "mein Login geht nicht",
    "very personal",
    "",
    "?",
]


@pytest.mark.parametrize(("text", "talk", "language"), SMALL_TALK)
def test_small_talk_is_recognised_with_its_language(text: str, talk: Talk, language: str) -> None:
    assert said(Passage(text)) == Said(talk, language)


def test_what_several_languages_say_is_said_in_theirs() -> None:
    assert said(Passage("merci"), "de") == Said(Talk.THANKS, "de")
    assert said(Passage("OK MERCI"), "fr") == Said(Talk.THANKS, "fr")
    assert said(Passage("merci"), "en") == Said(Talk.THANKS, "")
    assert said(Passage("gracias"), "en") == Said(Talk.THANKS, "es")
    assert without_greeting(Passage("Hi, ich brauche Hilfe"), "de")[0] == "de"


@pytest.mark.parametrize(("text", "wish", "value"), WISHES)
def test_a_wish_is_recognised_with_its_value(text: str, wish: Wish, value: str) -> None:
    found = said(Passage(text))
    assert found is not None
    assert (found.what, found.value) == (wish, value)


@pytest.mark.parametrize("text", NEITHER)
def test_a_question_about_such_things_is_neither(text: str) -> None:
    assert said(Passage(text)) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This is fraud, I will sue you and go to the press.", Alarm.SERIOUS),
        ("I'll call my lawyer", Alarm.SERIOUS),
        ("expect a chargeback", Alarm.SERIOUS),
        ("this is a SCAM, it is ridiculous", Alarm.SERIOUS),
        ("voy a poner una denuncia", Alarm.SERIOUS),
        ("esto es una estafa", Alarm.SERIOUS),
        ("hablaré con mi abogada", Alarm.SERIOUS),
        ("this is RIDICULOUS", Alarm.UPSET),
        ("third time i cant log in and nobody helps!!!!", Alarm.UPSET),
        ("are you even reading this??", Alarm.UPSET),
        ("es la tercera vez y nadie responde", Alarm.UPSET),
    ],
)
def test_an_alarm_is_heard_anywhere(text: str, kind: Alarm) -> None:
    assert alarm(Passage(text)) is kind


@pytest.mark.parametrize(
    "text",
    [
        "Sue cannot log in",
        "how many times can I use a code?",
        "it courts me",
        "¿usan un robot?",
        "my policy number",
        "",
    ],
)
def test_what_only_sounds_like_an_alarm_is_none(text: str) -> None:
    assert alarm(Passage(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Can you cancel my subscription for me?",
        "could you please change our plan",
        "cancel my plan for me please",
        "¿Me puedes cancelar la suscripción?",
        "¿podría cambiar nuestro plan?",
    ],
)
def test_we_are_asked_to_act(text: str) -> None:
    assert asks_us_to_act(Passage(text))


@pytest.mark.parametrize(
    "text",
    [
        "can you tell me how to cancel?",
        "could you please explain my bill",
        "How do I cancel?",
        "can I cancel my plan?",
        "¿me podría decir cómo cancelo?",
        "¿puede un usuario exportar?",
        "",
    ],
)
def test_we_are_asked_to_tell(text: str) -> None:
    assert not asks_us_to_act(Passage(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("call me Sarah", "Sarah"),
        ("Please call me sarah from now on", "Sarah"),
        ("you can call me Al.", "Al"),
        ("My name is Jürgen O'Neil-Smith", "Jürgen O'Neil-Smith"),
        ("Hi, my name's Anna", "Anna"),
        ("Llámame Tomás, por favor", "Tomás"),
        ("me llamo María José", "María José"),
        ("mi nombre es ana", "Ana"),
        ("call me J. R. Tolkien", "J. R. Tolkien"),
        ("my name is 王小明", "王小明"),
    ],
)
def test_a_name_is_taken_as_it_is_written(text: str, name: str) -> None:
    assert named(Passage(text)) == name


@pytest.mark.parametrize(
    "text",
    [
        "call me back",
        "call me tomorrow",
        "call me when it is fixed",
        "call me on +49 170 1234567",
        "call me http://example.org",
        "my name is www.example.org/x",
        "call me <b>Bob</b>",
        "call me *Bob*",
        "call me " + "A" * 41,
        "my name is not on the invoice",
        "call me your highness of the seven seas and beyond",
        "recall me Sarah",
        "call me @bob",
        "call me Bob; DROP TABLE",
        "llámame mañana",
        "call me",
        "",
    ],
)
def test_what_can_be_no_name_is_not_taken(text: str) -> None:
    assert named(Passage(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "a person please",
        "I want to talk to a human",
        "Can I speak to a real person about my bill?",
        "agent",
        "connect me to support",
        "can I get a person",
        "i need a human",
        "is there a human I can talk to?",
        "quiero hablar con una persona",
        "pásame con un agente",
        "una persona, por favor",
    ],
)
def test_a_person_is_asked_for(text: str) -> None:
    assert asks_for_a_person(Passage(text))


@pytest.mark.parametrize(
    "text",
    [
        "I don't want to talk to a human",
        "how do I talk to my agent API?",
        "the person in the picture is cut off",
        "add a person to my workspace",
        "no quiero hablar con una persona",
        "",
    ],
)
def test_a_person_is_only_mentioned(text: str) -> None:
    assert not asks_for_a_person(Passage(text))


def test_a_greeting_is_taken_off_a_sentence() -> None:
    for text, language, rest in (
        ("Hi there, how do I pay?", "en", "how do I pay?"),
        ("¡Buenos días! quiero pagar", "es", "quiero pagar"),
        ("history is missing", "", "history is missing"),
    ):
        greeted, left = without_greeting(Passage(text))
        assert (greeted, left.text) == (language, rest)


def test_a_message_of_signs_is_glad_or_not() -> None:
    assert emoji_only(Passage("👍🏽")) is EmojiOnly.GLAD
    assert emoji_only(Passage("👋🏽")) is EmojiOnly.HELLO
    assert emoji_only(Passage("😡 !!")) is EmojiOnly.CROSS
    assert emoji_only(Passage("💸❓")) is EmojiOnly.OTHER
    assert emoji_only(Passage("ok 👍")) is None
    assert emoji_only(Passage("  ")) is None


@given(st.text())
def test_any_text_can_be_heard(text: str) -> None:
    said(Passage(text))
    named(Passage(text))
    asks_for_a_person(Passage(text))
    without_greeting(Passage(text))
    alarm(Passage(text))
    asks_us_to_act(Passage(text))
    emoji_only(Passage(text))


@given(st.text(min_size=1))
def test_a_name_is_never_markup_or_a_link(text: str) -> None:
    name = named(Passage(f"call me {text}"))
    if name is not None:
        assert len(name) <= 40
        assert not set(name) & set("<>&/\\@:;*_[]()#0123456789\n")


@pytest.mark.parametrize(
    "text",
    [
        "and for a year?", "what about the bank transfer?", "und jährlich?", "Et à l'année ?", "¿Y al año?",
        "ok and can I pay per year?", "Okay, und jährlich?", "D'accord, et à l'année ?", "Vale, ¿y al año?",
    ],
)  # fmt: skip
def test_a_few_words_ask_on_from_an_answer(text: str) -> None:
    assert goes_on(Passage(text))


@pytest.mark.parametrize(
    "text", ["and now?", "und jetzt?", "and?", "and it is cheaper", "is it cheaper?", "et maintenant ?"]
)
def test_an_answer_that_is_no_use_is_not_asked_on_from(text: str) -> None:
    assert not goes_on(Passage(text))

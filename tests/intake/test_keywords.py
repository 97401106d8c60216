"""Whose messages close an address, and whose only look as if they did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.intake.keywords import Opt, opt

STOPS = [
    "STOP",
    "stop.",
    "Stop!!!",
    "  stop  ",
    "Stop please",
    "please stop",
    "STOP ALL",
    "STOPALL",
    "unsubscribe",
    "Unsubscribe me please",
    "REVOKE",
    "OPTOUT",
    "opt-out",
    "Opt out, thanks",
    "please stop texting me",
    "Stop messaging me!",
    "stop sending me messages",
    "stop all messages",
    "no more texts please",
    "please don't text me anymore",
    "Don’t contact me again.",
    "do not email me",
    "remove me from your list",
    "take me off your mailing list",
    "/stop",
    "ＳＴＯＰ",
    "no más",
    "NO MAS",
    "no más mensajes, por favor",
    "baja",
    "Baja.",
    "dame de baja",
    "Quiero darme de baja",
    "no me escriban más",
    "no me envíes más mensajes",
    "deja de escribirme",
    "dejen de mandarme sms",
    "parar",
]

NOT_STOPS = [
    "please don't stop",
    "don't stop",
    "how do I stop a running export?",
    "stop by tomorrow",
    "Can you stop by the office?",
    "cancel my plan",
    "I want to cancel my subscription",
    "unsubscribe my colleague from the newsletter",
    "the export will not stop",
    "it stops after 10 rows",
    "stop the export",
    "non-stop",
    "opt out of beta features?",
    "no",
    "no more questions, thanks",
    "no más preguntas",
    "¿cómo me doy de baja del plan Pro?",
    "para exportar mis datos, ¿qué hago?",
    "trabajo a tiempo completo",
    "revoke an API key",
    "quit smoking",
    "I can't stop the timer, help",
    "",
    "?!",
    "stop " * 200,
]


@pytest.mark.parametrize("text", STOPS)
@pytest.mark.parametrize("carrier", [True, False])
def test_a_request_to_stop_is_seen(text: str, carrier: bool) -> None:
    assert opt(text, carrier=carrier) is Opt.OUT


@pytest.mark.parametrize("text", NOT_STOPS)
@pytest.mark.parametrize("carrier", [True, False])
def test_a_message_that_only_contains_the_word_is_not_one(text: str, carrier: bool) -> None:
    assert opt(text, carrier=carrier) is None


@pytest.mark.parametrize(
    "text",
    [
        "STOPP",
        "Stopp bitte!",
        "Keine Nachrichten mehr",
        "Bitte keine weiteren SMS mehr",
        "Schreiben Sie mir bitte nicht mehr.",
        "schreib mir nie wieder",
        "bitte nicht mehr schreiben",
        "Hör auf, mir zu schreiben!",
        "ARRET",
        "Arrêt s'il vous plaît",
        "arrêtez",
        "Arrêtez de m'écrire !",
        "ne m'écrivez plus svp",
        "plus de messages",
        "Je ne veux plus recevoir vos SMS",
    ],
)
@pytest.mark.parametrize("carrier", [True, False])
def test_a_request_to_stop_is_seen_in_german_and_french(text: str, carrier: bool) -> None:
    assert opt(text, carrier=carrier) is Opt.OUT


@pytest.mark.parametrize(
    "text",
    [
        "der Export stoppt immer",
        "wie stoppe ich den Export?",
        "ich bekomme keine Nachrichten mehr von der App, warum?",
        "ich bekomme keine Nachrichten mehr",
        "Wie bestelle ich den Newsletter ab?",
        "je n'arrive plus à me connecter",
        "arrêter mon abonnement",
        "je ne reçois plus de messages",
        "comment arrêter l'export ?",
        "Hilfe, ich komme nicht rein",
        "aidez-moi",
    ],
)
@pytest.mark.parametrize("carrier", [True, False])
def test_german_and_french_that_only_contain_such_words_are_questions(text: str, carrier: bool) -> None:
    assert opt(text, carrier=carrier) is None


@pytest.mark.parametrize("text", ["cancel", "END", "Quit.", "alto", "cancelar", "fin", "PARE", "abmelden"])
def test_bare_words_of_the_carriers_count_only_there(text: str) -> None:
    assert opt(text, carrier=True) is Opt.OUT
    assert opt(text, carrier=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "START",
        "Unstop",
        "start please",
        "subscribe",
        "opt in",
        "alta",
        "dame de alta",
        "/start",
        "start texting me again",
    ],
)
def test_a_request_to_start_again_is_seen(text: str) -> None:
    assert opt(text, carrier=False) is Opt.IN


@pytest.mark.parametrize(
    "text", ["start my trial", "how do I start?", "alta tensión", "can I start tomorrow", "yes", "restart"]
)
def test_a_message_about_starting_is_not_one(text: str) -> None:
    assert opt(text, carrier=True) is None


@pytest.mark.parametrize("text", ["HELP", "help!", "info", "ayuda", "/help", "HILFE", "Aide !"])
def test_help_alone_asks_who_we_are(text: str) -> None:
    assert opt(text, carrier=True) is Opt.HELP


@pytest.mark.parametrize("text", ["help me with my bill", "please help", "ayuda con mi factura"])
def test_help_with_something_is_a_question(text: str) -> None:
    assert opt(text, carrier=True) is None


@pytest.mark.parametrize("hidden", list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u034f\ufe0f"))
def test_signs_that_show_nothing_hide_no_request(hidden: str) -> None:
    assert opt(f"ST{hidden}OP", carrier=True) is Opt.OUT
    assert opt(f"{hidden}por favor, no más{hidden} mens{hidden}ajes", carrier=False) is Opt.OUT
    assert opt(f"don{hidden}'t stop", carrier=True) is None


def test_white_space_and_signs_without_end_change_nothing() -> None:
    assert opt("stop" + " " * 100_000, carrier=False) is Opt.OUT
    assert opt("stop" + "!" * 300, carrier=False) is Opt.OUT
    assert opt("stop" + "!" * 100_000, carrier=False) is None


@given(st.text(), st.booleans())
def test_no_text_can_break_it(text: str, carrier: bool) -> None:
    opt(text, carrier=carrier)


@given(
    st.sampled_from(["stop", "unsubscribe", "stopall", "baja", "no más", "stop texting me"]),
    st.text(alphabet=" .!,;:?¡¿-–…\n\t_*", max_size=10),
    st.text(alphabet=" .!,;:?¡¿-–…\n\t_*", max_size=10),
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
)
def test_case_and_signs_around_a_request_do_not_matter(core, before, after, case) -> None:
    assert opt(before + case(core) + after, carrier=False) is Opt.OUT


WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@given(st.sampled_from([*STOPS, *NOT_STOPS]), st.text(alphabet=" .!,;:?-\n\t_*", max_size=10))
def test_wide_signs_mean_what_plain_ones_mean(text: str, behind: str) -> None:
    plain = text.replace("'", "") + behind
    assert opt(plain.translate(WIDE), carrier=False) is opt(plain, carrier=False)

"""What a model answers is sent only where it says what it was given, and nothing else."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.voice.test_claims import CAUSE, EMAIL, LIMITS, NOW, SARAH, SMS, SPEAKER, TELEGRAM, made_up

from omnibot.model import (
    BusinessHours,
    Choice,
    Link,
    Move,
    MoveKind,
    Paragraph,
    Plan,
    Preferences,
    Reading,
    Register,
    Situation,
    Steps,
    plain,
)
from omnibot.understanding import Understanding
from omnibot.voice.grounds import LANGUAGES, Ground, groundless
from omnibot.voice.phrasing import Wording, masked, wording

_UNDERSTANDING = Understanding(("en", "es", "de", "fr"))


def read(text: str) -> Reading:
    return _UNDERSTANDING.read(text, Situation(now=NOW, zone=NOW.tzinfo, hours=BusinessHours()))


def asked(made: Plan, said: str = "", snapshot=SARAH) -> Wording | None:
    return wording(made, snapshot, LIMITS, SPEAKER, 0, at=NOW, said=said, read=read)


def brief_of(made: Plan, said: str = "") -> dict:
    one = asked(made, said)
    assert one is not None
    return json.loads(one.brief)


BILL = {
    "en": "The likely reason is your move to {plan} {date, on}: in that month both plans can appear in part.",
    "es": "Lo más probable es tu cambio a {plan} {date, on}: ese mes pueden aparecer partes de los dos planes.",
    "de": "Wahrscheinlich liegt es an deinem Wechsel zu {plan} {date, on}: In dem Monat können beide Tarife anteilig "
    "auf der Rechnung stehen.",
    "fr": "La raison la plus probable est ton passage à {plan} {date, on} : ce mois-là, les deux formules peuvent "
    "apparaître en partie.",
}
EXPORT = {
    "language": "en",
    "title": "Export your data",
    "short": "You can export everything as CSV. The export does not include deleted projects.",
    "detailed": "You can export everything as CSV. The export does not include deleted projects.",
    "steps": "Open Settings.\nChoose Export.",
    "link.1.label": "More about exports",
    "link.1.url": "https://example.com/export",
}


def bill(language: str = "en", register: Register = Register.CASUAL, to=TELEGRAM, **more) -> Plan:
    cause = replace(CAUSE, said={register: BILL[language]}, facts={"plan": "Pro", "date": NOW - timedelta(days=17)})
    more.setdefault("preferences", Preferences(register=register))
    moves = (Move(kind=MoveKind.GREET, topic="opening"), cause)
    return Plan(moves=moves, to=to, name="Sarah", language=language, zone=NOW.tzinfo, **more)


def export(*more: Move, to=TELEGRAM) -> Plan:
    answer = Move(kind=MoveKind.ANSWER, topic="export-data", facts=EXPORT)
    return Plan(moves=(answer, *more), to=to, language="en", zone=NOW.tzinfo)


def doubts(made: Plan, answer: str) -> set[str]:
    one = asked(made)
    assert one is not None
    return {doubt.kind for doubt in one.judge(answer).doubts}


# --- what goes out ---


def test_the_brief_has_the_reply_the_style_and_the_facts() -> None:
    brief = brief_of(bill("de", Register.FORMAL), "Warum ist die Rechnung höher?")
    assert brief["language"] == "German"
    assert brief["style"] == {"register": "formal", "manner": "friendly", "address_them_as": "Sie"}
    assert brief["facts"] == [{"does": "cause", "about": "bill-changed.upgrade", "plan": "Pro", "date": "15. Februar"}]
    assert brief["reply"].startswith("Wahrscheinlich liegt es")
    assert brief["customer_wrote"] == "Warum ist die Rechnung höher?"


def test_the_brief_has_neither_their_name_nor_an_address() -> None:
    one = asked(bill(to=EMAIL), "I am Sarah Miller, sarah@example.org, +1 555 0100 22")
    assert one is not None
    assert "sarah@example.org" not in one.brief
    assert "0100" not in one.brief
    assert "Sarah" not in json.loads(one.brief)["reply"]


def test_what_would_name_an_address_is_left_to_the_voice_pack() -> None:
    told = replace(
        bill().moves[1], said={Register.CASUAL: "We wrote to sarah@example.org about your move to {plan} {date, on}."}
    )
    assert asked(replace(bill(), moves=(told,))) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://evil.example/x?y=1 now", "see … now"),
        ("my card 4111 1111 1111 1111 fails", "my card … fails"),
        ("my password is hunter2, help", "my … help"),
        ("mein Passwort lautet Geheim!1", "mein …"),
        ("key sk4f9Az88QpLm02Xb here", "key … here"),
        ("reset my password please", "reset my password please"),
        ("it costs 390 euros", "it costs 390 euros"),
    ],
)
def test_what_they_wrote_gives_nothing_away(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_what_they_wrote_is_cut() -> None:
    assert len(brief_of(bill(), "word " * 10_000)["customer_wrote"]) == 600


def test_steps_and_links_stay_as_they_are() -> None:
    brief = brief_of(export())
    assert brief["reply"].endswith("\n\n[[1]]")
    assert (
        brief["blocks"]["1"] == "1. Open Settings.\n2. Choose Export.\n\nMore about exports: https://example.com/export"
    )


@pytest.mark.parametrize(
    "made",
    [
        Plan(moves=(Move(kind=MoveKind.GREET, topic="hello"),), to=TELEGRAM),
        replace(export(), to=None),
        replace(export(), confirms_stop=True),
        export(Move(kind=MoveKind.CONFIRM, topic="length_short")),
        replace(export(), language="es"),
        replace(export(), language="nl"),
        Plan(moves=(replace(CAUSE, said={Register.CASUAL: "Because of {plan}."}),), to=TELEGRAM),
    ],
    ids=["small talk", "nowhere", "stop", "confirmed", "in another language", "no words for it", "short"],
)
def test_some_replies_are_left_to_the_voice_pack(made: Plan) -> None:
    assert asked(made) is None


# --- what comes back ---

GOOD = {
    "en": "Most likely it is your move to Pro on 15 February: both plans can appear in part in that month.",
    "es": "Lo más probable es que sea tu cambio a Pro el 15 de febrero: ese mes pueden aparecer partes de "
    "los dos planes.",
    "de": "Am wahrscheinlichsten ist dein Wechsel zu Pro am 15. Februar: In dem Monat können anteilig beide Tarife auf "
    "der Rechnung stehen.",
    "fr": "Le plus probable, c'est ton passage à Pro le 15 février : ce mois-là, les deux formules peuvent apparaître "
    "en partie.",
}
LIES = {
    "en": {
        "number": "You pay 59 more.",
        "date": "It changed on 3 May.",
        "weekday": "It appears in part on Monday.",
        "name": "Your plan was changed by Gary Smith.",
        "name first": "Gary can see both plans.",
        "link": "Your plans: https://evil.example/pay.",
        "refund": "We refund this month of your plan.",
        "words": "Both plans appear for two months.",
        "call": "We call you about your plans.",
        "free": "Your plan is free in that month.",
        "password": "Reply with the password of your plan.",
        "own": "Our competitors are cheaper and nicer anyway.",
        "done": "I have moved your plan back in part.",
        "question": "Shall both plans appear in part?",
        "turned": "Both plans cannot appear in part in that month.",
        "markup": "**Both plans** appear in part.",
        "sign": "Both plans can appear 🎉",
    },
    "es": {
        "number": "Pagas 59 más.",
        "date": "Tu plan cambió el 3 de mayo.",
        "name": "Los planes los lleva Gary Smith.",
        "refund": "Te devolvemos ese mes.",
        "promise": "Te garantizamos los dos planes ese mes.",
        "words": "Los dos planes aparecen tres meses.",
        "form": "Usted puede ver los dos planes ese mes.",
        "turned": "Ese mes no pueden aparecer partes de los dos planes.",
    },
    "de": {
        "number": "Du zahlst 59 mehr.",
        "date": "Dein Wechsel war am 3. Mai.",
        "name": "Beide Tarife kennt Gary gut.",
        "refund": "Wir erstatten den Monat.",
        "promise": "Wir versprechen dir beide Tarife.",
        "words": "Beide Tarife stehen drei Wochen auf der Rechnung.",
        "form": "Auf der Rechnung sehen Sie beide Tarife.",
        "turned": "In dem Monat können nicht beide Tarife anteilig auf der Rechnung stehen.",
    },
    "fr": {
        "number": "Tu paies 59 de plus.",
        "date": "Le passage était le 3 mai.",
        "name": "Les formules sont celles de Gary Smith.",
        "refund": "Nous remboursons ce mois-là.",
        "promise": "Les deux formules sont garanties ce mois-là.",
        "words": "Les deux formules apparaissent trois semaines.",
        "form": "Vous voyez les deux formules en partie.",
        "turned": "Ce mois-là, les deux formules ne peuvent pas apparaître en partie.",
    },
}


@pytest.mark.parametrize("language", sorted(GOOD))
def test_the_same_in_other_words_is_sent(language: str) -> None:
    one = asked(bill(language))
    assert one is not None
    judged = one.judge(GOOD[language])
    assert judged.doubts == ()
    [draft] = judged.drafts
    assert GOOD[language] in plain(draft.parts)
    assert "Sarah" in plain(draft.parts)  # the greeting is not the model's


@pytest.mark.parametrize(("language", "lie"), [(code, lie) for code, lies in LIES.items() for lie in lies])
def test_a_lie_is_not_sent(language: str, lie: str) -> None:
    assert doubts(bill(language), GOOD[language]) == set()
    assert doubts(bill(language), f"{GOOD[language]} {LIES[language][lie]}")


@pytest.mark.parametrize(("language", "other"), [(a, b) for a in GOOD for b in GOOD if a != b])
def test_another_language_is_not_sent(language: str, other: str) -> None:
    assert doubts(bill(language), GOOD[other])


@pytest.mark.parametrize("language", sorted(GOOD))
def test_three_times_as_long_is_not_sent(language: str) -> None:
    assert doubts(bill(language), " ".join([GOOD[language]] * 3)) == {"length"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("", "empty"),
        ("Pro.", "length"),
        ("Most likely it is your move to Pro: both plans can appear in part in that month.", "left out"),
        ("\ufffd\ufffd" * 40, "markup"),
        (GOOD["en"].replace("both plans", "both plans [[1]]"), "blocks"),
        ("yo dude, it's prob ur move to Pro on 15 February lol, both plans can appear in part in that month!!", "tone"),
    ],
)
def test_what_is_not_a_reply_is_not_sent(answer: str, kind: str) -> None:
    assert kind in doubts(bill(), answer)


def test_a_text_message_gets_no_longer() -> None:
    one = asked(bill(to=SMS))
    assert one is not None
    assert one.longest == len(one.ground.text)


def test_blocks_are_put_back_where_they_were() -> None:
    help_offer = Move(kind=MoveKind.NEXT, topic="offer", said={Register.CASUAL: "Tell me if the export fails."})
    choice = Move(
        kind=MoveKind.ASK, topic="which", said={Register.CASUAL: "Which one is it?"}, facts={"choice.a": "Billing"}
    )
    one = asked(export(help_offer, choice))
    assert one is not None
    judged = one.judge(
        "Everything can be exported as CSV. Deleted projects are not included in the export.\n\n[[1]]\n\n"
        "If the export fails, tell me.\n\nWhich one is it?"
    )
    assert judged.doubts == ()
    [draft] = judged.drafts
    kinds = [type(part) for part in draft.parts]
    assert kinds == [Paragraph, Steps, Link, Paragraph, Paragraph, Choice]
    assert [choice.label for choice in draft.choices] == ["Billing"]


def test_what_is_denied_stays_denied() -> None:
    answer = "Everything can be exported as CSV. Deleted projects are included in the export.\n\n[[1]]"
    assert "turned" in doubts(export(), answer)


def test_a_question_that_was_asked_is_asked() -> None:
    ask = Move(kind=MoveKind.ASK, topic="plan", said={Register.CASUAL: "Which plan did you have in that month?"})
    made = replace(bill(), moves=(*bill().moves, ask))
    assert doubts(made, f"{GOOD['en']} In that month you had which plan.") >= {"left out"}
    assert doubts(made, f"{GOOD['en']}\n\nIn that month, which plan did you have?") == set()


def test_there_are_words_to_judge_each_language_by() -> None:
    for language in LANGUAGES:
        assert groundless("", Ground(language, Register.CASUAL, "")) == []


# --- whatever the plan ---

ANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@ANY
@example(725)  # of several lines, on a channel where each sign costs
@given(st.integers(0, 10**6))
def test_the_pack_s_own_words_are_never_doubted(seed: int) -> None:
    one = asked(made_up(random.Random(seed)))
    if one is not None and one.longest >= len(one.ground.text):
        judged = one.judge(json.loads(one.brief)["reply"])
        assert judged.doubts == ()
        assert judged.drafts


SLIPPED = {
    "en": [
        "Gary Smith knows.",
        "We refund you 10 %.",
        "You get it within three weeks.",
        "Pay at https://evil.example.",
    ],
    "es": ["Lo sabe Gary Smith.", "Te reembolsamos.", "Lo tendrás en tres semanas.", "Paga en https://evil.example."],
    "de": ["Gary Smith weiß das.", "Wir erstatten alles.", "Das dauert drei Wochen.", "Zahl auf https://evil.example."],
    "fr": ["Gary Smith le sait.", "Nous remboursons.", "Cela prend trois semaines.", "Payez sur https://evil.example."],
}


@ANY
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_what_is_slipped_into_any_reply_is_found_out(seed: int, which: int) -> None:
    made = made_up(random.Random(seed))
    one = asked(made)
    if one is None:
        return
    roomy = replace(one, longest=10_000)
    reply = json.loads(one.brief)["reply"]
    assert roomy.judge(f"{reply}\n\n{SLIPPED[made.language][which]}").doubts
    number = random.Random(seed).randint(10_000, 99_999)
    assert roomy.judge(f"{reply} {number}").doubts
    assert one.judge("\n\n".join([reply] * 3)).doubts


@ANY
@given(st.integers(0, 10**6), st.text(max_size=400))
def test_no_text_whatever_breaks_the_judge(seed: int, text: str) -> None:
    one = asked(made_up(random.Random(seed)))
    if one is not None:
        one.judge(text)
        masked(text)

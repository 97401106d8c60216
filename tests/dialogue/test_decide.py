"""What one turn does: answers, confirms, hands off or keeps silent; where to, and why."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.costs import assert_cost, assert_linear

from omnibot.dialogue import Company, Knowledge, decide
from omnibot.model import (
    Address,
    AddressId,
    Change,
    Choice,
    CustomerId,
    Direction,
    KnownAddress,
    Length,
    MessageId,
    MoveKind,
    Plan,
    Preferences,
    Proof,
    Reading,
    Recollection,
    Register,
    Signal,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANNELS = {"telegram", "email"}
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.SEEN, account="main")
EMAIL = KnownAddress(id=AddressId(2), address=Address("email", "sarah@example.org"), proof=Proof.PROVEN, account="main")
ENGLISH = Reading(
    language=Signal("en", 0.99),
    sentiment=Signal(0.0, 0.0, known=False),
    urgency=Signal(Urgency.NORMAL, 0.0, known=False),
)
SPANISH = replace(ENGLISH, language=Signal("es", 0.99))
UNSURE = replace(ENGLISH, language=Signal("en", 0.0, known=False))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load(Path(__file__).parents[2] / "config" / "knowledge")


def sarah(*addresses: KnownAddress, **preferences: object) -> Snapshot:
    return Snapshot(
        customer=CustomerId(1),
        addresses=addresses or (TELEGRAM, EMAIL),
        name="Sarah Miller",
        preferences=Preferences(**preferences),  # type: ignore[arg-type]
        trusted=frozenset(address.id for address in addresses or (TELEGRAM, EMAIL)),
    )


def written(*texts: str, on: KnownAddress = TELEGRAM, **fields: object) -> list[TurnMessage]:
    return [
        TurnMessage(
            id=MessageId(100 + number),
            address=on.id,
            at=NOON + timedelta(seconds=number),
            text=text,
            **fields,  # type: ignore[arg-type]
        )
        for number, text in enumerate(texts)
    ]


def ago(minutes: int, text: str, direction: Direction = Direction.OUT, number: int = 1) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(number),
        customer=CustomerId(1),
        address=TELEGRAM.address,
        direction=direction,
        at=NOON - timedelta(minutes=minutes),
        text=text,
    )


DISCLOSED = ("disclose", "machine")  # on a channel on which nothing was said yet
MET = Recollection(recent=(ago(5, "You're welcome."),))


class Desk:
    """Decides about texts with everything else as usual."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def __call__(
        self,
        *texts: str,
        snapshot: Snapshot | None = None,
        reading: Reading = ENGLISH,
        met: Recollection = MET,
        on: KnownAddress = TELEGRAM,
        **fields: object,
    ) -> Plan:
        messages = written(*texts, on=on, **fields)
        return decide(snapshot or sarah(), reading, met, messages, Company(self.knowledge), CHANNELS)


@pytest.fixture(scope="module")
def plan(knowledge: Knowledge) -> Desk:
    desk = Desk(knowledge)
    desk("hello")  # compiles the phrases, which the first turn of a server pays for
    return desk


def said(plan: Plan) -> list[tuple[str, str]]:
    return [(move.kind.value, move.topic) for move in plan.moves]


def facts(plan: Plan, topic: str) -> Mapping[str, str]:
    return next(move.facts for move in plan.moves if move.topic == topic)


# --- questions ---


def test_a_question_is_answered_with_the_articles_own_words(plan: Desk, knowledge: Knowledge) -> None:
    answered = plan("How do I reset my password?")
    article = knowledge.article("reset-password", "en")
    assert article is not None
    assert said(answered) == [("answer", "reset-password")]
    told = facts(answered, "reset-password")
    assert (told["short"], told["detailed"]) == (article.short, article.detailed)
    assert told["steps"].split("\n") == list(article.steps)
    assert told["link.1.url"] == "https://app.example.com/reset"
    assert "password" in answered.moves[0].why
    assert answered.handoff == ""


def test_several_questions_of_a_burst_are_answered_once_each(plan: Desk) -> None:
    burst = plan("forgot my password", "and what are the api rate limits?", "I forgot my password!!")
    assert said(burst) == [("answer", "reset-password"), ("answer", "api-limits")]


def test_two_questions_in_one_sentence_are_two(plan: Desk) -> None:
    assert said(plan("How do I cancel and how do I export my data?")) == [
        ("answer", "cancel"),
        ("answer", "export-data"),
    ]


def test_two_questions_that_are_numbered_in_one_line_are_two(plan: Desk) -> None:
    both = plan("two things 1) how can I reset my password 2) how do I export my data?")
    assert said(both) == [("answer", "reset-password"), ("answer", "export-data")]
    assert said(plan("how do I export my data (by 2 pm)?")) == [("answer", "export-data")]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Kannst du mir sagen, wo ich meine Rechnung finde?", "de"),
        ("Können Sie mir sagen, wo ich meine Rechnung finde?", "de"),
        ("¿Podrías decirme, dónde encuentro mis facturas?", "es"),
        ("Pouvez-vous me dire, où je trouve mes factures ?", "fr"),
        ("Can you tell me, where I find my invoices?", "en"),
    ],
)
def test_who_asks_to_be_told_asks_once(plan: Desk, text: str, language: str) -> None:
    asked = plan(text, reading=replace(ENGLISH, language=Signal(language, 0.99)))
    assert said(asked) == [("answer", "invoices")]


def test_a_clause_that_tells_more_of_a_question_is_none_of_its_own(plan: Desk) -> None:
    german = replace(ENGLISH, language=Signal("de", 0.99))
    asked = plan("Kann ich die E-Mail-Adresse ändern, mit der ich mich einlogge?", reading=german)
    assert said(asked) == [("answer", "change-email")]


def test_who_asks_the_same_once_more_asks_nothing_besides(plan: Desk) -> None:
    assert said(plan("Why is my bill higher than usual? Did something change?")) == [("answer", "bill-changed")]
    besides = plan("Why is my bill higher than usual? Is there a discount for schools?")
    assert said(besides) == [("answer", "bill-changed"), ("handoff", "rest")]


def test_one_question_cut_into_several_messages_is_one(plan: Desk) -> None:
    assert said(plan("why is", "my bill", "so much higher")) == [("answer", "bill-changed")]
    assert said(plan("when will a person", "answer?")) == [("answer", "opening-hours")]


@pytest.mark.parametrize("text", ["do you ship to Mars?", "call me", "call me back tomorrow", "nothing works"])
def test_an_unknown_question_goes_to_people(plan: Desk, text: str) -> None:
    handed = plan(text)
    assert said(handed) == [("handoff", "unknown")]
    assert handed.handoff == "no approved answer"


def test_a_question_that_is_only_half_known_is_answered_by_half(plan: Desk) -> None:
    half = plan("How do I export my data? And do you ship to Mars?")
    assert said(half) == [("answer", "export-data"), ("handoff", "rest")]


def test_context_around_a_question_is_not_a_second_one(plan: Desk) -> None:
    letter = plan("Hello,\nwe had a busy week at the fair. How do I export my data?\nBest regards,\nSarah Miller")
    assert said(letter) == [("greet", "opening"), ("answer", "export-data")]


def test_an_answer_that_was_just_given_is_not_given_again(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("reset-password", "en")
    assert article is not None
    told = Recollection(
        recent=(ago(6, "How do I reset my password?", Direction.IN, 1), ago(5, f"Hi Sarah. {article.short}", number=2))
    )
    again = plan("How do I reset my password?", met=told)
    assert said(again) == [("handoff", "repeat")]
    assert "“Reset your password”" in again.handoff


@pytest.mark.parametrize("depth", ["short", "detailed", "technical"])
def test_an_answer_is_known_again_at_whatever_depth_it_was_given(plan: Desk, knowledge: Knowledge, depth: str) -> None:
    article = knowledge.article("api-timeout", "en")
    assert article is not None
    told = Recollection(recent=(ago(5, f"{getattr(article, depth)}\n\n1. Ask for less."),))
    assert said(plan("Why do I get a 504 from the API?", met=told)) == [("handoff", "repeat")]


def test_who_thanks_and_asks_further_is_not_told_that_the_answer_did_not_help(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("cancel", "en")
    assert article is not None
    told = Recollection(recent=(ago(5, article.short),))
    further = plan("Great, thanks a lot! One more: can I cancel for this month?", met=told)
    assert said(further) == [("handoff", "unknown")]
    assert "“Cancel your subscription”" in further.handoff
    in_vain = plan("Thanks, but that did not help. How do I cancel my subscription?", met=told)
    assert said(in_vain) == [("handoff", "repeat")]


def test_an_answer_of_another_day_may_be_given_again(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("reset-password", "en")
    assert article is not None
    told = Recollection(recent=(ago(60 * 25, article.detailed),))
    assert ("answer", "reset-password") in said(plan("How do I reset my password?", met=told))


def test_an_answer_before_their_last_message_may_be_given_again(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("cancel", "en")
    assert article is not None
    told = Recollection(recent=(ago(9, article.short, number=1), ago(5, "thanks", Direction.IN, 2)))
    assert said(plan("how do I cancel my plan", met=told)) == [("answer", "cancel")]


def test_a_pressed_choice_is_answered(plan: Desk) -> None:
    assert said(plan("", pressed="article:cancel")) == [("answer", "cancel")]
    assert said(plan("", pressed="article:gone")) == [("handoff", "unknown")]


# --- people ---


def test_a_person_is_called_when_asked_for(plan: Desk) -> None:
    handed = plan("I want to talk to a human about my bill")
    assert said(handed) == [("handoff", "person")]
    assert handed.handoff == "asked for a person"


def test_a_file_alone_is_looked_at_by_people(plan: Desk) -> None:
    assert said(plan("", attachments=1)) == [("handoff", "attachment")]


def test_a_file_with_a_question_gets_both(plan: Desk) -> None:
    assert said(plan("why is my bill higher?", attachments=1)) == [
        ("answer", "bill-changed"),
        ("handoff", "attachment"),
    ]


@pytest.mark.parametrize("text", ["", "???", "🥔", "asdfgh", "asdf jkl asdf", "Qwertz!", "dfgkjh"])
def test_what_cannot_be_understood_goes_to_people(plan: Desk, text: str) -> None:
    assert said(plan(text)) == [("handoff", "unclear")]


def test_a_wave_is_a_greeting_and_an_angry_face_a_complaint(plan: Desk) -> None:
    assert said(plan("👋", met=Recollection())) == [("greet", "first"), ("greet", "hello")]
    assert said(plan("😡😡😡")) == [("handoff", "upset")]
    assert said(plan("👍")) == []


@pytest.mark.parametrize("text", ["property?", "VPN", "https", "Kazakhstan", "were"])
def test_a_word_that_nobody_here_knows_is_a_question_all_the_same(plan: Desk, text: str) -> None:
    assert said(plan(text)) == [("handoff", "unknown")]


def test_something_critical_goes_to_people_even_when_there_is_an_answer(plan: Desk) -> None:
    critical = replace(ENGLISH, urgency=Signal(Urgency.CRITICAL, 0.9, ("hacked",)))
    handed = plan("I was hacked, how do I reset my password?", reading=critical)
    assert said(handed) == [("handoff", "urgent"), ("answer", "reset-password")]
    assert "hacked" in handed.handoff


def test_urgency_and_anger_change_how_people_are_called(plan: Desk) -> None:
    urgent = replace(ENGLISH, urgency=Signal(Urgency.HIGH, 0.9, ("asap",)))
    angry = replace(ENGLISH, sentiment=Signal(-0.8, 0.9, ("awful",)))
    assert said(plan("fix the calendar asap", reading=urgent)) == [("handoff", "urgent")]
    assert "asap" in plan("fix the calendar asap", reading=urgent).handoff
    assert said(plan("the calendar is awful", reading=angry)) == [("handoff", "upset")]


def test_who_speaks_of_fraud_or_the_law_gets_a_person_and_no_articles(plan: Desk) -> None:
    handed = plan(
        "You double charged me AGAIN. This is fraud, I will sue you and go to the press. "
        "Cancel everything immediately and refund me."
    )
    assert said(handed) == [("handoff", "serious")]
    assert "fraud" in handed.handoff
    assert said(plan("Es una estafa, ¿cómo cancelo mi plan?", reading=SPANISH)) == [("handoff", "serious")]


def test_an_upset_or_urgent_customer_gets_a_person_before_what_may_help_meanwhile(plan: Desk) -> None:
    urgent = replace(ENGLISH, urgency=Signal(Urgency.HIGH, 0.9, ("asap",)))
    angry = replace(ENGLISH, sentiment=Signal(-0.8, 0.9, ("awful",)))
    answer = ("answer", "reset-password")
    assert said(plan("How do I reset my password asap?", reading=urgent)) == [("handoff", "urgent"), answer]
    assert said(plan("How do I reset my password?", reading=angry)) == [("handoff", "upset"), answer]
    assert said(plan("I'm fed up. How do I reset my password?")) == [("handoff", "upset"), answer]


def test_a_word_of_trouble_is_no_anger(plan: Desk) -> None:
    trouble = replace(ENGLISH, sentiment=Signal(-0.4019, 0.5, ("problem",)))
    assert said(plan("problem with my password: how do I reset it?", reading=trouble)) == [("answer", "reset-password")]


def test_small_talk_in_haste_needs_nobody(plan: Desk) -> None:
    urgent = replace(ENGLISH, urgency=Signal(Urgency.HIGH, 0.9, ("hurry",)))
    assert said(plan("thanks a lot", reading=urgent)) == [("close", "thanks")]


def test_who_asks_us_to_act_is_told_that_they_must(plan: Desk) -> None:
    assert said(plan("Can you cancel my subscription for me?")) == [("confirm", "not_myself"), ("answer", "cancel")]
    assert said(plan("Can you raise our API limit?")) == [("answer", "api-limits")]


def test_what_did_not_help_goes_to_people(plan: Desk) -> None:
    handed = plan("That did not help, I still don't find the export button.")
    assert said(handed) == [("handoff", "repeat")]
    unheard = Recollection(recent=(ago(5, "Hello", Direction.IN),))
    assert said(plan("it still does not work", met=unheard))[-1] == ("handoff", "unknown")


def test_a_command_that_we_do_not_know_asks_what_there_is(plan: Desk) -> None:
    assert said(plan("/foo")) == [("greet", "help")]
    assert said(plan("/cancel")) == [("answer", "cancel")]


def test_a_joke_is_declined_without_calling_anybody(plan: Desk) -> None:
    light = plan("tell me a joke")
    assert (said(light), light.handoff) == ([("greet", "light")], "")
    assert said(plan("tell me a joke", met=Recollection())) == [("greet", "first"), ("greet", "light")]


def test_an_unknown_mood_changes_nothing(plan: Desk) -> None:
    guessed = replace(ENGLISH, sentiment=Signal(-0.8, 0.2, known=False))
    assert said(plan("the calendar is awful", reading=guessed)) == [("handoff", "unknown")]


# --- silence ---


def test_a_machine_gets_no_answer(plan: Desk) -> None:
    silent = plan("I am out of the office", automatic="auto-reply")
    assert (silent.moves, silent.to) == ((), None)
    assert silent.why == "not to be answered: auto-reply"


def test_what_only_staff_may_see_goes_to_them_in_silence(plan: Desk) -> None:
    silent = plan("Your code is 123456", flags=("staff_only",))
    assert (silent.moves, silent.to) == ((), None)
    assert silent.handoff == "a message that only staff may see"


def test_the_rest_of_a_burst_is_answered(knowledge: Knowledge) -> None:
    messages = [
        *written("I am out of the office", automatic="auto-reply"),
        *written("Your code is 123456", flags=("staff_only",)),
        *written("how do I export my data?"),
    ]
    answered = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert said(answered) == [("answer", "export-data")]
    assert answered.handoff == "a message that only staff may see"


@pytest.mark.parametrize("text", ["ok", "👍", "got it", "vale"])
def test_a_nod_after_our_answer_wants_none(plan: Desk, text: str) -> None:
    silent = plan(text)
    assert (silent.moves, silent.to) == ((), None)
    assert silent.why


def test_a_nod_out_of_the_blue_is_a_hello(plan: Desk) -> None:
    assert ("greet", "hello") in said(plan("ok", met=Recollection()))


# --- stop and start ---


def test_stop_is_confirmed_once(plan: Desk) -> None:
    confirmed = plan("STOP", flags=("stop",))
    assert said(confirmed) == [("confirm", "stopped")]
    assert (confirmed.to, confirmed.confirms_stop, confirmed.handoff) == (STOPPED, True, "")
    again = plan("STOP", flags=("stop", "already"))
    assert (again.moves, again.confirms_stop, again.handoff) == ((), False, "")
    assert again.why == "STOP again: it was confirmed before"


@pytest.mark.parametrize(
    "flags", [("network", "stop"), ("network", "start"), ("network", "start", "already"), ("network",)]
)
def test_what_its_network_has_answered_gets_no_answer_of_ours(plan: Desk, flags: tuple[str, ...]) -> None:
    silent = plan("ARRET", flags=flags)
    assert (silent.moves, silent.to, silent.handoff, silent.confirms_stop) == ((), None, "", False)
    assert silent.why == "its network has answered this word"


def test_what_follows_a_stop_that_the_network_has_obeyed_is_left_to_people(knowledge: Knowledge) -> None:
    messages = [*written("STOP", flags=("network", "stop")), *written("how do I export my data?")]
    silent = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert (silent.moves, silent.to) == ((), None)
    assert silent.handoff == "wrote after STOP"


@pytest.mark.parametrize(
    ("stopped_by", "confirmed"),
    [(("network", "stop"), []), (("stop",), [("greet", "opening"), ("confirm", "started")])],
)
def test_a_start_that_the_network_takes_is_confirmed_where_the_stop_was_ours(
    plan: Desk, stopped_by: tuple[str, ...], confirmed: list[tuple[str, str]]
) -> None:
    stop = replace(ago(20, "STOPP", Direction.IN, number=2), flags=stopped_by)
    elsewhere = replace(stop, address=EMAIL.address, flags=("stop",))
    met = Recollection(recent=(ago(60, "You're welcome."), replace(stop, flags=("stop",)), elsewhere, stop))
    assert said(plan("START", flags=("network", "start"), met=met)) == confirmed


def test_a_start_in_one_breath_with_a_stop_that_was_ours_is_confirmed(knowledge: Knowledge) -> None:
    messages = [*written("STOPP", flags=("stop",)), *written("START", flags=("network", "start"))]
    again = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert ("confirm", "started") in said(again)


def test_what_follows_a_start_that_the_network_has_obeyed_is_answered(knowledge: Knowledge) -> None:
    messages = [*written("START", flags=("network", "start")), *written("how do I export my data?")]
    answered = decide(sarah(STOPPED), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert said(answered) == [("answer", "export-data")]


def test_the_word_for_help_is_answered_with_who_we_are_beside_what_else_was_asked(
    plan: Desk, knowledge: Knowledge
) -> None:
    assert said(plan("HELP", flags=("help",))) == [("confirm", "reach")]
    first = plan("HELP", flags=("help",), met=Recollection())
    assert said(first) == [("greet", "first"), ("confirm", "reach")]
    messages = [*written("HELP", flags=("help",)), *written("how do I export my data?")]
    both = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert said(both) == [("confirm", "reach"), ("answer", "export-data")]


def test_what_was_written_besides_stop_goes_to_people(knowledge: Knowledge) -> None:
    messages = [*written("you charged me twice"), *written("STOP", flags=("stop",))]
    stopped = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert said(stopped) == [("confirm", "stopped")]
    assert stopped.handoff == "wrote something else besides STOP"


def test_stop_from_an_address_that_is_gone_is_silent(plan: Desk) -> None:
    assert plan("STOP", flags=("stop",), snapshot=sarah(EMAIL)).moves == ()


def ordered(*orders: str, on: KnownAddress = TELEGRAM) -> list[TurnMessage]:
    """STOP and START as the store flags them: "stop", "start", "stop already", …"""
    words = [order.split() for order in orders]
    messages = written(*(flags[0] for flags in words), on=on)
    return [replace(message, flags=tuple(flags)) for message, flags in zip(messages, words, strict=True)]


@pytest.mark.parametrize(
    ("orders", "confirmed"),
    [
        (["stop", "stop"], "stopped"),
        (["stop", "stop already"], "stopped"),
        (["stop already", "stop already"], ""),
        (["stop", "start already"], "started"),  # judged before the STOP beside it was committed
        (["stop", "start"], "started"),
        (["start", "stop already"], "stopped"),
        (["start already", "stop"], "stopped"),
        (["stop already", "start", "stop"], "stopped"),
        (["start", "start"], "started"),
        (["start already", "start already"], ""),
    ],
)
def test_of_several_orders_the_last_decides(knowledge: Knowledge, orders: list[str], confirmed: str) -> None:
    decided = decide(sarah(), ENGLISH, MET, ordered(*orders), Company(knowledge), CHANNELS)
    assert [topic for kind, topic in said(decided) if kind == "confirm"] == ([confirmed] if confirmed else [])
    assert decided.confirms_stop == (confirmed == "stopped")


def test_orders_count_as_they_were_committed(knowledge: Knowledge) -> None:
    stop, start = ordered("stop", "start")
    late = decide(sarah(), ENGLISH, MET, [start, stop], Company(knowledge), CHANNELS)  # the STOP was dated later
    assert said(late)[-1] == ("confirm", "started")


def test_stop_closes_its_own_address_alone(knowledge: Knowledge) -> None:
    question = [replace(m, id=MessageId(200)) for m in written("how do I export my data?", on=EMAIL)]
    first = decide(sarah(), ENGLISH, MET, [*ordered("stop"), *question], Company(knowledge), CHANNELS)
    assert (first.to, first.confirms_stop, first.handoff) == (
        replace(TELEGRAM, stopped=True), True, "wrote something else besides STOP"
    )  # fmt: skip
    again = decide(sarah(), ENGLISH, MET, [*ordered("stop already"), *question], Company(knowledge), CHANNELS)
    assert (said(again), again.to) == ([DISCLOSED, ("answer", "export-data")], EMAIL)


STOPPED = replace(TELEGRAM, stopped=True)


def test_a_question_after_stop_goes_to_people_in_silence(plan: Desk) -> None:
    asked = plan("How do I reset my password?", snapshot=sarah(STOPPED, EMAIL))
    assert (asked.moves, asked.to, asked.pointer) == ((), None, None)
    assert asked.handoff == "wrote after STOP"
    wondering = plan("do you ship to Mars?", snapshot=sarah(STOPPED))
    assert (wondering.moves, wondering.handoff) == ((), "wrote after STOP; no approved answer")


def test_a_question_beside_a_repeated_stop_goes_to_people(knowledge: Knowledge) -> None:
    messages = [*ordered("stop already"), *written("How do I reset my password?")]
    asked = decide(sarah(), ENGLISH, MET, messages, Company(knowledge), CHANNELS)
    assert (asked.moves, asked.to, asked.handoff) == ((), None, "wrote after STOP")


def test_a_question_after_stop_is_answered_where_they_prefer(plan: Desk) -> None:
    answered = plan("How do I reset my password?", snapshot=sarah(STOPPED, EMAIL, channel="email"))
    assert (said(answered), answered.to) == ([DISCLOSED, ("answer", "reset-password")], EMAIL)
    closed = plan("How do I reset my password?", snapshot=sarah(STOPPED, replace(EMAIL, stopped=True), channel="email"))
    assert (closed.moves, closed.to, closed.handoff) == ((), None, "wrote after STOP")


def test_thanks_for_a_stop_need_nobody(plan: Desk) -> None:
    thanked = plan("thank you", snapshot=sarah(STOPPED))
    assert (thanked.moves, thanked.to, thanked.handoff) == ((), None, "")
    assert plan("hello", snapshot=sarah(STOPPED)).handoff == "wrote after STOP"


def test_a_wish_after_stop_is_learned_in_silence(plan: Desk) -> None:
    wished = plan("please answer me by email", snapshot=sarah(STOPPED, EMAIL))
    assert (wished.moves, wished.handoff) == ((), "wrote after STOP")
    assert [(change.key, change.value) for change in wished.changes] == [("preference.channel", "email")]


def test_start_is_confirmed_when_it_changes_something(plan: Desk) -> None:
    assert said(plan("START", flags=("start",))) == [("greet", "opening"), ("confirm", "started")]
    assert said(plan("/start", flags=("start", "already"), met=Recollection())) == [
        ("greet", "first"),
        ("greet", "hello"),
    ]


# --- small talk ---


@pytest.mark.parametrize(
    ("text", "move"),
    [
        ("hi", ("greet", "hello")),
        ("how are you?", ("greet", "how_are_you")),
        ("are you a bot?", ("greet", "who_are_you")),
        ("thank you!", ("close", "thanks")),
        ("that worked, thanks", ("close", "solved")),
        ("bye", ("close", "goodbye")),
    ],
)
def test_small_talk_is_answered_in_kind(plan: Desk, text: str, move: tuple[str, str]) -> None:
    assert move in said(plan(text))
    assert plan(text).handoff == ""


def test_small_talk_beside_a_question_is_not_answered(plan: Desk) -> None:
    assert said(plan("Thanks! How do I export my data?")) == [("answer", "export-data")]


def test_help_offers_what_there_are_articles_about(plan: Desk, knowledge: Knowledge) -> None:
    offered = facts(plan("what can you do?"), "help")
    assert 1 < len(offered) <= 5
    for choice, title in offered.items():
        article = knowledge.article(choice.removeprefix("choice.article:"), "en")
        assert article is not None
        assert article.title == title


def test_a_spanish_hello_too_short_to_be_read_is_answered_in_spanish(plan: Desk) -> None:
    assert plan("hola", reading=UNSURE).language == "es"
    assert plan("gracias", reading=ENGLISH).language == "es"


# --- greetings ---


def test_the_first_contact_is_introduced_and_the_second_is_not(plan: Desk) -> None:
    assert said(plan("how do I export my data?", met=Recollection()))[0] == ("greet", "first")
    assert said(plan("how do I export my data?"))[0] == ("answer", "export-data")


def test_people_are_greeted_again_after_hours(plan: Desk) -> None:
    assert said(plan("how do I export my data?", met=Recollection(recent=(ago(9 * 60, "x"),))))[0] == (
        "greet",
        "opening",
    )
    assert said(plan("how do I export my data?", met=Recollection(recent=(ago(7 * 60, "x"),))))[0][0] == "answer"


def test_who_greets_is_greeted(plan: Desk) -> None:
    assert said(plan("Hi Max, how do I export my data?"))[0] == ("greet", "opening")


# --- wishes ---


def test_answer_me_by_email_is_granted_when_there_is_an_address(plan: Desk) -> None:
    granted = plan("please answer me by email")
    assert said(granted) == [("confirm", "channel_set")]
    assert granted.changes == (Change(key="preference.channel", value="email", source=MessageId(100)),)
    assert granted.preferences.channel == "email"


@pytest.mark.parametrize(
    ("text", "snapshot", "topic"),
    [
        ("answer me by email", sarah(TELEGRAM), "channel_missing"),
        ("answer me by email", sarah(TELEGRAM, replace(EMAIL, stopped=True)), "channel_unusable"),
        ("answer me by email", sarah(TELEGRAM, replace(EMAIL, unreachable=True)), "channel_unusable"),
        ("answer me on Slack", sarah(), "channel_unknown"),
    ],
)
def test_a_channel_that_cannot_be_had_is_refused_honestly(
    plan: Desk, text: str, snapshot: Snapshot, topic: str
) -> None:
    refused = plan(text, snapshot=snapshot)
    assert said(refused) == [("confirm", topic)]
    assert refused.changes == ()
    assert refused.preferences.channel is None
    assert refused.to == TELEGRAM


def test_here_is_the_channel_written_from(plan: Desk) -> None:
    assert plan("answer me here please", snapshot=sarah(channel="email")).preferences.channel == "telegram"


def test_that_a_machine_speaks_is_said_on_each_channel_once(plan: Desk) -> None:
    by_mail = sarah(channel="email")
    assert said(plan("How do I export my data?", snapshot=by_mail)) == [DISCLOSED, ("answer", "export-data")]
    answered = replace(ago(3, "As I wrote."), address=EMAIL.address)
    told = plan("How do I export my data?", snapshot=by_mail, met=Recollection(recent=(*MET.recent, answered)))
    assert said(told) == [("answer", "export-data")]
    # Far behind the latest messages it was said, too.
    long_ago = replace(by_mail, timeline=(answered, *MET.recent))
    assert said(plan("How do I export my data?", snapshot=long_ago)) == [("answer", "export-data")]


def test_a_wish_and_a_question_get_both_and_the_wish_holds_at_once(plan: Desk) -> None:
    both = plan("Please answer me by email, and how do I export my data?")
    assert said(both) == [DISCLOSED, ("confirm", "channel_set"), ("answer", "export-data")]
    assert (both.to, both.pointer) == (EMAIL, TELEGRAM)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("shorter please", "preference.length", "short"),
        ("more detail please", "preference.length", "detailed"),
        ("please be more formal", "preference.register", "formal"),
        ("call me by my first name", "preference.register", "casual"),
        ("in Spanish please", "preference.language", "es"),
        ("call me Sally", "name", "Sally"),
        ("llámame Sally", "name", "Sally"),
        ("háblame de usted", "preference.register", "formal"),
    ],
)
def test_a_wish_is_learned_with_its_source(plan: Desk, text: str, key: str, value: str) -> None:
    learned = plan(text)
    assert learned.changes == (Change(key=key, value=value, source=MessageId(100)),)
    assert [move.kind for move in learned.moves] == [MoveKind.CONFIRM]


def test_learned_wishes_are_the_plans_own(plan: Desk) -> None:
    learned = plan("be brief, speak formally and call me Sally")
    assert learned.preferences == Preferences(length=Length.SHORT, register=Register.FORMAL)
    assert learned.name == "Sally"


def test_the_last_of_contradicting_wishes_holds(plan: Desk) -> None:
    assert plan("shorter please", "no, more detail please").preferences.length is Length.DETAILED


def test_a_language_that_is_not_written_is_refused_honestly(plan: Desk) -> None:
    refused = plan("in Italian please")
    assert said(refused) == [("confirm", "language_missing")]
    assert (refused.changes, refused.language) == ((), "en")


def test_more_detail_right_after_an_answer_is_about_that_answer(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("cancel", "en")
    assert article is not None
    told = Recollection(recent=(ago(5, article.short),))
    assert said(plan("more detail please", met=told)) == [("confirm", "length_detailed"), ("answer", "cancel")]
    assert said(plan("more detail please", met=told, snapshot=sarah(length=Length.DETAILED))) == [
        ("confirm", "length_detailed")
    ]


def test_another_language_right_after_an_answer_is_about_that_answer(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("cancel", "en")
    assert article is not None
    retold = plan("in Spanish please", met=Recollection(recent=(ago(5, article.short),)))
    assert said(retold) == [("confirm", "language_set"), ("answer", "cancel")]
    assert facts(retold, "cancel")["language"] == "es"
    assert retold.language == "es"


# --- language ---


def test_a_stated_language_beats_the_one_written_in(plan: Desk) -> None:
    answered = plan("How do I cancel my plan?", snapshot=sarah(language="es"))
    assert answered.language == "es"
    assert facts(answered, "cancel")["language"] == "es"


def test_an_article_that_is_missing_in_a_language_says_in_which_it_is(tmp_path: Path) -> None:
    folder = shutil.copytree(Path(__file__).parents[2] / "config" / "knowledge", tmp_path / "knowledge")
    for about_the_api in folder.glob("api-*.es.md"):
        about_the_api.unlink()
    answered = Desk(Knowledge.load(folder))("¿Cuáles son los límites de la API?", reading=SPANISH)
    assert (answered.language, facts(answered, "api-limits")["language"]) == ("es", "en")


# --- where to ---


def test_an_answer_goes_to_the_preferred_channel_with_a_pointer(plan: Desk) -> None:
    answered = plan("how do I export my data?", snapshot=sarah(channel="email"))
    assert (answered.to, answered.pointer) == (EMAIL, TELEGRAM)


def test_an_answer_on_the_preferred_channel_needs_no_pointer(plan: Desk) -> None:
    answered = plan("how do I export my data?", snapshot=sarah(channel="email"), on=EMAIL)
    assert (answered.to, answered.pointer) == (EMAIL, None)


@pytest.mark.parametrize(
    "snapshot",
    [
        sarah(TELEGRAM, channel="email"),
        sarah(TELEGRAM, replace(EMAIL, unreachable=True), channel="email"),
        sarah(channel="slack"),
    ],
)
def test_without_the_preferred_address_the_answer_stays(plan: Desk, snapshot: Snapshot) -> None:
    answered = plan("how do I export my data?", snapshot=snapshot)
    assert (answered.to, answered.pointer) == (TELEGRAM, None)


def test_no_pointer_goes_to_an_address_that_said_stop(plan: Desk) -> None:
    answered = plan("how do I export my data?", snapshot=sarah(replace(TELEGRAM, stopped=True), EMAIL, channel="email"))
    assert (answered.to, answered.pointer) == (EMAIL, None)


def test_small_talk_and_confirmations_stay_where_they_were_begun(plan: Desk) -> None:
    for text in ("thanks!", "shorter please"):
        stays = plan(text, snapshot=sarah(channel="email"))
        assert (stays.to, stays.pointer) == (TELEGRAM, None)


def test_a_turn_from_an_address_that_is_gone_goes_to_people(plan: Desk) -> None:
    handed = plan("how do I export my data?", snapshot=sarah(EMAIL))
    assert (handed.moves, handed.to) == ((), None)
    assert handed.handoff


def test_a_turn_is_unsolicited_when_nothing_in_it_answers_us(knowledge: Knowledge) -> None:
    unasked = written("hi there", "how do I export my data?")
    answering = [unasked[0], replace(unasked[1], answers=MessageId(7))]
    assert decide(sarah(), ENGLISH, MET, unasked, Company(knowledge), CHANNELS).unsolicited
    assert not decide(sarah(), ENGLISH, MET, answering, Company(knowledge), CHANNELS).unsolicited


# --- always ---


@given(
    st.lists(st.text(), min_size=1, max_size=3),
    st.sampled_from([ENGLISH, SPANISH, UNSURE]),
    st.integers(0, 1),
    st.lists(st.sampled_from(["stop", "start", "already", "staff_only"]), max_size=2),
)
def test_any_turn_has_a_plan_and_the_same_one_again(knowledge, texts, reading, attachments, flags) -> None:
    messages = written(*texts, attachments=attachments, flags=tuple(flags))
    plans = [decide(sarah(), reading, MET, messages, Company(knowledge), CHANNELS) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plans[0].why
    assert bool(plans[0].moves) == (plans[0].to is not None)


@given(
    st.lists(st.sampled_from(["hi", "password", "cancel and", "by email", "?", "call me", "thanks", "\n"]), max_size=9)
)
def test_what_an_answer_may_say_stands_in_the_knowledge(knowledge, words) -> None:
    decided = decide(sarah(), ENGLISH, MET, written(" ".join(words)), Company(knowledge), CHANNELS)
    for move in decided.moves:
        if move.kind is MoveKind.ANSWER:
            article = knowledge.article(move.topic, "en")
            assert article is not None
            assert move.facts["detailed"] == article.detailed


FLOODS = [
    " " * 3000,
    "a. " * 1000,
    "and " * 900,
    "hi " * 1000,
    "password. " * 300,
    "😡" * 3000,
    "speak to a real " * 200,
    "i will " * 430,
    "can you " * 300,
]
LETTER = "I ordered the blue one last week and your courier has left it in the rain, who pays for that? " * 40


@pytest.mark.parametrize("text", FLOODS)
def test_a_flood_is_decided_as_quickly_as_a_dozen_letters_of_its_length(plan: Desk, text: str) -> None:
    assert_cost(lambda: plan(text), at_most=12, times=lambda: plan(LETTER[: len(text)]))


@pytest.mark.parametrize("text", [*FLOODS, LETTER])
def test_how_long_it_takes_to_decide_grows_with_the_text_and_no_faster(plan: Desk, text: str) -> None:
    assert_linear(lambda length: lambda: plan(text[:length]), len(text))


# --- where several people write ---

OFFICE = replace(TELEGRAM, shared=True)


def office(*others: KnownAddress) -> Snapshot:
    """As identify sees an address that several people write from."""
    return Snapshot(customer=CustomerId(1), addresses=(OFFICE, *others))


@pytest.mark.parametrize(
    "text", ["Call me Priya", "Please keep it short", "Answer me here from now on", "In Spanish please"]
)
def test_where_several_people_write_nobodys_wish_is_kept(plan: Desk, text: str) -> None:
    made = plan(text, snapshot=office(), on=OFFICE)
    assert said(made) == [("confirm", "not_kept")]
    assert made.changes == ()
    assert made.name == ""


def test_where_several_people_write_a_wish_holds_for_its_reply(plan: Desk) -> None:
    made = plan("Please keep it short. How do I reset my password?", snapshot=office(), on=OFFICE)
    assert said(made) == [("confirm", "for_once"), ("answer", "reset-password")]
    assert made.preferences.length is Length.SHORT
    assert made.changes == ()


def test_where_several_people_write_a_question_may_be_anothers(plan: Desk, knowledge: Knowledge) -> None:
    article = knowledge.article("reset-password", "en")
    assert article is not None
    told = Recollection(recent=(ago(1, article.short),))
    made = plan("How do I reset my password?", snapshot=office(), on=OFFICE, met=told)
    assert said(made) == [("answer", "reset-password")]
    again = plan("More detail please", snapshot=office(), on=OFFICE, met=told)
    assert ("answer", "reset-password") in said(again)  # it stands on the screen that they read


def test_where_several_people_write_each_learns_that_a_machine_answers(plan: Desk) -> None:
    yesterday = Recollection(recent=(ago(600, "You're welcome."),))
    assert ("greet", "first") in said(plan("How do I reset my password?", snapshot=office(), on=OFFICE, met=yesterday))
    assert ("greet", "first") not in said(plan("How do I reset my password?", snapshot=office(), on=OFFICE))


def test_where_several_people_write_replies_stay(plan: Desk) -> None:
    made = plan("How do I reset my password? Please answer by email.", snapshot=office(EMAIL), on=OFFICE)
    assert (made.to, made.pointer) == (OFFICE, None)
    assert ("confirm", "channel_missing") in said(made)


def test_an_address_that_is_not_proven_is_told_of_like_none(plan: Desk) -> None:
    unproven = replace(sarah(), trusted=frozenset({TELEGRAM.id}))
    none = replace(sarah(TELEGRAM), trusted=frozenset({TELEGRAM.id}))
    for snapshot in (unproven, none):
        assert said(plan("Answer me by email please", snapshot=snapshot)) == [("confirm", "channel_missing")]


# --- files that were refused ---


def test_people_are_told_of_a_file_that_was_refused(plan: Desk) -> None:
    told = plan("here is my bill", attachments=10, flags=("file_refused",))
    assert ("handoff", "attachment") in said(told)
    assert "sent a file that was refused" in told.handoff


# --- choices that are written instead of pressed ---

OFFERED = (Choice("Cancel your plan", "article:cancel"), Choice("Export your data", "article:export-data"))
ASKED = Recollection(recent=(replace(ago(5, "1. Cancel your plan\n2. Export your data"), choices=OFFERED),))


@pytest.mark.parametrize("text", ["2", " 2. ", "#2", "(2)", "2️⃣", "٢", "Export your data", "export your DATA!"])
def test_the_number_or_the_words_of_a_choice_count_as_pressed(plan: Desk, text: str) -> None:
    answered = plan(text, met=ASKED)
    assert said(answered) == [("answer", "export-data")]
    assert answered.moves[0].why == "chosen by a button"


@pytest.mark.parametrize("text", ["3", "0", "12", "123", "2 or 1", "the second"])
def test_another_number_chooses_nothing(plan: Desk, text: str) -> None:
    assert all(kind != "answer" for kind, _ in said(plan(text, met=ASKED)))


@pytest.mark.parametrize(
    "later",
    [
        ago(4, "Something else.", number=2),
        ago(4, "hm", Direction.IN, number=2),
    ],
    ids=["we said something else", "they did"],
)
def test_only_the_last_question_can_be_answered_by_a_number(plan: Desk, later: TimelineMessage) -> None:
    met = Recollection(recent=(*ASKED.recent, later))
    assert all(kind != "answer" for kind, _ in said(plan("2", met=met)))


def test_a_number_answers_what_was_asked_where_it_is_written(plan: Desk) -> None:
    assert all(kind != "answer" for kind, _ in said(plan("2", met=ASKED, on=EMAIL)))
    elsewhere = replace(ago(4, "I have answered you elsewhere.", number=2), address=EMAIL.address)
    met = Recollection(recent=(*ASKED.recent, elsewhere))
    assert said(plan("2", met=met)) == [("answer", "export-data")]


@given(st.text())
def test_any_text_may_follow_a_question(knowledge: Knowledge, text: str) -> None:
    decide(sarah(), ENGLISH, ASKED, written(text), Company(knowledge), CHANNELS)


def test_the_files_of_an_article_are_among_its_facts(tmp_path: Path) -> None:
    folder = shutil.copytree(Path(__file__).parents[2] / "config" / "knowledge", tmp_path / "knowledge")
    (folder / "guide.pdf").write_bytes(b"the guide")
    article = folder / "export-data.en.md"
    article.write_text(article.read_text("utf-8").replace("title:", "files: [guide.pdf]\ntitle:"), "utf-8")
    answered = Desk(Knowledge.load(folder))("How can I export my data?")
    told = facts(answered, "export-data")
    assert [told[f"file.1.{key}"] for key in ("name", "media_type", "size", "ref")] == [
        "guide.pdf", "application/pdf", "9", "knowledge:guide.pdf",
    ]  # fmt: skip

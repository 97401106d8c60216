"""How a plan sounds: by register, length, language and channel; whole, in order, without a gap in it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.model import (
    Address,
    AddressId,
    Ask,
    Choice,
    Complexity,
    CustomerId,
    Detail,
    Direction,
    Draft,
    File,
    KnownAddress,
    Length,
    Limits,
    Link,
    Manner,
    MessageId,
    Money,
    Move,
    MoveKind,
    OwnNumber,
    Paragraph,
    Plan,
    Preferences,
    Proof,
    ProofPurpose,
    Register,
    Snapshot,
    Steps,
    TimelineMessage,
    plain,
)
from omnibot.voice import Speaker, Voices, compose, compose_code
from omnibot.voice.moves import MOVES
from omnibot_twilio import gsm

LIMITS = {
    "telegram": Limits(text=4096, choices=8),
    "email": Limits(text=100_000, subject=True),
    "sms": Limits(text=160),
}
TELEGRAM, EMAIL, SMS = (
    KnownAddress(id=AddressId(number), address=Address.parse(text), proof=Proof.PROVEN, account="main")
    for number, text in enumerate(("telegram:4711", "email:sarah@example.org", "sms:+15550100"), 1)
)
SARAH = Snapshot(customer=CustomerId(1), addresses=(TELEGRAM, EMAIL, SMS), name="Sarah Miller")
PACKS = Path(__file__).parents[2] / "config" / "voice"
VOICES = Voices.load(PACKS)
LANGUAGES = VOICES.languages
SPEAKER = Speaker("Example Ltd", "Omnibot", "help@example.com", voices=VOICES)
OPENING = Move(kind=MoveKind.GREET, topic="opening")
FIRST = Move(kind=MoveKind.GREET, topic="first")
ANSWER = Move(
    kind=MoveKind.ANSWER,
    topic="export-data",
    facts={
        "title": "Export your data",
        "language": "en",
        "short": "Export under Settings.",
        "detailed": "An admin exports under Settings.\n\nA link comes by email.",
        "steps": "Open Settings.\nClick Export.",
        "link.1.label": "Formats",
        "link.1.url": "https://example.com/formats",
    },
)
# What each topic needs besides what every reply has.
FACTS = {
    "channel_set": {"channel": "email", "value": "email"},
    "channel_missing": {"channel": "email"},
    "channel_unusable": {"channel": "email"},
    "channel_unknown": {"channel": "carrierpigeon"},
    "language_missing": {"language": "de"},
    "several": {"title": "A title", "text": "A text"},
    "other_language": {"language": "en"},
    "help": {"choice.article:cancel": "Cancel"},
    "asked": {"address": "t@example.org", "minutes": "10"},
    "asked_waiting": {"address": "+4917", "minutes": "10", "channel": "whatsapp"},
    "linked": {"address": "t@example.org"},
    "wrong": {"left": "3"},
    "zone_set": {"place": "Berlin"},
    "quiet_set": {"begins": "22:00", "ends": "7:00"},
    "noted": {"items": "short, in English"},
    "noted_learned": {"items": "short, in English"},
}


def plan(*moves: Move, to: KnownAddress = TELEGRAM, pointer: KnownAddress | None = None, **fields: object) -> Plan:
    preferences = Preferences(register=fields.pop("register", None), length=fields.pop("length", None))  # type: ignore[arg-type]
    return Plan(moves=moves, to=to, pointer=pointer, preferences=preferences, name="Sarah Miller", **fields)  # type: ignore[arg-type]


def drafts(
    made: Plan, variant: int = 0, limits: dict[str, Limits] = LIMITS, recent: Sequence[TimelineMessage] = ()
) -> tuple[Draft, ...]:
    return compose(made, SARAH, limits, SPEAKER, variant, recent)


def text(made: Plan, variant: int = 0, recent: Sequence[TimelineMessage] = ()) -> str:
    return "\n\n".join(plain(draft.parts) for draft in drafts(made, variant, recent=recent) if draft.to == made.to)


def told(*texts: str, direction: Direction = Direction.OUT) -> list[TimelineMessage]:
    return [
        TimelineMessage(
            id=MessageId(number),
            customer=CustomerId(1),
            address=TELEGRAM.address,
            direction=direction,
            at=datetime(2026, 3, 2, 12, number, tzinfo=UTC),
            text=text,
        )
        for number, text in enumerate(texts)
    ]


def topics() -> list[tuple[MoveKind, str]]:
    """Every move that has words in the packs and needs none of its own."""
    kinds = (MoveKind.GREET, MoveKind.CLOSE, MoveKind.CONFIRM, MoveKind.PROVE, MoveKind.HANDOFF, MoveKind.MOOD)
    return [
        (MoveKind(kind), topic)
        for kind, _, topic in (name.partition(".") for name in MOVES)
        if kind in kinds and not topic.endswith("_chat")
    ]


# --- wordings ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("register", Register)
@pytest.mark.parametrize(("kind", "topic"), topics())
def test_no_move_leaves_a_place_unfilled(kind: MoveKind, topic: str, register: Register, language: str) -> None:
    for to in (TELEGRAM, EMAIL):
        for variant in range(6):
            made = plan(
                Move(kind=kind, topic=topic, facts=FACTS.get(topic, {})), to=to, register=register, language=language
            )
            said = text(made, variant)
            assert said.strip()
            assert not set(said) & set("{}")


def test_variants_differ_and_repeat_by_their_number() -> None:
    made = plan(Move(kind=MoveKind.CLOSE, topic="thanks"))
    assert text(made, 0) != text(made, 1)
    assert text(made, 0) == text(made, 0)


def test_no_wording_is_used_twice_in_a_row_whatever_the_variant() -> None:
    made = plan(Move(kind=MoveKind.CLOSE, topic="thanks"))
    said: list[str] = []
    for _ in range(9):
        said.append(text(made, variant=5, recent=told(*said)))
    assert all(one != other for one, other in pairwise(said))
    assert len(set(said)) > 2


def test_only_our_own_words_are_avoided() -> None:
    made = plan(Move(kind=MoveKind.CLOSE, topic="thanks"))
    theirs = told(text(made), direction=Direction.IN)
    assert text(made, recent=theirs) == text(made)


# --- people who were promised before ---

UNKNOWN, UPSET, MORE = (Move(kind=MoveKind.HANDOFF, topic=topic) for topic in ("unknown", "upset", "more"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("register", Register)
def test_people_are_promised_once(language: str, register: Register) -> None:
    made = plan(UNKNOWN, language=language, register=register)
    again = text(made, recent=told(text(made)))
    assert again == text(plan(MORE, language=language, register=register))


def test_another_reason_for_people_is_still_named_once() -> None:
    promised = told(text(plan(UNKNOWN)))
    assert text(plan(UPSET), recent=promised) == text(plan(UPSET))
    assert text(plan(UPSET), recent=[*promised, *told(text(plan(UPSET)))]) == text(plan(MORE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_team_that_takes_over_is_named_once(language: str) -> None:
    taken = Move(kind=MoveKind.HANDOFF, topic="escalated", facts={"team": "Team Nord"})
    promise = Move(
        kind=MoveKind.PROMISE, topic="by", facts={"team": "Team Nord", "by": datetime(2026, 3, 2, 12, tzinfo=UTC)}
    )
    assert text(plan(taken, promise, language=language)).count("Team Nord") == 1
    assert "Team Nord" in text(plan(promise, language=language))


def test_what_is_urgent_is_never_waved_through() -> None:
    urgent = plan(Move(kind=MoveKind.HANDOFF, topic="urgent"))
    again = text(urgent, recent=told(text(urgent)))
    assert "urgent" in again
    assert again != text(urgent)


def test_a_new_conversation_promises_people_anew() -> None:
    promised = told(text(plan(UNKNOWN)))
    assert text(plan(UNKNOWN), recent=promised) == text(plan(MORE))
    assert text(plan(MORE)) not in text(plan(OPENING, UNKNOWN), recent=promised)


def test_an_answer_behind_a_hand_off_is_for_the_meantime() -> None:
    said = text(plan(Move(kind=MoveKind.HANDOFF, topic="urgent"), ANSWER))
    assert said.index("urgent") < said.index("In the meantime") < said.index("Export under Settings.")
    assert "meantime" not in text(plan(ANSWER, Move(kind=MoveKind.HANDOFF, topic="rest")))


def test_a_move_without_words_is_a_fault() -> None:
    with pytest.raises(KeyError):
        drafts(plan(Move(kind=MoveKind.CONFIRM, topic="no_such_thing")))


# --- tone ---


def test_friends_are_called_by_their_first_name_and_letters_use_the_whole() -> None:
    casual = text(plan(OPENING, ANSWER))
    formal = text(plan(OPENING, ANSWER, register=Register.FORMAL))
    assert "Sarah" in casual
    assert "Miller" not in casual
    assert "Sarah Miller" in formal


def test_formal_spanish_uses_the_first_name_with_usted() -> None:
    letter = text(plan(OPENING, ANSWER, to=EMAIL, register=Register.FORMAL, language="es"))
    assert letter.startswith("Hola, Sarah:")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("<3 </a>", ""),
        ("🌸 Anna 🌸", "Anna"),
        ("42", ""),
        ("bob@example.org", ""),
        ("https://example.org", ""),
        ("Jürgen", "Jürgen"),
        ("O'Neil, Tim", "O'Neil"),
        ("{bot}", ""),
    ],
)
def test_only_what_can_be_a_name_is_used_as_one(name: str, called: str) -> None:
    somebody = Snapshot(customer=CustomerId(2), addresses=(TELEGRAM,), name=name)
    (draft,) = compose(Plan(moves=(OPENING, ANSWER), to=TELEGRAM), somebody, LIMITS, SPEAKER, 0)
    assert plain(draft.parts).startswith(f"Hi {called}. Export" if called else "Hi. Export")


def test_registers_are_told_apart_in_both_languages() -> None:
    handoff = Move(kind=MoveKind.HANDOFF, topic="person")
    set_ = Move(kind=MoveKind.CONFIRM, topic="channel_set", facts={"channel": "email"})
    for language, formal_words, casual_words in (("en", "I will", "I'll"), ("es", "le ", "te ")):
        formal = text(plan(set_, register=Register.FORMAL, language=language))
        casual = text(plan(set_, register=Register.CASUAL, language=language))
        assert formal_words in formal
        assert casual_words in casual
        assert casual_words not in formal
    assert text(plan(handoff, language="es")) != text(plan(handoff, language="es", register=Register.FORMAL))


def test_short_usual_and_detailed_answers_differ_by_the_articles_sections() -> None:
    short, usual, detailed = (
        drafts(plan(ANSWER, length=length))[0].parts for length in (Length.SHORT, None, Length.DETAILED)
    )
    link = Link("Formats", "https://example.com/formats")
    steps = Steps(("Open Settings.", "Click Export."))
    assert short == (Paragraph("Export under Settings."), link)
    assert usual == (Paragraph("Export under Settings."), steps, link)
    assert detailed == (Paragraph("An admin exports under Settings.\n\nA link comes by email."), steps, link)


def test_help_is_offered_once_and_not_to_those_who_like_it_short() -> None:
    assert "colleague" in text(plan(OPENING, ANSWER))
    assert "colleague" not in text(plan(ANSWER))
    assert "colleague" not in text(plan(OPENING, ANSWER, length=Length.SHORT))


# --- greeting ---


def test_a_name_stands_in_the_greeting_only() -> None:
    assert text(plan(OPENING, ANSWER)).count("Sarah") == 1
    assert "Sarah" not in text(plan(ANSWER))


def test_who_has_no_name_is_greeted_without_a_gap() -> None:
    stranger = Snapshot(customer=CustomerId(2), addresses=(TELEGRAM,))
    made = Plan(moves=(OPENING, ANSWER), to=TELEGRAM)
    for variant in range(4):
        (draft,) = compose(made, stranger, LIMITS, SPEAKER, variant)
        assert plain(draft.parts).split(" Export")[0] in ("Hi.", "Hello.")


def test_the_first_contact_says_that_a_machine_writes() -> None:
    assert "automatic assistant at Example Ltd" in text(plan(FIRST, ANSWER))


def test_a_letter_has_a_subject_a_salutation_and_a_signature_and_a_chat_has_not() -> None:
    (letter,) = drafts(plan(OPENING, ANSWER, to=EMAIL))
    (chat,) = drafts(plan(OPENING, ANSWER))
    assert letter.subject == "Export your data"
    assert letter.parts[0] == Paragraph("Hi Sarah,")
    assert letter.parts[-1] == Paragraph("Omnibot\nExample Ltd")
    assert chat.subject == ""
    assert chat.parts[0] == Paragraph("Hi Sarah. Export under Settings.")


@pytest.mark.parametrize(
    ("move", "subject"),
    [
        (Move(kind=MoveKind.HANDOFF, topic="unknown"), "Your message to Example Ltd"),
        (Move(kind=MoveKind.CONFIRM, topic="length_short"), "Noted"),
        (Move(kind=MoveKind.CLOSE, topic="thanks"), "Hello from Example Ltd"),
    ],
)
def test_every_letter_has_a_subject(move: Move, subject: str) -> None:
    assert drafts(plan(move, to=EMAIL))[0].subject == subject


# --- answers ---


def test_several_answers_are_told_apart_by_their_titles() -> None:
    other = Move(kind=MoveKind.ANSWER, topic="x", facts={**ANSWER.facts, "title": "Another", "short": "Other words."})
    said = text(plan(ANSWER, other))
    assert "Export your data:\nExport under Settings." in said
    assert said.index("Export your data:") < said.index("Another:\nOther words.")


def test_an_answer_in_another_language_says_so() -> None:
    said = text(plan(ANSWER, language="es"))
    assert said.startswith("Esto solo lo tengo en inglés:")


def test_a_language_that_we_do_not_write_gets_english() -> None:
    assert text(plan(Move(kind=MoveKind.HANDOFF, topic="person"), language="nl")).startswith("Of course.")


def test_a_channel_of_somebody_elses_is_called_by_its_name() -> None:
    unknown = Move(kind=MoveKind.CONFIRM, topic="channel_unknown", facts={"channel": "matrix"})
    assert "on Matrix" in text(plan(unknown))


def test_braces_in_facts_and_names_are_only_text() -> None:
    tricky = Move(kind=MoveKind.ANSWER, topic="x", facts={**ANSWER.facts, "short": "Use {name} in {braces}."})
    assert "Use {name} in {braces}." in text(plan(tricky))


# --- destinations ---


def test_silence_has_no_drafts() -> None:
    assert drafts(Plan()) == ()
    assert drafts(Plan(to=TELEGRAM)) == ()


@pytest.mark.parametrize(
    ("to", "other", "words"),
    [
        (EMAIL, "email:sarah@work.example", "I've just answered you by email (s…@example.org)."),
        (SMS, "sms:+15550199", "I've just answered you by text message (…00)."),
        (EMAIL, "sms:+15550199", "I've just answered you by email."),
    ],
)
def test_a_pointer_tells_which_of_several_addresses_without_spelling_it_out(
    to: KnownAddress, other: str, words: str
) -> None:
    another = replace(EMAIL, id=AddressId(9), address=Address.parse(other))
    several = replace(SARAH, addresses=(TELEGRAM, to, another))
    *_, pointer = compose(plan(OPENING, ANSWER, to=to, pointer=TELEGRAM), several, LIMITS, SPEAKER, 0)
    assert plain(pointer.parts) == words


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("email:sarah@example.org", "s…@example.org"),
        ("email:@example.org", "…@example.org"),
        ("whatsapp:+491701234567", "…67"),
        ("telegram:4711", ""),
        ("slack:T1/U2", ""),
    ],
)
def test_an_address_is_masked_for_those_who_have_it(address: str, masked: str) -> None:
    assert Address.parse(address).masked == masked


def test_where_several_people_write_each_is_promised_their_own() -> None:
    person = Move(kind=MoveKind.HANDOFF, topic="person")
    before = told(text(plan(person)))
    assert "added" in text(plan(person), recent=before)
    assert "added" not in text(plan(person, to=replace(TELEGRAM, shared=True)), recent=before)


def test_a_pointer_on_the_channel_written_from_tells_where_the_answer_is() -> None:
    answer, pointer = drafts(plan(OPENING, ANSWER, to=EMAIL, pointer=TELEGRAM))
    assert (answer.to, pointer.to) == (EMAIL, TELEGRAM)
    assert plain(pointer.parts) == "I've just answered you by email."
    assert pointer.subject == ""
    _, letter = drafts(plan(OPENING, ANSWER, to=TELEGRAM, pointer=EMAIL), variant=1)
    assert letter.parts == (
        Paragraph("Hello Sarah,"),
        Paragraph("My answer is waiting for you on Telegram."),
        Paragraph("Omnibot\nExample Ltd"),
    )
    assert letter.subject == "I've answered on Telegram"


def test_every_letter_that_begins_a_thread_has_a_salutation() -> None:
    for made in (plan(ANSWER, to=EMAIL, pointer=TELEGRAM), plan(ANSWER, to=EMAIL, unsolicited=True)):
        assert drafts(made)[0].parts[0] == Paragraph("Hi Sarah,")
    assert drafts(plan(ANSWER, to=EMAIL))[0].parts[0] == Paragraph("Export under Settings.")
    assert drafts(plan(ANSWER, unsolicited=True))[0].parts[0] == Paragraph("Export under Settings.")


# --- choices and limits ---

HELP = Move(
    kind=MoveKind.GREET,
    topic="help",
    facts={"choice.article:cancel": "Cancel your plan", "choice.article:export": "Export your data"},
)


def test_choices_are_offered_where_the_channel_has_them_and_listed_where_not() -> None:
    (rich,) = drafts(plan(HELP))
    assert rich.parts[1:] == (
        Choice("Cancel your plan", "article:cancel"),
        Choice("Export your data", "article:export"),
    )
    (listed,) = drafts(plan(HELP, to=EMAIL))
    assert listed.parts[1:3] == (
        Paragraph("1. Cancel your plan\n2. Export your data"),
        Paragraph("Just reply with a number."),
    )
    assert rich.choices == listed.choices == rich.parts[1:]


def test_the_last_of_several_messages_offers_the_choices() -> None:
    *before, last = drafts(plan(HELP), limits={"telegram": Limits(text=60)})
    assert before
    assert [choice.label for choice in last.choices] == ["Cancel your plan", "Export your data"]
    assert all(draft.choices == () for draft in before)


# --- files ---

GUIDE = File("guide.pdf", "application/pdf", 9, "knowledge:guide.pdf")
WITH_FILE = replace(
    ANSWER,
    facts={
        **ANSWER.facts,
        "file.1.name": "guide.pdf",
        "file.1.media_type": "application/pdf",
        "file.1.size": "9",
        "file.1.ref": "knowledge:guide.pdf",
    },
)


def test_a_file_goes_along_where_the_channel_carries_it_else_a_link_stands_for_it() -> None:
    carrying = {"telegram": Limits(text=4096, files=1, file_bytes=10)}
    (draft,) = drafts(plan(WITH_FILE), limits=carrying)
    assert draft.parts[-1] == GUIDE
    speaker = replace(SPEAKER, file_url=lambda file: f"https://bot.example.com/{file.ref}")
    (draft,) = compose(plan(WITH_FILE), SARAH, LIMITS, speaker, 0)
    assert draft.parts[-1] == Link("guide.pdf", "https://bot.example.com/knowledge:guide.pdf")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("register", Register)
def test_a_file_that_can_neither_be_sent_nor_linked_to_is_named(language: str, register: Register) -> None:
    (draft,) = drafts(plan(WITH_FILE, language=language, register=register))
    assert isinstance(draft.parts[-1], Paragraph)
    assert "guide.pdf" in draft.parts[-1].text


# --- HELP on networks ---


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("register", Register)
def test_help_tells_who_we_are_how_to_reach_us_and_how_to_stop(language: str, register: Register) -> None:
    reach = plan(Move(kind=MoveKind.CONFIRM, topic="reach"), to=SMS, language=language, register=register)
    (draft,) = drafts(reach)
    for told in ("Example Ltd", "help@example.com", "STOP"):
        assert told in plain(draft.parts)
    (draft,) = compose(reach, SARAH, LIMITS, Speaker("Example Ltd", "Omnibot", voices=VOICES), 0)
    assert "Example Ltd" in plain(draft.parts)
    assert "STOP" in plain(draft.parts)


def test_a_long_reply_becomes_several_in_order() -> None:
    made = plan(OPENING, ANSWER, to=SMS, length=Length.DETAILED)
    messages = [plain(draft.parts) for draft in drafts(made)]
    assert len(messages) > 1
    assert all(0 < len(message) <= 160 for message in messages)
    whole = " ".join(messages)
    places = [whole.index(words) for words in ("An admin", "A link", "1. Open", "2. Click", "Formats")]
    assert places == sorted(places)


@given(
    st.text(min_size=1).filter(str.strip),
    st.integers(20, 200),
    st.sampled_from(LANGUAGES),
    st.sampled_from([None, *Register]),
    st.sampled_from([None, *Length]),
    st.integers(),
)
def test_any_answer_fits_any_channel(words, limit, language, register, length, variant) -> None:
    answer = Move(
        kind=MoveKind.ANSWER, topic="x", facts={"title": words, "language": "en", "short": words, "detailed": words}
    )
    limits = {"telegram": Limits(text=limit)}
    made = plan(OPENING, answer, register=register, length=length, language=language)
    for draft in drafts(made, variant, limits):
        assert len(plain(draft.parts)) <= limit


def test_where_each_sign_costs_whoever_asked_for_nothing_else_gets_the_short_form() -> None:
    limits = LIMITS | {"sms": Limits(text=1600, brief=True)}

    def said(**preferences: Length) -> str:
        plan = Plan(moves=(ANSWER,), to=SMS, preferences=Preferences(**preferences))
        [draft] = compose(plan, SARAH, limits, SPEAKER, 0)
        return plain(draft.parts)

    assert "Export under Settings." in said()
    assert "Click Export." not in said()
    assert "An admin exports under Settings." in said(length=Length.DETAILED)
    assert "Click Export." in said(length=Length.DETAILED)


# --- what belongs together ---


def test_a_code_stands_in_its_message_and_dots_in_what_is_kept() -> None:
    ask = Ask(purpose=ProofPurpose.LINK, by=AddressId(1), target=Address("email", "t@example.org"), source=MessageId(1))
    made = plan()
    letter = compose_code("481 5162", ask, made, LIMITS["email"], SPEAKER, minutes=10, variant=0)
    assert "481 5162" in plain(letter.parts)
    assert "10" in plain(letter.parts)
    assert "481" not in letter.subject
    assert "Sarah" not in plain(letter.parts)  # who asked is nobody's business there
    text = compose_code("481 5162", ask, made, LIMITS["telegram"], SPEAKER, minutes=10, variant=0)
    assert text.subject == ""
    assert len(plain(text.parts)) <= 160  # one text message
    kept = compose_code("•••", ask, made, LIMITS["telegram"], SPEAKER, minutes=10, variant=0)
    assert plain(kept.parts) == plain(text.parts).replace("481 5162", "•••")


@pytest.mark.parametrize("register", [None, *Register])
@pytest.mark.parametrize(
    ("language", "nobody"), [("en", "nobody"), ("es", "nadie"), ("de", "niemandem"), ("fr", "personne")]
)
def test_whoever_gets_a_code_is_told_to_keep_it(language: str, nobody: str, register: Register | None) -> None:
    """Whoever asked in their name may ask them for it next."""
    ask = Ask(purpose=ProofPurpose.LINK, by=AddressId(1), target=Address("sms", "+491701234567"), source=MessageId(1))
    made = plan(language=language, register=register)
    text = plain(compose_code("481 5162", ask, made, LIMITS["sms"], SPEAKER, minutes=10, variant=0).parts)
    assert nobody in text
    assert len(text) <= 160


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_with_a_code_has_the_address_that_does_the_same(language: str) -> None:
    ask = Ask(purpose=ProofPurpose.LINK, by=AddressId(1), target=Address("email", "t@example.org"), source=MessageId(1))
    made, url = plan(language=language), "https://bot.example.com/identity/code?token=x"
    letter = compose_code("481 5162", ask, made, LIMITS["email"], SPEAKER, minutes=10, variant=0, link=url)
    assert [part.url for part in letter.parts if isinstance(part, Link)] == [url]
    text = compose_code("481 5162", ask, made, LIMITS["telegram"], SPEAKER, minutes=10, variant=0, link=url)
    assert url not in plain(text.parts)


def test_their_own_number_is_asked_for_by_a_button_where_there_is_one() -> None:
    limits = {"telegram": replace(LIMITS["telegram"], own_number=True), "email": LIMITS["email"]}
    made = plan(Move(kind=MoveKind.PROVE, topic="which_number"))
    [draft] = compose(made, SARAH, limits, SPEAKER, 0)
    assert OwnNumber("Share my number") in draft.parts
    assert "button" in plain(draft.parts)
    [draft] = compose(made, SARAH, LIMITS, SPEAKER, 0)
    assert not any(isinstance(part, OwnNumber) for part in draft.parts)
    assert "country code" in plain(draft.parts)


def test_the_button_is_taken_away_when_it_is_not_needed_any_more() -> None:
    limits = {"telegram": replace(LIMITS["telegram"], own_number=True), "email": LIMITS["email"]}
    [draft] = compose(plan(Move(kind=MoveKind.PROVE, topic="own_number")), SARAH, limits, SPEAKER, 0)
    assert OwnNumber("") in draft.parts


def test_in_a_group_nobody_is_asked_for_their_number_by_a_button() -> None:
    limits = {"telegram": replace(LIMITS["telegram"], own_number=True), "email": LIMITS["email"]}
    made = plan(Move(kind=MoveKind.PROVE, topic="which_number"))
    assert made.to is not None
    grouped = replace(made, to=replace(made.to, context={"chat": "-5"}))
    [draft] = compose(grouped, SARAH, limits, SPEAKER, 0)
    assert "button" not in plain(draft.parts)


# --- what shows that they are known ---

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
MOOD = Move(kind=MoveKind.MOOD, topic="frustrated")
AGAIN = Move(kind=MoveKind.HISTORY, topic="again", facts={"ordinal": 3, "contacts": 3, "matter": "the API"})
HELPED = Move(kind=MoveKind.HISTORY, topic="helped_by", facts={"names": ("Ana", "Ben")})
ESCALATED = Move(kind=MoveKind.HANDOFF, topic="escalated", facts={"team": "our senior team"})
BY = Move(kind=MoveKind.PROMISE, topic="by", facts={"team": "our senior team", "by": AT + timedelta(hours=4)})
NEW = Move(kind=MoveKind.WELCOME, topic="signed_up", facts={"at": AT - timedelta(days=1)})


def at_noon(made: Plan, variant: int = 0, limits: dict[str, Limits] = LIMITS) -> tuple[Draft, ...]:
    return compose(made, SARAH, limits, SPEAKER, variant, at=AT)


def test_what_belongs_together_is_one_paragraph() -> None:
    (draft,) = at_noon(plan(OPENING, MOOD, AGAIN, HELPED, ESCALATED, BY, zone=UTC))
    known, people = (part.text for part in draft.parts if isinstance(part, Paragraph))
    assert "third time you've had to write about the API. Ana and Ben helped you" in known
    assert people.startswith("This goes to our senior team now")
    assert people.endswith("You'll hear from us by 4 pm today.")


def test_days_and_hours_are_by_the_customers_clock() -> None:
    made = plan(BY, zone=ZoneInfo("Asia/Tokyo"))
    assert plain(at_noon(made)[0].parts).endswith("by 1 am tomorrow.")
    assert plain(compose(made, SARAH, LIMITS, SPEAKER, 0)[0].parts).endswith("by 5 March 2026 at 1 am.")


def test_the_companys_own_words_are_said_in_the_register_with_their_facts() -> None:
    cause = Move(
        kind=MoveKind.CAUSE,
        topic="bill-changed.upgrade",
        facts={"plan": "Pro", "at": datetime(2026, 1, 15, tzinfo=UTC), "price": Money(Decimal("49.90"), "EUR")},
        said={
            Register.CASUAL: "You moved to {plan} {at, on}, {name}: {price}.",
            Register.FORMAL: "The change to {plan} {at, on} comes to {price}.",
        },
    )
    assert plain(at_noon(plan(cause))[0].parts) == "You moved to Pro on 15 January, Sarah: €49.90."
    formal = plan(cause, register=Register.FORMAL)
    assert plain(at_noon(formal)[0].parts) == "The change to Pro on 15 January comes to €49.90."
    alone = replace(cause, said={Register.CASUAL: "Since {at}."})
    assert plain(at_noon(plan(alone, register=Register.FORMAL))[0].parts) == "Since 15 January."


def test_earlier_channels_are_spoken_of_as_such() -> None:
    again = replace(AGAIN, facts={**AGAIN.facts, "channels": ("sms", "email"), "word": "x"}, said={})
    words = replace(again, kind=MoveKind.CAUSE, said={Register.CASUAL: "First {channels}."})
    assert text(plan(words)) == "First by text message and by email."


def test_a_promise_that_is_weighty_is_said_again() -> None:
    promised = told(text(plan(ESCALATED)))
    assert "our senior team" in text(plan(ESCALATED), recent=promised)


def test_a_question_offers_its_choices_and_is_the_subject_of_a_letter() -> None:
    which = Move(
        kind=MoveKind.ASK, topic="which", facts={"choice.intent:refund": "Refund", "choice.intent:bill": "Bill"}
    )
    (draft,) = drafts(plan(which))
    assert draft.choices == (Choice("Refund", "intent:refund"), Choice("Bill", "intent:bill"))
    assert drafts(plan(which, to=EMAIL))[0].subject == "A question about your message"


def test_resources_stand_below_a_line_that_counts_them() -> None:
    one = {"link.1.label": "First steps", "link.1.url": "https://example.com/1"}
    two = {**one, "link.2.label": "Videos", "link.2.url": "https://example.com/2", "count": 2}
    said = [text(plan(Move(kind=MoveKind.RESOURCES, topic="links", facts=facts))) for facts in (one, two)]
    assert said[0].startswith("This is worth a look:\n\nFirst steps: https://example.com/1")
    assert said[1].startswith("These are worth a look:")
    assert drafts(plan(MOOD, Move(kind=MoveKind.RESOURCES, topic="links")))[0].parts == drafts(plan(MOOD))[0].parts


def test_steps_can_stand_alone() -> None:
    steps = Move(kind=MoveKind.STEPS, facts={"steps": ("Open it.", "Close it.")})
    assert drafts(plan(steps))[0].parts == (Steps(("Open it.", "Close it.")),)


def test_a_reply_that_says_what_is_next_offers_no_colleague() -> None:
    more = Move(kind=MoveKind.NEXT, topic="offer")
    assert "colleague" in text(plan(OPENING, ANSWER))
    assert "colleague" not in text(plan(OPENING, ANSWER, more))


# --- style ---

TECHNICAL = replace(ANSWER, facts={**ANSWER.facts, "technical": "GET /v1/export returns NDJSON."})


def liked(**preferences: object) -> Plan:
    return replace(plan(TECHNICAL), preferences=Preferences(**preferences))  # type: ignore[arg-type]


def test_who_is_technical_gets_the_technical_section() -> None:
    assert "NDJSON" not in text(liked(complexity=Complexity.PLAIN))
    assert text(liked(complexity=Complexity.TECHNICAL)).startswith("GET /v1/export returns NDJSON.\n\n1. Open")
    both = text(liked(complexity=Complexity.TECHNICAL, length=Length.DETAILED))
    assert both.index("A link comes by email.") < both.index("NDJSON")
    assert text(replace(plan(ANSWER), preferences=Preferences(complexity=Complexity.TECHNICAL))).startswith(
        "Export under"
    )


def test_who_asked_for_steps_gets_them_however_short_and_for_a_summary_none() -> None:
    assert "1. Open" in text(liked(detail=Detail.STEPS, length=Length.SHORT))
    assert "1. Open" not in text(liked(detail=Detail.SUMMARY, length=Length.DETAILED))


def test_manners_are_told_apart() -> None:
    person = Move(kind=MoveKind.HANDOFF, topic="person")
    friendly, professional = (text(replace(plan(person), preferences=Preferences(manner=one))) for one in Manner)
    assert friendly != professional


THANKS = Move(kind=MoveKind.CLOSE, topic="thanks")


def with_emoji(*moves: Move, to: KnownAddress = TELEGRAM, limits: dict[str, Limits] = LIMITS) -> str:
    made = replace(plan(*moves, to=to), preferences=Preferences(emoji=True))
    return "\n\n".join(plain(draft.parts) for draft in at_noon(made, limits=limits))


def test_emoji_stand_behind_moves_at_most_two_a_reply() -> None:
    assert with_emoji(THANKS) == "You're welcome. 😊"
    glad, more = Move(kind=MoveKind.MOOD, topic="glad"), Move(kind=MoveKind.NEXT, topic="offer")
    assert sum(with_emoji(NEW, glad, THANKS, more).count(sign) for sign in "👋🎉😊👍🙂") == 2


def test_emoji_stand_beside_no_bad_news_and_cost_nothing_where_each_sign_does() -> None:
    for bad in (MOOD, AGAIN, ESCALATED, UPSET, Move(kind=MoveKind.PROVE, topic="void")):
        assert with_emoji(bad, THANKS).endswith("You're welcome.")
    brief = {"sms": Limits(text=1600, brief=True)}
    assert with_emoji(THANKS, to=SMS, limits=brief) == "You're welcome."
    assert "😊" not in text(replace(plan(THANKS), preferences=Preferences(emoji=False)))


# --- that a machine speaks ---

DISCLOSE = Move(kind=MoveKind.DISCLOSE, topic="machine")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("moves", [(OPENING, DISCLOSE, ANSWER), (FIRST, ANSWER), (DISCLOSE, ANSWER), (FIRST, DISCLOSE)])
def test_a_machine_says_so_once_where_it_speaks_first(language: str, moves: tuple[Move, ...]) -> None:
    said = text(plan(*moves, language=language))
    assert said.count("Omnibot") == 1
    assert said.index("Omnibot") < 60


def test_the_company_may_have_its_own_words_for_it_by_language() -> None:
    speaker = replace(SPEAKER, disclosure={"de": "Hier schreibt {bot}, ein Programm von {company}."})
    made = plan(OPENING, DISCLOSE, register=Register.FORMAL, language="de")
    assert plain(compose(made, SARAH, LIMITS, speaker, 0)[0].parts) == (
        "Guten Tag, Sarah Miller. Hier schreibt Omnibot, ein Programm von Example Ltd."
    )
    english = plain(compose(plan(OPENING, DISCLOSE), SARAH, LIMITS, speaker, 0)[0].parts)
    assert "automatic assistant" in english


# --- text messages ---


def test_a_short_reply_by_text_message_costs_a_segment_or_two() -> None:
    brief = {"sms": Limits(text=1600, brief=True)}
    moves = (OPENING, MOOD, AGAIN, ESCALATED, BY)
    for language in LANGUAGES:
        made = replace(plan(*moves, to=SMS, language=language), zone=UTC)
        (draft,) = at_noon(made, limits=brief)
        sent = gsm.fold(plain(draft.parts))
        assert gsm.segments(sent) <= 2, (language, sent)

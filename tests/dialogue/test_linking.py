"""Linking, unlinking and forgetting an address in conversation: what is said, and which codes leave."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omnibot.dialogue import Company, Knowledge, Linking, decide
from omnibot.model import (
    Address,
    AddressId,
    Ask,
    CustomerId,
    Direction,
    KnownAddress,
    MessageId,
    MoveKind,
    Plan,
    Proof,
    ProofPurpose,
    ProofRequest,
    Reading,
    Recollection,
    Signal,
    Snapshot,
    TimelineMessage,
    Tried,
    TurnMessage,
    Urgency,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SMS = KnownAddress(id=AddressId(1), address=Address("sms", "+34600112233"), proof=Proof.PROVEN, account="main")
EMAIL = KnownAddress(id=AddressId(2), address=Address("email", "old@example.org"), proof=Proof.PROVEN, account="main")
TELEGRAM = KnownAddress(id=AddressId(3), address=Address("telegram", "4711"), proof=Proof.SEEN, account="main")
SLACK = KnownAddress(id=AddressId(4), address=Address("slack", "T1/U1"), proof=Proof.SEEN, account="main")
CHANNELS = ("sms", "whatsapp", "email", "telegram", "slack")


def _email(text: str) -> Address:
    if "@" not in text or "." not in text.partition("@")[2]:
        raise ValueError(text)
    return Address("email", text.lower())


def _number(channel: str, text: str) -> Address:
    digits = "".join(sign for sign in text if sign.isdigit())
    if not text.startswith("+") or len(digits) < 8:
        raise ValueError(text)
    return Address(channel, f"+{digits}")


def _none(text: str) -> Address:
    raise ValueError(text)


LINKING = Linking(
    spell={
        "sms": lambda text: _number("sms", text),
        "whatsapp": lambda text: _number("whatsapp", text),
        "email": _email,
        "telegram": _none,
        "slack": _none,
    },
    waits={"whatsapp"},
)


def reading(language: str = "en") -> Reading:
    return Reading(
        language=Signal(language, 0.99),
        sentiment=Signal(0.0, 0.0, known=False),
        urgency=Signal(Urgency.NORMAL, 0.0, known=False),
    )


def said_before(text: str, direction: Direction = Direction.IN, on: KnownAddress = SMS) -> TimelineMessage:
    return TimelineMessage(
        id=MessageId(1),
        customer=CustomerId(1),
        address=on.address,
        direction=direction,
        at=NOON - timedelta(minutes=1),
        text=text,
    )


MET = (said_before("You're welcome.", Direction.OUT),)


class Desk:
    """Decides about texts with everything else as usual."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def __call__(
        self,
        *texts: str,
        on: KnownAddress = SMS,
        others: Sequence[KnownAddress] = (),
        before: Sequence[TimelineMessage] = MET,
        linking: Linking = LINKING,
        tried: Sequence[Tried] = (),
        language: str = "en",
        **fields: object,
    ) -> Plan:
        messages = [
            TurnMessage(id=MessageId(100 + n), address=on.id, at=NOON, text=text, **fields)  # type: ignore[arg-type]
            for n, text in enumerate(texts)
        ]
        snapshot = Snapshot(customer=CustomerId(1), addresses=(on, *others), name="Tomás", tried=tuple(tried))
        recollection = Recollection(recent=tuple(before))
        return decide(
            snapshot, reading(language), recollection, messages, Company(self.knowledge, linking=linking), CHANNELS
        )


@pytest.fixture(scope="module")
def plan() -> Desk:
    return Desk(Knowledge.load(Path(__file__).parents[2] / "config" / "knowledge"))


def topics(plan: Plan) -> list[str]:
    return [move.topic for move in plan.moves if move.kind is MoveKind.PROVE]


def targets(plan: Plan) -> list[str]:
    assert all(ask.purpose is ProofPurpose.LINK for ask in plan.asks)
    return [str(ask.target) for ask in plan.asks]


# --- what asks for a code ---


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("my e-mail is tomas@example.org", "email:tomas@example.org"),
        ("My e-mail address is: <tomas@example.org>.", "email:tomas@example.org"),
        ("Hi, my new email is “tomas@example.org”!", "email:tomas@example.org"),
        ("my other address is tomas@example.org", "email:tomas@example.org"),
        ("link my WhatsApp (+49 170 1234567)", "whatsapp:+491701234567"),
        ("my number is +49 170 / 123 45 67", "sms:+491701234567"),
        ("my whatsapp number is 0049 170 1234567", "whatsapp:+491701234567"),
        ("/link tomas@example.org", "email:tomas@example.org"),
        ("/link@omnibot_bot tomas@example.org", "email:tomas@example.org"),
        ("/link whatsapp +49 170 1234567", "whatsapp:+491701234567"),
        ("/link +491701234567", "sms:+491701234567"),
        ("please change my email address to tomas@example.org", "email:tomas@example.org"),
        ("Ändern Sie bitte meine E-Mail-Adresse auf tomas@example.org", "email:tomas@example.org"),
        ("cambia mi correo a tomas@example.org", "email:tomas@example.org"),
        ("changez mon e-mail en tomas@example.org", "email:tomas@example.org"),
        ("this is my old account tomas@example.org", "email:tomas@example.org"),
        ("I also write from tomas@example.org", "email:tomas@example.org"),
        ("tomas@example.org is me, too", "email:tomas@example.org"),
        ("Can you link this chat to my e-mail tomas@example.org please?", "email:tomas@example.org"),
        ("mi correo es tomas@example.org", "email:tomas@example.org"),
        ("Hola, mi correo electrónico es tomas@example.org, gracias", "email:tomas@example.org"),
        ("mi número de teléfono es el +34 611 22 33 44", "sms:+34611223344"),
        ("¿Puedes vincular mi WhatsApp (+49 170 1234567)?", "whatsapp:+491701234567"),
        ("esta es mi cuenta antigua: tomas@example.org", "email:tomas@example.org"),
        ("también escribo desde tomas@example.org", "email:tomas@example.org"),
        ("enlaza mi correo tomas@example.org con este chat", "email:tomas@example.org"),
        ("/vincular tomas@example.org", "email:tomas@example.org"),
    ],
)
def test_an_address_that_is_named_gets_a_code_to_be_typed_here(plan: Desk, text: str, target: str) -> None:
    made = plan(text)
    assert targets(made) == [target]
    assert made.asks[0].by == SMS.id
    assert made.asks[0].source == 100
    assert topics(made) == ["asked_waiting" if target.startswith("whatsapp") else "asked"]
    assert made.handoff == ""
    assert made.to == SMS


@pytest.mark.parametrize(
    "text",
    [
        "my e-mail is broken",
        "my email is not working since yesterday",
        "I want to change the e-mail on my invoice",
        "please change the e-mail on my invoice to tomas@example.org",
        "my number is 5 on the list",
        "my number is on the invoice",
        "my order number is 4815162342",
        "is tomas@example.org my e-mail?",
        "my colleague's e-mail is tomas@example.org",
        "send it to tomas@example.org",
        "can you add tomas@example.org to my team",
        "I forgot my e-mail",
        "olvidé mi correo",
        "forget me",
        "forget it",
        "delete my account",
        "delete my data please",
        "mi correo no funciona",
        "quiero cambiar el correo de mi factura",
        "remove my e-mail from the newsletter",
        "Tel. +34 600 11 22 33",
        "E-mail: tomas@example.org",
        "tomas@example.org",
        "How do I link my bank account?",
    ],
)
def test_what_only_speaks_of_addresses_starts_nothing(plan: Desk, text: str) -> None:
    made = plan(text)
    assert made.asks == ()
    assert topics(made) == []


def test_two_addresses_in_one_message_get_a_code_each_and_more_than_that_none(plan: Desk) -> None:
    made = plan("My e-mail is tomas@example.org and my number is +34 611 22 33 44.")
    assert targets(made) == ["email:tomas@example.org", "sms:+34611223344"]
    made = plan("my e-mail is a@b.co. my e-mail is b@b.co. my e-mail is c@b.co. my e-mail is a@b.co.")
    assert targets(made) == ["email:a@b.co", "email:b@b.co"]


def test_what_else_is_said_is_answered_too(plan: Desk) -> None:
    made = plan("My e-mail is tomas@example.org, and how do I reset my password?")
    assert targets(made) == ["email:tomas@example.org"]
    assert MoveKind.ANSWER in {move.kind for move in made.moves}
    assert made.handoff == ""


def test_nothing_is_said_of_whether_an_address_is_known(plan: Desk) -> None:
    stranger, theirs = plan("my e-mail is old@example.org"), plan("my e-mail is old@example.org", others=[EMAIL])
    assert stranger.moves == theirs.moves
    assert stranger.asks == theirs.asks


# --- what is asked back ---


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("link my e-mail", "which_email"),
        ("vincula mi correo, por favor", "which_email"),
        ("link my WhatsApp", "which_number"),
        ("please link my number", "which_number"),
        ("/link", "which_address"),
        ("/link my dear friend", "which_address"),
        ("my e-mail is tomas@example", "unclear_email"),
        ("my email is tomas at example dot org", "unclear_email"),
        ("mi correo es tomas arroba example punto org", "unclear_email"),
        ("my number is 0170 1234567", "unclear_number"),
        ("mi número es 600 11 22 33", "unclear_number"),
        ("my e-mail is @tomas", "unclear_email"),
        ("link my telegram", "how_telegram"),
        ("my telegram is @tomas", "how_telegram"),
        ("¿cómo vinculo mi telegram?", "how_telegram"),
        ("enlaza mi telegram", "how_telegram"),
        ("link my slack", "how_slack"),
        ("my number is +34 600 11 22 33", "here"),
        ("unlink my e-mail", "none"),
    ],
)
def test_what_cannot_be_done_at_once_is_asked_or_told(plan: Desk, text: str, topic: str) -> None:
    made = plan(text)
    assert topics(made) == [topic]
    assert made.asks == ()
    assert made.handoff == ""


def test_the_address_alone_answers_the_question(plan: Desk) -> None:
    asked = (said_before("link my e-mail"), said_before("Sure. Which e-mail address is it?", Direction.OUT))
    assert targets(plan("tomas@example.org", before=asked)) == ["email:tomas@example.org"]
    assert targets(plan("It's tomas@example.org, thanks", before=asked)) == ["email:tomas@example.org"]
    odd = (said_before("my number is 0611 22 33 44"), said_before("With its country code?", Direction.OUT))
    assert targets(plan("+34 611 22 33 44", before=odd)) == ["sms:+34611223344"]
    twice = (*odd, said_before("611223344"), said_before("With its country code?", Direction.OUT))
    assert targets(plan("+34 611 22 33 44", before=twice)) == ["sms:+34611223344"]


@pytest.mark.parametrize(
    ("language", "link", "forget"),
    [
        ("en", "my email is", "forget my email"),
        ("es", "mi correo es", "olvida mi correo"),
        ("de", "Meine E-Mail ist", "Vergiss meine E-Mail"),
        ("fr", "mon e-mail est", "oublie mon e-mail"),
    ],
)
def test_what_the_article_tells_to_write_does_what_it_says(plan: Desk, language: str, link: str, forget: str) -> None:
    article = plan.knowledge.article("change-email", language)
    assert article is not None
    assert link in article.steps[0]
    assert targets(plan(f"{link} new@example.org", language=language)) == ["email:new@example.org"]
    assert forget in article.steps[2]
    made = plan(f"{forget} old@example.org", on=SMS, others=[EMAIL], language=language)
    assert [(ask.purpose, ask.about, ask.target) for ask in made.asks] == [(ProofPurpose.FORGET, EMAIL.id, SMS.address)]


def test_an_address_alone_answers_nothing_else(plan: Desk) -> None:
    assert plan("tomas@example.org", before=(said_before("how do I cancel?"),)).asks == ()
    done = (said_before("my e-mail is tomas@example.org"),)
    assert plan("other@example.org", before=done).asks == ()
    elsewhere = (said_before("link my e-mail", on=EMAIL),)
    assert plan("tomas@example.org", before=elsewhere).asks == ()


def test_the_address_may_come_with_the_next_message_of_the_same_turn(plan: Desk) -> None:
    made = plan("link my e-mail", "tomas@example.org")
    assert targets(made) == ["email:tomas@example.org"]
    assert topics(made) == ["asked"]


def test_where_the_company_does_not_write_it_says_so(plan: Desk) -> None:
    only_mail = replace(LINKING, spell={"email": _email})
    for text in ("link my telegram", "link my whatsapp", "my number is +34 611 22 33 44"):
        made = plan(text, on=EMAIL, linking=only_mail)
        assert [move.topic for move in made.moves if move.kind is MoveKind.CONFIRM] == ["channel_unknown"], text
        assert made.asks == ()


def test_a_number_is_one_on_whatsapp_where_there_is_no_sms(plan: Desk) -> None:
    spell = {"whatsapp": LINKING.spell["whatsapp"]}
    made = plan("my number is +34 611 22 33 44", on=EMAIL, linking=Linking(spell=spell))
    assert targets(made) == ["whatsapp:+34611223344"]
    assert topics(made) == ["asked"]


def test_who_writes_on_telegram_is_asked_what_to_link_it_with(plan: Desk) -> None:
    assert topics(plan("/link", on=TELEGRAM)) == ["which_address"]
    assert topics(plan("link my telegram", on=TELEGRAM)) == ["which_address"]
    assert topics(plan("link my number", on=TELEGRAM)) == ["which_number"]
    assert targets(plan("my number is +34 611 22 33 44", on=TELEGRAM)) == ["sms:+34611223344"]


def test_an_address_of_several_people_never_links(plan: Desk) -> None:
    made = plan("my e-mail is tomas@example.org", on=replace(SMS, shared=True))
    assert topics(made) == ["shared_here"]
    assert made.asks == ()


def test_who_said_stop_sends_codes_to_nobody(plan: Desk) -> None:
    assert plan("my e-mail is tomas@example.org", on=replace(SMS, stopped=True)).asks == ()


# --- undoing it ---


@pytest.mark.parametrize(
    ("text", "purpose", "about"),
    [
        ("unlink my e-mail", ProofPurpose.UNLINK, EMAIL),
        ("please unlink old@example.org", ProofPurpose.UNLINK, EMAIL),
        ("desvincula mi correo", ProofPurpose.UNLINK, EMAIL),
        ("/unlink my e-mail", ProofPurpose.UNLINK, EMAIL),
        ("olvida mi correo", ProofPurpose.FORGET, EMAIL),
        ("Olvida mi correo antiguo, por favor.", ProofPurpose.FORGET, EMAIL),
        ("forget my e-mail address", ProofPurpose.FORGET, EMAIL),
        ("don't use my e-mail any more", ProofPurpose.FORGET, EMAIL),
        ("forget this number", ProofPurpose.FORGET, SMS),
        ("olvida este número", ProofPurpose.FORGET, SMS),
        ("delete my number", ProofPurpose.FORGET, SMS),
        ("unlink +34 600 11 22 33", ProofPurpose.UNLINK, SMS),
        ("unlink my slack", ProofPurpose.UNLINK, SLACK),
        ("unlink nobody@example.org", ProofPurpose.UNLINK, None),
    ],
)
def test_undoing_asks_for_a_code_sent_and_typed_here(
    plan: Desk, text: str, purpose: ProofPurpose, about: KnownAddress | None
) -> None:
    made = plan(text, others=[EMAIL, SLACK])
    assert made.asks == (
        Ask(
            purpose=purpose,
            by=SMS.id,
            target=SMS.address,
            about=about.id if about else None,
            source=MessageId(100),
        ),
    )
    assert made.moves == ()  # the message with the code says it all
    assert made.handoff == ""


def test_of_several_of_a_kind_the_one_that_is_meant_is_asked_for(plan: Desk) -> None:
    second = replace(EMAIL, id=AddressId(9), address=Address("email", "new@example.org"))
    made = plan("unlink my e-mail", others=[EMAIL, second])
    assert topics(made) == ["several"]
    before = (said_before("unlink my e-mail"), said_before("Which one?", Direction.OUT))
    made = plan("new@example.org", others=[EMAIL, second], before=before)
    assert [ask.about for ask in made.asks] == [second.id]


# --- codes that were typed ---


def tried(purpose: ProofPurpose = ProofPurpose.LINK, *, right: bool = True, left: int = 4, **fields: object) -> Tried:
    request = ProofRequest(
        id=1,
        purpose=purpose,
        by=SMS.id,
        target=EMAIL.id,
        to=EMAIL.address,
        about=None,
        source=MessageId(50),
        code_hash=b"",
        tries=0,
    )
    request = replace(request, **fields)  # type: ignore[arg-type]
    return Tried(request, MessageId(100), right=right, left=left, text="481 5162")


@pytest.mark.parametrize(
    ("one", "topic"),
    [
        (tried(), "linked"),
        (tried(shared=True), "shared"),
        (tried(ProofPurpose.UNLINK), "unlinked"),
        (tried(ProofPurpose.FORGET, about=EMAIL.id), "forgotten"),
        (tried(ProofPurpose.FORGET, about=SMS.id), "forgotten_here"),
        (tried(right=False), "wrong"),
        (tried(right=False, left=1), "wrong_last"),
        (tried(right=False, left=0), "void"),
        (tried(right=False, left=0, over="void"), "void"),
        (tried(right=False, left=0, over="expired"), "expired"),
    ],
)
def test_a_code_in_a_sentence_gets_its_answer_and_nothing_else(plan: Desk, one: Tried, topic: str) -> None:
    for text in ("481 5162", "The code is 481 5162."):
        made = plan(text, tried=[one])
        assert [move.topic for move in made.moves] == [topic]
        assert made.handoff == ""
        assert not made.unsolicited


@pytest.mark.parametrize("over", ["void", "expired"])
def test_a_number_that_is_no_code_is_not_taken_for_one_that_is_over(plan: Desk, over: str) -> None:
    """Whoever names their customer number an hour after a code has run out wants an answer."""
    made = plan("I am customer 481 5162, how do I reset my password?", tried=[tried(right=False, left=0, over=over)])
    assert [move.kind for move in made.moves] == [MoveKind.ANSWER]


def test_a_question_with_a_number_that_counts_as_a_wrong_code_is_answered_too(plan: Desk) -> None:
    made = plan("I am customer 481 5162, how do I reset my password?", tried=[tried(right=False, left=3)])
    assert [move.kind for move in made.moves] == [MoveKind.PROVE, MoveKind.ANSWER]


def test_what_stands_beside_a_code_is_answered_too(plan: Desk) -> None:
    made = plan("The code is 481 5162. How do I reset my password?", tried=[tried()])
    assert [move.kind for move in made.moves] == [MoveKind.PROVE, MoveKind.ANSWER]


def test_who_forgets_where_they_write_gets_the_last_word_past_the_gate(plan: Desk) -> None:
    assert plan("481 5162", tried=[tried(ProofPurpose.FORGET, about=SMS.id)]).confirms_stop
    assert not plan("481 5162", tried=[tried(ProofPurpose.FORGET, about=EMAIL.id)]).confirms_stop


def test_how_many_tries_are_left_is_told(plan: Desk) -> None:
    [move] = plan("481 5162", tried=[tried(right=False, left=3)]).moves
    assert move.facts["left"] == "3"


def test_a_code_that_nobody_asked_for_here_is_told_where_it_belongs(plan: Desk) -> None:
    assert topics(plan("The code is 481 5162")) == ["no_request"]
    assert topics(plan("mi código es 4815162")) == ["no_request"]
    assert topics(plan("How many digits has the code 481?")) == []


def test_a_shared_own_number_is_thanked_for(plan: Desk) -> None:
    made = plan("Tomás Ruiz: +34600112233", on=TELEGRAM, own_number=True)
    assert topics(made) == ["own_number"]
    assert made.handoff == ""


# --- tokens that were shown ---


@pytest.mark.parametrize(("flag", "topic"), [("token", "token"), ("token_void", "token_void")])
@pytest.mark.parametrize(
    "text", ["/link …", "/start …", "Hello,\n\n/link …\n", "…", "https://bot.example.com/identity/link?token=…"]
)
def test_who_shows_a_token_is_told_what_it_came_to(plan: Desk, text: str, flag: str, topic: str) -> None:
    made = plan(text, flags=(flag,))
    assert topics(made) == [topic]
    assert made.handoff == ""
    assert made.asks == ()
    assert made.unsolicited == (flag == "token_void")


def test_a_telegram_link_after_stop_opens_the_address_and_links(plan: Desk) -> None:
    made = plan("/start …", flags=("token", "start"))
    assert [move.topic for move in made.moves] == ["opening", "token", "started"]


def test_what_stands_beside_a_token_is_answered_too(plan: Desk) -> None:
    made = plan("/link …\nHow do I reset my password?", flags=("token",))
    assert [move.kind for move in made.moves] == [MoveKind.PROVE, MoveKind.ANSWER]


def test_of_several_tokens_the_one_that_counts_is_spoken_of(plan: Desk) -> None:
    assert topics(plan("/link …\n/link …", flags=("token", "token_void"))) == ["token"]

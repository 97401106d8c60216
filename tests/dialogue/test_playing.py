"""Turns that a playbook decides: cause, answer, question back, hand-off with a promise, next step, what is personal."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from omnibot.dialogue import Company, Knowledge, Team, decide
from omnibot.model import (
    OUT_OF_SCOPE,
    Address,
    AddressId,
    Alternative,
    Attempt,
    BusinessHours,
    Case,
    CaseId,
    CaseState,
    Choice,
    Complexity,
    CustomerId,
    Direction,
    EarlierTurn,
    Emotions,
    Entity,
    Event,
    Evidence,
    Expertise,
    Intent,
    KnownAddress,
    Length,
    Level,
    MessageId,
    Money,
    MoveKind,
    Plan,
    Preferences,
    Proof,
    Reading,
    Recollection,
    Register,
    Result,
    Sentiment,
    Signal,
    Snapshot,
    TimelineMessage,
    TurnMessage,
    Urgency,
)
from omnibot.playbooks import Playbooks

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 4, 12, tzinfo=BERLIN)  # a Wednesday
TELEGRAM = KnownAddress(id=AddressId(1), address=Address("telegram", "4711"), proof=Proof.PROVEN, account="main")
EMAIL = KnownAddress(id=AddressId(2), address=Address("email", "s@example.org"), proof=Proof.PROVEN, account="main")
UNREAD = Signal(0.0, 0.0, known=False)

BILL = """\
intent: bill
description: Somebody does not understand a bill.
examples: {en: [why is my bill higher]}
matter:
  en: your bill
  de: {casual: deine Rechnung, formal: Ihre Rechnung}
family: billing
causes:
  - id: upgrade
    when: event('plan_changed').days_ago <= 62 and event('plan_changed').plan > ''
    say:
      en: {casual: "Your move to {plan} {date, on} explains it.", formal: "The move to {plan} {date, on} explains it."}
      de: "Der Wechsel zu {plan} {date, on} erklärt es."
    facts: {plan: "event('plan_changed').plan", date: "event('plan_changed').date"}
  - id: payment
    when: event('payment_failed').days_ago < 30
    say: {en: "A payment of {amount} failed."}
    facts: {amount: "money(event('payment_failed').amount, event('payment_failed').currency)"}
answers:
  - {when: "reading.expertise == 'expert'", article: bill-lines}
  - {article: bill}
  - {when: "tried('bill')", article: bill-more}
next: {en: "Shall I compare it with the last one?", es: "¿La comparo con la anterior?"}
"""
INVOICES = """\
intent: invoices
description: Somebody wants an invoice.
examples: {en: [send me my invoice]}
matter: {en: an invoice that you need, de: eine andere Rechnung}
family: billing
topic: "{invoice}"
ask: {when: "not entity('invoice')", key: which-invoice, say: {en: "Which invoice is it?", es: "¿Qué factura es?"}}
answers: [{article: invoices}]
next: {en: "Invoice {invoice} stays there for ten years."}
"""
TIMEOUT = """\
intent: api-timeout
description: Calls of the API time out.
examples: {en: [the API times out]}
matter: {en: the API timeout}
topic: "{error_code}"
handoff: {when: "case.contacts >= 3 or tried('timeout-hard')", team: senior, priority: high, within: 4h}
answers: [{article: timeout}]
"""
CANCEL = """\
intent: cancel
description: Somebody wants to leave.
examples: {en: [cancel my plan]}
handoff: {team: support, within: 1d}
"""
JOY = "intent: joy\ndescription: Somebody is happy.\ncase: none\nexamples: {en: [lovely]}\n"
QUIET = "intent: praise\ndescription: Somebody is happy.\nexamples: {en: [great product]}\n"

ARTICLES = {
    "bill.en": ("bill", "Why a bill changed", "1. Open the latest invoice.\n2. Compare it with the one before.\n", ""),
    "bill-lines.en": ("bill-lines", "The lines of an invoice", "", ""),
    "bill-more.en": ("bill-more", "Further reasons for a bill", "", ""),
    "bill.de": ("bill", "Warum sich eine Rechnung ändert", "", ""),
    "invoices.en": (
        "invoices",
        "Where invoices are",
        "1. Open Settings.\n",
        "- [Invoices](https://example.com/1)\n- [Billing](https://example.com/2)\n- [More](https://example.com/3)\n",
    ),
    "timeout.en": ("timeout", "When calls time out", "1. Restart the gateway.\n2. Clear the cache.\n", ""),
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder: Path = tmp_path_factory.mktemp("company")
    for name, text in {
        "bill": BILL,
        "invoices": INVOICES,
        "timeout": TIMEOUT,
        "cancel": CANCEL,
        "quiet": QUIET,
        "joy": JOY,
    }.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, (id_, title, steps, resources) in ARTICLES.items():
        language = name.rpartition(".")[2]
        text = (
            f"---\nid: {id_}\ntitle: {title}\nlanguage: {language}\nquestions: [{title}]\nkeywords: [zzz{id_}]\n---\n"
        )
        text += f"## short\nShort of {id_}.\n\n## detailed\nDetailed of {id_}.\n"
        text += f"\n## steps\n{steps}" if steps else ""
        text += f"\n## resources\n{resources}" if resources else ""
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return Company(
        Knowledge.load(folder),
        Playbooks.load(folder),
        zone=BERLIN,
        teams={
            "senior": Team(key="senior", names={"en": "our senior team"}, zone=BERLIN),
            "support": Team(key="support", hours=BusinessHours(opens=time(8), closes=time(16)), zone=BERLIN),
        },
    )


def reading(intent: str = "bill", language: str = "en", **fields: object) -> Reading:
    alternatives = fields.pop("alternatives", ())
    confidence = fields.pop("confidence", 0.9)
    known = fields.pop("known", True)
    return replace(
        Reading(
            language=Signal(language, 0.99),
            sentiment=Sentiment(0.0, 0.0, known=False),
            urgency=Signal(Urgency.NORMAL, 0.0, known=False),
            intent=Intent(intent, confidence, known=known, alternatives=alternatives),  # type: ignore[arg-type]
        ),
        **fields,  # type: ignore[arg-type]
    )


def feeling(**emotions: float) -> Emotions:
    names = ("frustration", "confusion", "satisfaction", "excitement")
    return Emotions(**{name: Signal(emotions[name], 0.9) if name in emotions else UNREAD for name in names})


def event(name: str, days: float, **properties: str | float) -> Event:
    return Event(id=f"e-{name}-{days}", name=name, at=NOON - timedelta(days=days), properties=properties)


def customer(**fields: object) -> Snapshot:
    return Snapshot(
        **{
            "customer": CustomerId(1),
            "addresses": (TELEGRAM, EMAIL),
            "name": "Sarah Miller",
            "trusted": frozenset({TELEGRAM.id, EMAIL.id}),
            **fields,
        }  # type: ignore[arg-type]
    )


def ours(
    text: str = "You're welcome.", minutes: float = 5, on: KnownAddress = TELEGRAM, **fields: object
) -> TimelineMessage:
    return TimelineMessage(
        **{
            "id": MessageId(round(1000 - minutes)),
            "customer": CustomerId(1),
            "address": on.address,
            "direction": Direction.OUT,
            "at": NOON - timedelta(minutes=minutes),
            "text": text,
            **fields,
        }  # type: ignore[arg-type]
    )


def case(intent: str, **fields: object) -> Case:
    return Case(
        **{
            "id": CaseId(7),
            "intent": intent,
            "state": CaseState.WAITING,
            "opened_at": NOON - timedelta(days=3),
            "touched_at": NOON - timedelta(days=1),
            **fields,
        }  # type: ignore[arg-type]
    )


def told(what: str, result: Result = Result.UNKNOWN, by: str = "bot") -> Attempt:
    return Attempt(what=what, by=by, at=NOON - timedelta(days=2), result=result)


MET = Recollection(recent=(ours(),))


class Deciding:
    """Decides about a question with everything else as usual."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def __call__(
        self,
        text: str = "What is going on there?",
        *,
        read: Reading | None = None,
        known: Snapshot | None = None,
        memory: Recollection = MET,
        level: Level = Level.EMOTION,
        on: KnownAddress = TELEGRAM,
        **fields: object,
    ) -> Plan:
        message = TurnMessage(id=MessageId(2000), address=on.id, at=NOON, text=text, **fields)  # type: ignore[arg-type]
        company = replace(self.company, level=level)
        channels = {"telegram", "email"}
        return decide(known or customer(), read or reading(), memory, [message], company, channels)


@pytest.fixture(scope="module")
def plan(company: Company) -> Deciding:
    return Deciding(company)


def said(plan: Plan) -> list[str]:
    return [f"{move.kind.value}.{move.topic}" for move in plan.moves]


def facts(plan: Plan, name: str) -> Mapping[str, object]:
    return next(move.facts for move in plan.moves if f"{move.kind.value}.{move.topic}" == name)


# --- cause ---


def test_the_first_likely_cause_that_holds_is_told_with_its_facts_and_what_it_rests_on(plan: Deciding) -> None:
    upgraded = customer(events=(event("plan_changed", 400, plan="Starter"), event("plan_changed", 33, plan="Pro")))
    told = plan(known=upgraded)
    assert said(told) == ["cause.bill.upgrade", "answer.bill", "next.bill"]
    [cause] = [move for move in told.moves if move.kind is MoveKind.CAUSE]
    assert cause.facts == {"plan": "Pro", "date": (NOON - timedelta(days=33)).date()}
    assert cause.said[Register.FORMAL] == "The move to {plan} {date, on} explains it."
    assert cause.sources == ("event:e-plan_changed-33",)


def test_without_the_event_no_cause_is_told(plan: Deciding) -> None:
    """What disclosure left out of the snapshot cannot be told, nor what has not happened yet, nor what is long ago."""
    for events in ((), (event("plan_changed", -3, plan="Pro"),), (event("plan_changed", 63, plan="Pro"),)):
        assert said(plan(known=customer(events=events))) == ["answer.bill", "next.bill"]


def test_a_cause_whose_places_stay_empty_is_passed_over(plan: Deciding) -> None:
    failed = event("payment_failed", 3, amount=39.5, currency="eur")
    told = plan(known=customer(events=(failed, event("plan_changed", 33))))
    assert said(told) == ["cause.bill.payment", "answer.bill", "next.bill"]
    [amount] = facts(told, "cause.bill.payment").values()
    assert isinstance(amount, Money)
    assert (str(amount.amount), amount.currency) == ("39.5", "EUR")
    odd = event("payment_failed", 3, amount="much", currency="eur")
    assert said(plan(known=customer(events=(odd,)))) == ["answer.bill", "next.bill"]


def test_what_is_not_written_in_their_language_is_left_out(plan: Deciding) -> None:
    upgraded = customer(events=(event("plan_changed", 33, plan="Pro"),))
    german = plan("Was ist denn da los?", read=reading(language="de"), known=upgraded)
    assert said(german) == ["cause.bill.upgrade", "answer.bill"]
    assert facts(german, "answer.bill")["language"] == "de"


# --- answer ---


def test_who_knows_what_things_are_made_of_gets_the_experts_answer(plan: Deciding) -> None:
    expert = plan(read=reading(expertise=Signal(Expertise.EXPERT, 0.9)))
    assert said(expert) == ["answer.bill-lines", "next.bill"]
    assert expert.preferences.complexity is Complexity.TECHNICAL
    assert "by its playbook bill: reading.expertise == 'expert'" in expert.why
    unsure = plan(read=reading(expertise=Signal(Expertise.EXPERT, 0.3, known=False)))
    assert said(unsure) == ["answer.bill", "next.bill"]


def test_a_step_that_was_tried_is_not_told_again(plan: Deciding) -> None:
    tried = case("bill", attempts=(told("article:bill#1", Result.FAILED),))
    memory = replace(MET, case=tried, is_contact=False)
    answered = plan(memory=memory)
    assert facts(answered, "answer.bill")["steps"] == "Compare it with the one before."
    assert "without steps that were tried: 1" in answered.why
    in_words = replace(MET, case=case("bill", attempts=(told("opened the latest invoice", by="customer"),)))
    assert facts(plan(memory=in_words), "answer.bill")["steps"] == "Compare it with the one before."


def test_an_answer_that_did_not_help_is_followed_by_the_next_one(plan: Deciding) -> None:
    for attempts in (
        (told("article:bill", Result.FAILED),),
        (told("article:bill"),),  # they come again with it
        (told("article:bill#1", Result.FAILED), told("article:bill#2", Result.FAILED)),
    ):
        memory = replace(MET, case=case("bill", attempts=attempts), contacts=2)
        assert "answer.bill-more" in said(plan(memory=memory)), attempts


def test_what_worked_may_be_told_again(plan: Deciding) -> None:
    memory = replace(MET, case=case("bill", attempts=(told("article:bill", Result.WORKED),)), contacts=2)
    assert "answer.bill" in said(plan(memory=memory))


def test_where_nothing_is_left_people_take_over(plan: Deciding) -> None:
    attempts = (told("article:bill", Result.FAILED), told("article:bill-more", Result.FAILED))
    memory = replace(MET, case=case("bill", attempts=attempts), contacts=2)
    given_up = plan(memory=memory)
    assert said(given_up) == ["history.again", "history.tried", "handoff.escalated"]
    assert facts(given_up, "history.tried")["steps"] == ("Why a bill changed", "Further reasons for a bill")
    assert given_up.handoff == "was told “Why a bill changed”, “Further reasons for a bill”, which did not help"
    assert "bill-more" in given_up.why
    assert given_up.case is not None
    assert (given_up.case.id, given_up.case.state) == (7, CaseState.HANDED_OFF)


def test_still_not_working_goes_on_with_the_matter(plan: Deciding) -> None:
    short = ours("Short of bill.", 1)
    memory = Recollection(recent=(short,), case=case("bill", attempts=(told("article:bill"),)), is_contact=False)
    nothing_known = reading(OUT_OF_SCOPE, known=False)
    again = plan("still not working", read=nothing_known, memory=replace(memory, solved=False))
    assert said(again) == ["answer.bill-more"]
    timeouts = replace(memory, recent=(ours("Short of timeout.", 1),), case=case("api-timeout"), solved=False)
    assert said(plan("still not working", read=nothing_known, memory=timeouts)) == ["handoff.repeat", "promise.by"]


def test_who_answers_our_question_goes_on_with_the_matter(plan: Deciding) -> None:
    waiting = case("invoices", asked=("which-invoice",))
    memory = Recollection(recent=(ours("Which invoice is it?", 1),), case=waiting, is_contact=False)
    answered = plan("the one from May", read=reading(OUT_OF_SCOPE, known=False), memory=memory)
    assert said(answered) == ["answer.invoices"]
    assert answered.handoff == ""


# What stands after "Short of timeout." was told; nothing in these few words says that it was no help.
ANSWERED = Recollection(
    recent=(ours("Short of timeout.", 1),),
    case=case("api-timeout", attempts=(told("article:timeout"),)),
    is_contact=False,
)
UNKNOWN = reading(OUT_OF_SCOPE, known=False)


@pytest.mark.parametrize(
    ("text", "asked"), [("lol", "ask.unclear"), ("foo", "ask.unclear"), ("what does that mean?", "ask.unclear_part")]
)
def test_a_few_words_behind_an_answer_are_asked_back_about(plan: Deciding, text: str, asked: str) -> None:
    back = plan(text, read=UNKNOWN, memory=ANSWERED)
    assert (said(back), back.handoff, back.priority) == ([asked], "", "")
    assert back.case is not None
    assert (back.case.state, back.case.asked) == (CaseState.WAITING, (asked.removeprefix("ask."),))


def test_who_was_asked_back_and_stays_unclear_is_passed_on(plan: Deciding) -> None:
    asked = case("api-timeout", attempts=(told("article:timeout"),), asked=("unclear",))
    memory = replace(ANSWERED, recent=(ours("What else can I tell you?", 1),), case=asked)
    passed_on = plan("foo", read=UNKNOWN, memory=memory)
    assert said(passed_on) == ["handoff.team"]
    assert passed_on.handoff == "was asked what they mean, and it is still not clear"
    assert passed_on.priority == ""


def test_nothing_is_said_to_have_failed_without_a_sign_of_it(plan: Deciding) -> None:
    again = plan("the API times out", read=reading("api-timeout"), memory=ANSWERED)
    assert (again.handoff, again.priority) == ("was told “When calls time out”, and writes of it again", "")
    cross = plan("lol", read=replace(UNKNOWN, sentiment=Sentiment(-0.6, 0.9)), memory=ANSWERED)
    assert "which did not help" in cross.handoff
    assert cross.priority == "high"


def test_a_playbook_without_anything_to_do_changes_nothing(plan: Deciding) -> None:
    assert said(plan("You've built a lovely thing", read=reading("praise"))) == ["handoff.unknown"]


def test_praise_is_thanked_for_and_nobody_is_called(plan: Deciding) -> None:
    glad = plan("You've built a lovely thing", read=reading("joy"))
    assert said(glad) == ["close.praise"]
    assert glad.handoff == ""
    assert said(plan("You've built a lovely thing, who painted it?", read=reading("joy"))) == ["handoff.unknown"]
    assert said(plan("A lovely thing " * 10, read=reading("joy"))) == ["handoff.unknown"]  # there may be more in it
    cross = reading("joy", sentiment=Sentiment(-0.3, 0.9))
    assert said(plan("A lovely mess", read=cross)) == ["handoff.unknown"]


def test_who_tells_their_name_and_what_is_wrong_is_helped_with_it(plan: Deciding) -> None:
    both = plan("My name is Kate. That bill surprised.", known=customer(name=""))
    assert said(both)[:2] == ["confirm.name_set", "answer.bill"]
    assert said(plan("Thanks. That bill surprised.")) == ["close.thanks"]  # a word beside it, no more


def test_it_works_now_is_no_question(plan: Deciding) -> None:
    memory = Recollection(recent=(ours("Short of bill.", 1),), case=case("bill"), solved=True)
    for read in (reading(OUT_OF_SCOPE), reading("bill"), reading("bill", known=False)):
        works = plan("runs like clockwork", read=read, memory=memory)
        assert (said(works), works.handoff) == (["close.solved"], "")
    asks = plan("runs like clockwork, send me that document", read=reading("invoices"), memory=memory)
    assert said(asks) == ["ask.which-invoice"]


def test_what_people_have_taken_over_is_not_answered_from_the_beginning(plan: Deciding) -> None:
    taken = case("api-timeout", state=CaseState.HANDED_OFF, attempts=(told("article:timeout"),))
    memory = Recollection(recent=(ours("A colleague will write.", 1),), case=taken)
    again = plan(read=reading("api-timeout"), memory=memory)
    assert [move.kind for move in again.moves] == [MoveKind.HANDOFF, MoveKind.PROMISE]
    other = plan("gibberish and nonsense", read=reading("bill", known=False), memory=memory)
    assert said(other) == ["handoff.unknown"]


def test_two_questions_get_both_answers(plan: Deciding) -> None:
    both = plan("Why a bill changed? And when calls time out?", read=reading("bill"))
    assert said(both) == ["answer.bill", "answer.timeout", "next.bill"]


def test_a_second_question_without_an_answer_goes_to_people(plan: Deciding) -> None:
    rest = plan("What is going on there? And who painted the Mona Lisa?")
    assert said(rest) == ["answer.bill", "handoff.rest"]
    assert rest.team == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie ändert sich eine Rechnung und wie backe ich Kuchen?", "de"),
        ("Why a bill changed and how do I bake a cake?", "en"),
        ("How is this computed and how do I bake a cake?", "en"),
    ],
)
def test_a_second_question_in_the_same_breath_is_not_passed_over(plan: Deciding, text: str, language: str) -> None:
    rest = plan(text, read=reading("bill", language))
    assert said(rest)[:2] == ["answer.bill", "handoff.rest"]


def test_a_playbook_whose_article_answers_the_one_question_covers_no_other(plan: Deciding) -> None:
    rest = plan("Why a bill changed? And who painted the Mona Lisa?", read=reading("bill"))
    assert said(rest)[:2] == ["answer.bill", "handoff.rest"]


@pytest.mark.parametrize(
    "text", ["Why a bill changed? Can you help me?", "Why a bill changed? Any ideas? What should I do?"]
)
def test_who_asks_once_more_for_help_has_asked_for_nothing_else(plan: Deciding, text: str) -> None:
    assert plan(text, read=reading("bill")).handoff == ""


def test_what_a_playbook_covers_does_not_hide_the_question_that_an_article_answers(plan: Deciding) -> None:
    both = plan("When calls time out? And what is the matter with my payment?", read=reading("bill"))
    assert [one for one in said(both) if one.startswith("answer")] == ["answer.bill", "answer.timeout"]
    assert both.handoff == ""


def test_who_threatens_to_leave_is_not_shown_the_door_by_what_is_shipped() -> None:
    ours_ = Path(__file__).parents[2] / "config"
    shipped = Deciding(Company(Knowledge.load(ours_ / "knowledge"), Playbooks.load(ours_ / "playbooks")))
    asks = shipped("How do I cancel my plan?", read=reading("cancellation"))
    assert "answer.cancel" in said(asks)
    fed_up = reading("cancellation", emotions=feeling(frustration=0.91), sentiment=Sentiment(-0.68, 0.9))
    threatens = shipped("I'm cancelling if nobody answers", read=fed_up)
    assert "answer.cancel" not in said(threatens)
    assert threatens.team == "senior"


@pytest.mark.parametrize("read", [reading("bill-changed"), reading(OUT_OF_SCOPE, known=False)])
@pytest.mark.parametrize("text", ["line 3", "The second line", "It's the one with the extra users"])
def test_who_tells_which_line_they_mean_gets_the_colleague_who_was_offered(text: str, read: Reading) -> None:
    config = Path(__file__).parents[2] / "config"
    shipped = Deciding(Company(Knowledge.load(config / "knowledge"), Playbooks.load(config / "playbooks")))
    answered = shipped("Why is my bill higher?", read=reading("bill-changed"))
    assert said(answered) == ["answer.bill-changed", "next.bill-changed"]
    assert "a colleague" in answered.moves[-1].said[Register.CASUAL]
    told_ = ours(str(answered.moves[0].facts["short"]), 1)
    waits = case("bill-changed", touched_at=NOON, attempts=(told("article:bill-changed"),))
    named = shipped(text, read=read, memory=Recollection(recent=(told_,), case=waits, is_contact=False))
    assert [move.kind for move in named.moves] == [MoveKind.HANDOFF]
    assert named.team == "support"


def asked_how_long(company: Company, touched_at: datetime, **memory: object) -> Plan:
    """Of a refund that people were given then."""
    config = Path(__file__).parents[2] / "config"
    teams = {key: replace(team, zone=BERLIN) for key, team in company.teams.items()}
    shipped = Company(Knowledge.load(config / "knowledge"), Playbooks.load(config / "playbooks"), teams=teams)
    theirs = case("refund", state=CaseState.HANDED_OFF, team="support", touched_at=touched_at)
    recent = (ours("A colleague will write.", 1),)
    remembered = Recollection(**{"recent": recent, "case": theirs, "is_contact": False, **memory})  # type: ignore[arg-type]
    return Deciding(shipped)("And how long will it take?", read=reading("request-status"), memory=remembered)


def test_who_asks_how_long_people_take_is_told_no_other_time_than_before(company: Company) -> None:
    """A refund is looked at within a working day; the playbook of news would say eight hours from now."""
    told = asked_how_long(company, NOON - timedelta(minutes=100))
    assert said(told) == ["handoff.waiting", "promise.by"]
    assert facts(told, "promise.by")["by"] == NOON + timedelta(days=1, minutes=-90)


@pytest.mark.parametrize(("days", "memory"), [(3, {}), (0, {"is_contact": True})])
def test_a_time_that_is_over_or_of_another_contact_is_not_told_again(
    company: Company, days: int, memory: dict[str, object]
) -> None:
    told = asked_how_long(company, NOON - timedelta(days=days, minutes=100), **memory)
    assert facts(told, "promise.by")["by"] == NOON + timedelta(days=1)


def test_one_question_in_two_clauses_is_one(plan: Deciding) -> None:
    assert "handoff.rest" not in said(plan("Why a bill changed, and what can I do?"))


# --- question ---


def test_what_has_to_be_known_first_is_asked_and_the_matter_waits(plan: Deciding) -> None:
    asking = plan(read=reading("invoices"))
    assert said(asking) == ["ask.which-invoice"]
    assert asking.moves[0].said[Register.CASUAL] == "Which invoice is it?"
    assert asking.case is not None
    assert (asking.case.id, asking.case.intent, asking.case.state) == (None, "invoices", CaseState.WAITING)
    assert asking.case.asked == ("which-invoice",)
    assert asking.case.concern == "What is going on there?"


def test_what_is_named_is_not_asked_for(plan: Deciding) -> None:
    named = reading("invoices", entities=(Entity("invoice", "INV-7", "INV-7", 0, 5),))
    answered = plan(read=named)
    assert said(answered) == ["answer.invoices", "next.invoices"]
    assert facts(answered, "next.invoices") == {"invoice": "INV-7"}


def test_nothing_is_asked_twice(plan: Deciding) -> None:
    memory = replace(MET, case=case("invoices", asked=("which-invoice",)))
    assert "ask.which-invoice" not in said(plan(read=reading("invoices"), memory=memory))


def test_a_question_is_asked_in_the_companys_language_rather_than_not_at_all(plan: Deciding) -> None:
    asking = plan("Quelle facture?", read=reading("invoices", language="fr"))
    assert said(asking) == ["ask.which-invoice"]
    assert asking.moves[0].said[Register.FORMAL] == "Which invoice is it?"


CLOSE = {"confidence": 0.48, "known": False, "alternatives": (Alternative("invoices", 0.41),)}


def test_where_two_are_meant_alike_it_is_asked_which(plan: Deciding) -> None:
    asking = plan(read=reading("bill", **CLOSE))
    assert said(asking) == ["ask.which"]
    assert asking.moves[0].facts == {
        "choice.intent:bill": "Your bill",
        "choice.intent:invoices": "An invoice that you need",
    }
    assert asking.case is not None
    assert asking.case.asked == ("which:bill|invoices",)


@pytest.mark.parametrize(
    ("register", "label"), [(Register.CASUAL, "Deine Rechnung"), (Register.FORMAL, "Ihre Rechnung")]
)
def test_what_is_offered_addresses_them_as_the_question_does(plan: Deciding, register: Register, label: str) -> None:
    told = Deciding(replace(plan.company, registers={"de": register}))
    [asking] = told(read=reading("bill", language="de", **CLOSE)).moves
    assert asking.facts["choice.intent:bill"] == label


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(reading("bill", confidence=0.48, known=False), id="one alone"),
        pytest.param(reading("bill", **CLOSE | {"confidence": 0.6}), id="far apart"),
        pytest.param(reading("bill", **CLOSE | {"confidence": 0.2}), id="both unlikely"),
        pytest.param(
            reading("bill", confidence=0.4, known=False, alternatives=(Alternative("praise", 0.4),)), id="nothing to do"
        ),
        pytest.param(
            reading("bill", confidence=0.4, known=False, alternatives=(Alternative("cancel", 0.4),)), id="no label"
        ),
        pytest.param(reading("bill", language="es", **CLOSE), id="no label in that language"),
    ],
)
def test_where_one_is_clear_or_cannot_be_offered_it_is_not_asked(plan: Deciding, read: Reading) -> None:
    assert "ask.which" not in said(plan(read=read))


def test_who_presses_a_choice_goes_on_with_what_they_asked_first(plan: Deciding) -> None:
    choices = (Choice("Your bill", "intent:bill"), Choice("An invoice that you need", "intent:invoices"))
    first = ours("Why did you take 40 euros more?", 3, direction=Direction.IN)
    offer = ours("Which of the two do you mean?", 2, choices=choices)
    memory = Recollection(recent=(first, offer))
    upgraded = customer(events=(event("plan_changed", 33, plan="Pro"),))
    unread = reading(OUT_OF_SCOPE, known=False)
    for pressed in (
        plan("Your bill", read=unread, memory=memory, known=upgraded, pressed="intent:bill"),
        plan("1", read=unread, memory=memory, known=upgraded),
        plan("your bill", read=unread, memory=memory, known=upgraded),
    ):
        assert said(pressed) == ["cause.bill.upgrade", "answer.bill", "next.bill"]
        assert pressed.handoff == ""
    assert pressed.case is not None
    assert (pressed.case.id, pressed.case.intent) == (None, "bill")
    asked = replace(memory, case=case("invoices", asked=("which:bill|invoices",)), is_contact=False)
    known_then = plan("1", read=unread, memory=asked, known=upgraded)
    assert known_then.case is not None
    assert (known_then.case.id, known_then.case.intent) == (7, "bill")
    elsewhere = replace(memory, case=case("invoices", asked=("which-invoice",)), is_contact=False)
    another = plan("1", read=unread, memory=elsewhere, known=upgraded)
    assert another.case is not None
    assert another.case.id is None
    still = plan("whatever", read=reading("bill", **CLOSE), memory=memory)
    assert "ask.which" not in said(still)  # it was offered a moment ago


# --- people ---


def test_the_third_contact_goes_to_the_senior_team_with_a_promise(plan: Deciding) -> None:
    """Mike: the same timeout for the third time, on a third channel; two have helped, two steps were tried."""
    attempts = (told("article:timeout"), told("rotated the key", by="Ana"), told("cleared the cache", by="Ben"))
    memory = Recollection(
        recent=(ours(),),
        case=case("api-timeout", channels=("sms", "email"), attempts=attempts, topic="E-504"),
        contacts=3,
        agents=("Ana", "Ben"),
    )
    read = reading("api-timeout", emotions=feeling(frustration=0.8), expertise=Signal(Expertise.EXPERT, 0.9))
    escalated = plan("The API still times out!", read=read, memory=memory)
    assert said(escalated) == [
        "mood.frustrated",
        "history.again",
        "history.helped_by",
        "history.tried",
        "handoff.escalated",
        "promise.by",
    ]
    again = facts(escalated, "history.again")
    assert (again["contacts"], again["matter"]) == (3, "the API timeout")
    assert again["channels"] == ("sms", "email", "telegram")
    assert facts(escalated, "history.helped_by")["names"] == ("Ana", "Ben")
    assert facts(escalated, "history.tried")["steps"] == ("rotated the key", "cleared the cache")
    assert facts(escalated, "handoff.escalated") == {"team": "our senior team", "matter": "the API timeout"}
    assert facts(escalated, "promise.by") == {"team": "our senior team", "by": NOON + timedelta(hours=4)}
    assert (escalated.team, escalated.priority) == ("senior", "high")
    assert escalated.handoff.startswith("has come 3 times about “api timeout”")
    assert "by its playbook api-timeout: case.contacts >= 3" in escalated.why
    assert escalated.case is not None
    assert (escalated.case.state, escalated.case.topic) == (CaseState.HANDED_OFF, "E-504")


def test_a_promise_waits_until_the_team_opens(plan: Deciding) -> None:
    late = plan("I want to go.", read=reading("cancel"), known=customer(preferences=Preferences(zone="Asia/Tokyo")))
    assert said(late) == ["handoff.team", "promise.by"]
    assert facts(late, "promise.by")["by"] == NOON + timedelta(days=1)
    assert late.zone == ZoneInfo("Asia/Tokyo")
    message = TurnMessage(id=MessageId(2000), address=TELEGRAM.id, at=NOON + timedelta(hours=6), text="I want to go.")
    evening = decide(customer(), reading("cancel"), MET, [message], plan.company, {"telegram"})
    opens = datetime(2026, 3, 5, 8, tzinfo=BERLIN)
    assert facts(evening, "promise.by") | {"team": ""} == {"team": "", "by": opens + timedelta(days=1), "opens": opens}


def test_a_handoff_may_be_said_in_the_companys_own_words(plan: Deciding, tmp_path: Path) -> None:
    say = '{when: "now.hour < 23", why: they want to leave, team: support, say: {en: "We have it, {name}."}}'
    (tmp_path / "cancel.yaml").write_text(CANCEL.replace("{team: support, within: 1d}", say), encoding="utf-8")
    company = replace(plan.company, playbooks=Playbooks.load(tmp_path))
    own = Deciding(company)(read=reading("cancel"))
    assert said(own) == ["handoff.team"]
    assert own.moves[0].said[Register.CASUAL] == "We have it, {name}."
    assert own.moves[0].facts == {"team": "support"}
    assert (own.handoff, "now.hour < 23" in own.why) == ("they want to leave", True)
    nobody = Deciding(company)(read=reading("cancel"), known=customer(name=""))
    assert (said(nobody), nobody.moves[0].said) == (["handoff.team"], {})


def test_who_is_fed_up_with_anything_for_the_third_time_gets_a_person(plan: Deciding) -> None:
    memory = replace(MET, case=case("bill"), contacts=3)
    fed_up = plan(read=reading("bill", emotions=feeling(frustration=0.9)), memory=memory)
    assert "handoff.upset" in said(fed_up)
    assert "mood.frustrated" not in said(fed_up)  # the hand-off's own words see it
    assert fed_up.team == ""


def test_a_person_who_is_asked_for_comes_from_the_playbooks_team(plan: Deciding) -> None:
    person = plan("Can I talk to a human?", read=reading("cancel"))
    assert said(person) == ["handoff.person", "promise.by"]
    assert person.team == "support"


def test_what_is_serious_is_left_to_people_alone(plan: Deciding) -> None:
    serious = plan("This bill is fraud, my lawyer will write", read=reading("bill"))
    assert said(serious) == ["handoff.serious"]


# --- history ---

YEAR = timedelta(days=366)


def test_the_first_question_of_its_kind_for_long_is_told_so(plan: Deciding) -> None:
    """Sarah: a customer for three years, whose last question about bills is from over a year ago."""
    before = case("invoices", touched_at=NOON - timedelta(days=500), opened_at=NOON - timedelta(days=501))
    other = case("api-timeout", id=CaseId(8), touched_at=NOON - timedelta(days=20))
    known = customer(since=NOON - 3 * YEAR, cases=(before, other))
    told = plan(known=known)
    assert said(told) == ["history.first_of_kind", "answer.bill", "next.bill"]
    assert facts(told, "history.first_of_kind") == {"years": 1, "matter": "your bill"}


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"since": NOON - 3 * YEAR}, id="nothing is known of those years"),
        pytest.param({"cases": (case("cancel", opened_at=NOON - 2 * YEAR),)}, id="since when is not known"),
        pytest.param(
            {
                "since": NOON - 3 * YEAR,
                "cases": (case("cancel", opened_at=NOON - 2 * YEAR), case("invoices", touched_at=NOON - timedelta(90))),
            },
            id="one of the same family since",
        ),
        pytest.param(
            {
                "since": NOON - 3 * YEAR,
                "cases": (case("cancel", opened_at=NOON - 2 * YEAR),),
                "earlier": (EarlierTurn(at=NOON - timedelta(40), intent="bill"),),
            },
            id="asked lately",
        ),
        pytest.param(
            {"since": NOON - timedelta(200), "timeline": (ours(minutes=60 * 24 * 190),)}, id="a customer for months"
        ),
        pytest.param(
            {
                "since": NOON - 3 * YEAR,
                "timeline": (ours(minutes=60 * 24 * 800),),
                "cases": tuple(case("cancel", id=CaseId(n), opened_at=NOON - timedelta(n)) for n in range(1, 11)),
            },
            id="older matters may be there",
        ),
    ],
)
def test_what_is_not_known_not_to_have_been_is_not_said(plan: Deciding, known: dict[str, object]) -> None:
    assert "history.first_of_kind" not in said(plan(known=customer(**known)))


def test_who_never_asked_of_its_kind_is_told_for_how_long(plan: Deciding) -> None:
    known = customer(since=NOON - 3 * YEAR, timeline=(ours(minutes=60 * 24 * 800),))
    assert facts(plan(known=known), "history.first_of_kind")["years"] == 2


def test_who_just_goes_on_talking_is_told_nothing_of_before(plan: Deciding) -> None:
    memory = replace(MET, case=case("bill"), contacts=2, is_contact=False, agents=("Ana",))
    assert said(plan(memory=memory)) == ["answer.bill"]


def test_a_matter_is_called_as_they_are_spoken_to(plan: Deciding) -> None:
    known = customer(since=NOON - 3 * YEAR, timeline=(ours(minutes=60 * 24 * 800),))
    german = reading(language="de")
    told = plan("Was ist da los?", read=german, known=known)
    assert facts(told, "history.first_of_kind")["matter"] == "deine Rechnung"
    formal = Deciding(replace(plan.company, registers={"de": Register.FORMAL}))
    told = formal("Was ist da los?", read=german, known=known)
    assert facts(told, "history.first_of_kind")["matter"] == "Ihre Rechnung"


def test_the_steps_of_an_article_are_told_as_they_stand_there(plan: Deciding) -> None:
    attempts = (
        told("article:bill#1", Result.FAILED),
        told("article:bill#9"),
        told("article:gone#1"),
        told("x", by="Ana"),
    )
    again = plan(memory=replace(MET, case=case("bill", attempts=attempts), contacts=2))
    assert facts(again, "history.tried")["steps"] == ("x", "Open the latest invoice")


# --- welcome ---


def test_who_is_new_is_welcomed_once_with_their_day_and_two_links_and_no_jargon(plan: Deciding) -> None:
    """Emma: signed up yesterday, a basic question, a little unsure."""
    named = reading("invoices", emotions=feeling(confusion=0.7), entities=(Entity("invoice", "x", "x", 0, 1),))
    known = customer(events=(event("signed_up", 1, plan="Starter"),))
    never_met = Recollection()
    welcomed = plan(known=known, read=named, memory=never_met)
    assert said(welcomed) == [
        "greet.first",
        "welcome.signed_up",
        "mood.confused",
        "answer.invoices",
        "next.invoices",
        "resources.links",
    ]
    assert facts(welcomed, "welcome.signed_up") == {"at": NOON - timedelta(days=1), "plan": "Starter"}
    assert facts(welcomed, "resources.links")["link.2.url"] == "https://example.com/2"
    assert facts(welcomed, "resources.links")["count"] == 2
    assert "link.3.url" not in facts(welcomed, "resources.links")
    assert welcomed.preferences.complexity is Complexity.PLAIN
    again = plan(known=known, read=named)
    assert "welcome.signed_up" not in said(again)
    long_here = plan(known=customer(events=(event("signed_up", 8),)), read=named, memory=never_met)
    assert not {"welcome.signed_up", "resources.links"} & {*said(long_here)}


def test_who_goes_on_from_an_answer_is_not_told_that_they_come_for_the_first_time(plan: Deciding) -> None:
    before = case("invoices", touched_at=NOON - timedelta(days=500), opened_at=NOON - timedelta(days=501))
    just_now = EarlierTurn(at=NOON - timedelta(minutes=4), intent="api-timeout")
    known = customer(since=NOON - 3 * YEAR, cases=(before,), earlier=(just_now,))
    assert "history.first_of_kind" not in said(plan(known=known))
    yesterday = replace(just_now, at=NOON - timedelta(days=1))
    small_talk = replace(just_now, intent=None)
    for earlier in (yesterday, small_talk):
        assert "history.first_of_kind" in said(plan(known=replace(known, earlier=(earlier,))))


def test_who_thanks_and_asks_further_is_passed_on_without_a_word_about_the_answer(plan: Deciding) -> None:
    told_just_now = replace(MET, recent=(ours(plan.company.knowledge.article("bill", "en").short),))
    assert said(plan("Thank you! And will the next bill be as high?", memory=told_just_now))[0] == "handoff.team"
    assert said(plan("And the next bill?", memory=told_just_now))[0] == "handoff.team"
    assert said(plan("Will the next bill be as high?", memory=told_just_now))[0] == "handoff.repeat"


@pytest.mark.parametrize("text", ["could you do that for me?", "kannst du das für mich machen?"])
def test_who_wants_it_done_for_them_is_told_that_we_cannot_before_they_are_told_how(plan: Deciding, text: str) -> None:
    goes_on = replace(MET, case=case("bill"))
    assert "answer.bill" in said(plan(text, memory=goes_on, read=reading()))
    assert "confirm.not_myself" in said(plan(text, memory=goes_on, read=reading()))


def test_who_is_confused_is_led_through_an_answer_where_there_is_one(plan: Deciding) -> None:
    lost = reading(emotions=feeling(confusion=0.8))
    assert "mood.confused" in said(plan(read=lost))
    told_just_now = replace(MET, recent=(ours(plan.company.knowledge.article("bill", "en").short),))
    assert "mood.confused" not in said(plan("Will the next bill be as high?", read=lost, memory=told_just_now))


def test_nobody_is_called_confused_without_a_sign_of_it(plan: Deciding) -> None:
    hardly = feeling(confusion=0.52)  # "whats the price of pro?"
    assert "mood.confused" not in said(plan(read=reading(emotions=hardly)))
    shown = replace(hardly, confusion=Signal(0.52, 0.9, (Evidence("lost"),)))
    assert "mood.confused" in said(plan(read=reading(emotions=shown)))


@pytest.mark.parametrize(
    ("language", "asked"),
    [("en", ("Why",)), ("en", ("why", "did")), ("es", ("cómo",)), ("de", ("Warum",)), ("fr", ("pourquoi",))],
)
def test_who_asks_why_wants_to_know_and_is_not_called_confused(
    plan: Deciding, language: str, asked: tuple[str, ...]
) -> None:
    """ "Why is my bill higher this month?" is no sign of being lost, and "No wonder that's unclear" no answer to it."""
    asks = replace(feeling(), confusion=Signal(0.81, 0.9, tuple(map(Evidence, asked))))
    assert "mood.confused" not in said(plan(read=reading(language=language, emotions=asks)))
    lost = replace(asks, confusion=Signal(0.81, 0.9, (*map(Evidence, asked), Evidence("🤔"))))
    assert "mood.confused" in said(plan(read=reading(language=language, emotions=lost)))


def test_who_does_not_know_what_we_ask_is_not_called_confused(plan: Deciding) -> None:
    lost = reading(emotions=replace(feeling(), confusion=Signal(0.99, 0.98, (Evidence("not sure"),))))
    asked = replace(MET, recent=(ours("Which of your bills is it?"),))
    assert "mood.confused" not in said(plan("not sure", read=lost, memory=asked))
    assert "mood.confused" in said(plan("not sure which of them is meant by that at all", read=lost, memory=asked))
    assert "mood.confused" in said(plan("I am lost", read=lost))


# --- mood ---


def test_a_thank_you_below_a_question_is_no_joy(plan: Deciding) -> None:
    asks = reading(emotions=feeling(satisfaction=0.8), questions=Signal(1, 0.9))
    assert said(plan(read=asks))[0] == "answer.bill"


def test_a_feeling_is_spoken_of_where_it_is_known_and_not_twice_in_a_row(plan: Deciding) -> None:
    upset = reading(emotions=feeling(frustration=0.7, satisfaction=0.9))
    assert said(plan(read=upset, memory=replace(MET, contacts=2)))[0] == "mood.frustrated"
    assert said(plan(read=upset))[0] == "mood.sorry"  # nobody has waited long for what they tell for the first time
    just_now = EarlierTurn(at=NOON - timedelta(minutes=4), frustration=0.8)
    talking = replace(MET, is_contact=False)
    assert said(plan(read=upset, known=customer(earlier=(just_now,)), memory=talking))[0] == "answer.bill"
    assert said(plan(read=reading(emotions=feeling(excitement=0.8))))[0] == "mood.glad"
    assert said(plan(read=reading(sentiment=Sentiment(-0.45, 0.9))))[0] == "mood.sorry"
    assert said(plan(read=reading(emotions=feeling(frustration=0.4))))[0] == "answer.bill"


def test_nobody_is_sorry_for_what_they_did_themselves(plan: Deciding) -> None:
    cross = reading(sentiment=Sentiment(-0.45, 0.9))
    upgraded = customer(events=(event("plan_changed", 33, plan="Pro"),))
    assert said(plan(read=cross, known=upgraded))[0] == "cause.bill.upgrade"
    assert said(plan(read=cross))[0] == "mood.sorry"


# --- levels ---

EVERYTHING = {
    "read": reading(emotions=feeling(frustration=0.8)),
    "memory": replace(MET, contacts=2),
    "known": customer(
        since=NOON - 3 * YEAR,
        events=(event("plan_changed", 33, plan="Pro"),),
        cases=(case("invoices", touched_at=NOON - 2 * YEAR, opened_at=NOON - 2 * YEAR),),
    ),
}


@pytest.mark.parametrize(
    ("level", "moves"),
    [
        (Level.NAME, ["answer.bill"]),
        (Level.HISTORY, ["history.first_of_kind", "answer.bill"]),
        (Level.PREFERENCES, ["history.first_of_kind", "answer.bill"]),
        (Level.ANTICIPATION, ["history.first_of_kind", "cause.bill.upgrade", "answer.bill", "next.bill"]),
        (
            Level.EMOTION,
            ["mood.frustrated", "history.first_of_kind", "cause.bill.upgrade", "answer.bill", "next.bill"],
        ),
    ],
)
def test_the_company_says_how_personal_a_reply_may_be(plan: Deciding, level: Level, moves: list[str]) -> None:
    assert said(plan(level=level, **EVERYTHING)) == moves
    assert plan(level=level, **EVERYTHING).level is level


def test_a_customer_lowers_it_and_never_raises_it_above_the_companys(plan: Deciding) -> None:
    known = replace(EVERYTHING["known"], preferences=Preferences(level=Level.NAME))
    lowered = plan(read=EVERYTHING["read"], memory=EVERYTHING["memory"], known=known)
    assert (said(lowered), lowered.level) == (["answer.bill"], Level.NAME)
    known = replace(EVERYTHING["known"], preferences=Preferences(level=Level.EMOTION))
    assert plan(read=EVERYTHING["read"], known=known, level=Level.HISTORY).level is Level.HISTORY


def test_who_likes_it_short_gets_the_personal_that_helps_most(plan: Deciding) -> None:
    known = replace(EVERYTHING["known"], preferences=Preferences(length=Length.SHORT))
    assert said(plan(read=EVERYTHING["read"], memory=EVERYTHING["memory"], known=known)) == [
        "mood.frustrated",
        "cause.bill.upgrade",
        "answer.bill",
        "next.bill",
    ]


def test_below_preferences_only_what_they_told_counts(plan: Deciding) -> None:
    known = customer(
        preferences=Preferences(length=Length.SHORT, register=Register.FORMAL),
        stated=frozenset({"register"}),
        habits={TELEGRAM.id: {"length": 0.1}},
    )
    assert plan(known=known).preferences.length is Length.SHORT
    lowered = plan(known=known, level=Level.HISTORY).preferences
    assert (lowered.length, lowered.register) == (None, Register.FORMAL)


def test_where_several_people_write_nothing_is_personal(plan: Deciding) -> None:
    shared = replace(TELEGRAM, shared=True)
    known = replace(EVERYTHING["known"], addresses=(shared,), trusted=frozenset())
    assert said(plan(read=EVERYTHING["read"], memory=EVERYTHING["memory"], known=known)) == ["answer.bill"]

"""Cases: which matter a turn is about, how far it has come, what was tried for it, and how often they came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.memory import Matters
from omnibot.model import Alternative, Attempt, CaseChange, CaseId, CaseState, EarlierTurn, MoveKind, Plan, Result
from tests.memory.people import EMAIL, SILENT, SMS, TELEGRAM, Person, answer, ask, hand_off, read, talk

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)


def results(person: Person) -> dict[str, Result]:
    (case,) = person.snapshot.cases
    return {one.what: one.result for one in case.attempts}


# --- a matter from its beginning to its end ---


def test_an_answered_question_opens_a_case_that_waits_for_them() -> None:
    person = Person()
    case = person.says("the export fails", read(intent="export"), answer("export"))
    assert case is not None
    assert (case.intent, case.state, case.contacts) == ("export", CaseState.WAITING, 1)
    assert case.concern == "the export fails"
    assert [(one.what, one.by, one.result) for one in case.attempts] == [("article:export", "bot", Result.UNKNOWN)]


def test_a_question_that_nobody_answers_stays_open() -> None:
    case = Person().says("the export fails", read(intent="export"), Plan(moves=talk().moves, handoff=""))
    assert case is None
    promised = Plan(moves=(*talk(MoveKind.PROMISE, "by").moves,))
    case = Person().says("the export fails", read(intent="export"), promised)
    assert case is not None
    assert case.state is CaseState.OPEN


def test_their_question_is_the_concern_and_a_long_one_is_shortened() -> None:
    asked = read(intent="export", question="why does it fail?")
    case = Person().says("Hi there, I am new. why does it fail?", asked, answer("export"))
    assert case is not None
    assert case.concern == "why does it fail?"
    case = Person().says("word " * 100, read(intent="export"), answer("export"))
    assert case is not None
    assert len(case.concern) <= 202
    assert case.concern.endswith("word …")
    case = Person().says("x" * 300, read(intent="export"), answer("export"))
    assert case is not None
    assert case.concern == "x" * 200 + " …"


def test_who_says_that_it_works_has_it_solved_by_what_was_told_last() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("still not working", plan=answer("export-large"))
    assert results(person) == {"article:export": Result.FAILED, "article:export-large": Result.UNKNOWN}
    case = person.says("That worked, thank you!", plan=talk(MoveKind.CLOSE, "solved"), after=2 * HOURS)
    assert case is not None
    assert (case.state, case.concern, case.contacts) == (CaseState.RESOLVED, "", 1)
    assert results(person) == {"article:export": Result.FAILED, "article:export-large": Result.WORKED}


def test_what_had_failed_is_not_what_helped_in_the_end() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("no luck", plan=hand_off())
    person.says("it works again now", plan=SILENT, after=DAYS)
    assert results(person) == {"article:export": Result.FAILED}
    assert person.snapshot.cases[0].state is CaseState.RESOLVED


def test_thanks_alone_settle_what_was_answered_and_prove_nothing() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    case = person.says("thanks!", plan=talk(MoveKind.CLOSE, "thanks"))
    assert case is not None
    assert case.state is CaseState.RESOLVED
    assert results(person) == {"article:export": Result.UNKNOWN}
    assert person.says("thanks again", plan=talk(MoveKind.CLOSE, "thanks")) is None


def test_what_still_fails_is_open_again_and_the_last_attempt_has_failed() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("That worked!", plan=talk(MoveKind.CLOSE))
    case = person.says("it's still failing", plan=answer("export-large"), after=3 * DAYS)
    assert case is not None
    assert (case.state, case.reopened, case.contacts) == (CaseState.REOPENED, 1, 2)
    assert case.concern == "it's still failing"
    assert results(person)["article:export"] is Result.FAILED
    case = person.says("and now?", plan=answer("export-more"))
    assert case is not None
    assert case.state is CaseState.WAITING


def test_what_was_told_and_did_not_help_is_ours_again() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    case = person.says("no luck", plan=SILENT)
    assert case is not None
    assert case.state is CaseState.OPEN


def test_a_case_knows_to_which_team_it_was_given_until_it_is_given_to_another() -> None:
    person = Person()
    senior = replace(hand_off("has come three times"), team="senior")
    given = person.says("the export fails", read(intent="export"), senior)
    assert given is not None
    assert given.team == "senior"
    told = person.says("anybody there?", read(intent="export"), hand_off("asked for a person"))
    assert told is not None
    assert (told.state, told.team) == (CaseState.HANDED_OFF, "senior")


def test_people_have_what_was_handed_off_until_it_is_solved() -> None:
    person = Person()
    case = person.says("the export fails", read(intent="export"), hand_off("no approved answer"))
    assert case is not None
    assert case.state is CaseState.HANDED_OFF
    case = person.says("one more thing about it", plan=SILENT)
    assert case is not None
    assert case.state is CaseState.HANDED_OFF
    assert person.says("thanks", plan=SILENT) is not None
    assert person.snapshot.cases[0].state is CaseState.HANDED_OFF
    case = person.says("it works now", plan=SILENT)
    assert case is not None
    assert case.state is CaseState.RESOLVED


def test_a_question_back_waits_for_them_and_is_remembered() -> None:
    person = Person()
    case = person.says("the export fails", read(intent="export"), ask("which-browser"))
    assert case is not None
    assert (case.state, case.asked) == (CaseState.WAITING, ("which-browser",))
    case = person.says("Firefox", plan=ask("which-version"))
    assert case is not None
    assert case.asked == ("which-browser", "which-version")


# --- which matter it is ---


def test_small_talk_wishes_and_thanks_open_no_case() -> None:
    person = Person()
    for kind in (MoveKind.GREET, MoveKind.CLOSE, MoveKind.CONFIRM, MoveKind.PROVE):
        assert person.says("hello", read(intent="invoices"), talk(kind)) is None
    assert person.snapshot.cases == ()


def test_praise_opens_no_case_unless_people_get_it() -> None:
    praising = Matters(none=frozenset({"praise"}))
    assert Person(matters=praising).says("great product", read(intent="praise"), answer("about-us")) is None
    case = Person(matters=praising).says("great product, see the file", read(intent="praise"), hand_off("sent a file"))
    assert case is not None
    assert case.intent == "praise"


def test_a_wish_beside_a_case_does_not_touch_it() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    assert person.says("shorter please", plan=talk(MoveKind.CONFIRM, "length_short")) is None
    assert person.says("hi again friends", plan=talk()) is None


def test_the_same_intent_on_another_channel_is_the_same_case_and_another_contact() -> None:
    person = Person()
    person.says("API timeouts", read(intent="api", repetition=1), answer("api"), on=SMS)
    person.says("API times out again", read(intent="api", repetition=2), answer("api-more"), on=EMAIL, after=DAYS)
    person.says("third time now", read(intent="api", repetition=3), hand_off(), on=TELEGRAM, after=timedelta(minutes=9))
    (case,) = person.snapshot.cases
    assert (case.contacts, case.channels) == (3, ("sms", "email", "telegram"))
    assert person.recollection.contacts == 3


def test_who_answers_our_mail_goes_on_and_does_not_come_anew() -> None:
    person = Person()
    person.says("why is my bill higher?", read(intent="bill"), answer("bill"), on=TELEGRAM)
    case = person.says("and for last month?", plan=answer("bill-more"), on=EMAIL, answers=11)
    assert case is not None
    assert case.contacts == 1


def test_who_goes_on_where_the_answer_came_does_not_come_anew() -> None:
    """An SMS does not say what it answers; and what they say to an answer seldom names the matter again."""
    person = Person()
    asked = person.says("why is my bill higher?", read(intent="bill"), answer("bill"), on=TELEGRAM, replied_to=SMS)
    case = person.says("and the next one?", plan=hand_off(), on=SMS)
    assert asked is not None
    assert case is not None
    assert (case.id, case.contacts) == (asked.id, 1)
    elsewhere = person.says("and what else is there?", plan=hand_off(), on=EMAIL)
    assert elsewhere is not None
    assert elsewhere.id != asked.id


def test_half_an_hour_of_silence_makes_another_contact() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("it says 502", read(intent="export"), answer("export-502"), after=timedelta(minutes=29))
    assert not person.recollection.is_contact
    person.says("hm, still no", plan=SILENT, after=timedelta(minutes=31))
    assert person.recollection.is_contact
    assert person.recollection.contacts == 2


def test_topics_of_the_playbook_tell_cases_of_one_intent_apart() -> None:
    person = Person(matters=Matters(topics={"order": "order"}))
    first = person.says("where is A-1?", read("A-1", "order", ("order", "A-1")), answer("order"))
    second = person.says("and B-2?", read("B-2", "order", ("order", "B-2")), answer("order"))
    again = person.says("A-1 is late", read("A-1", "order", ("order", "A-1")), answer("late"))
    assert first is not None
    assert second is not None
    assert again is not None
    assert first.id == again.id != second.id
    assert (first.topic, second.topic) == ("A-1", "B-2")


def test_a_topic_that_is_named_later_belongs_to_the_case() -> None:
    person = Person()
    person.says("an error", read(intent="bug"), answer("errors"))
    case = person.says("it says 502", read("502", "bug", ("error_code", "502")), answer("502"))
    assert case is not None
    assert case.topic == "502"
    assert len(person.snapshot.cases) == 1


def test_a_number_of_the_case_names_it_whatever_is_wanted_of_it() -> None:
    person = Person()
    first = person.says("where is A-1?", read("A-1", "order", ("order", "A-1")), answer("order"))
    other = person.says("I want to cancel A-1", read("A-1", "refund", ("order", "A-1")), answer("refund"))
    alone = person.says("A-1!", read("A-1!", "", ("order", "A-1")), hand_off())
    assert first is not None
    assert other is not None
    assert alone is not None
    assert first.id == other.id == alone.id


def test_a_number_that_is_written_without_saying_what_it_is_names_the_case() -> None:
    person = Person(matters=Matters(topics={"invoices": "invoice"}))
    person.says("invoice 2024-118?", read("2024-118", "invoices", ("invoice", "2024-118")), answer("invoices"))
    person.says("and 2024-119", read("2024-119", "invoices", ("invoice", "2024-119")), answer("invoices"))
    person.says("did you find 2024-118?", read(intent="limits"), hand_off(), after=DAYS)
    person.says("(2024-118)", read(), hand_off(), after=DAYS)
    assert [case.contacts for case in person.snapshot.cases if case.topic == "2024-118"] == [3]
    assert len(person.snapshot.cases) == 2


def test_what_is_said_behind_another_matter_is_not_about_the_one_before_it() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    wrote = EarlierTurn(at=person.now + timedelta(minutes=2), intent="password")
    person.snapshot = replace(person.snapshot, earlier=(wrote,))
    person.says("the link does not come", read(), hand_off(), after=timedelta(minutes=5))
    assert person.recollection.case is None


def test_thanks_beside_something_new_settle_nothing() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    case = person.says("thanks, and a 502", read(intent="export"), answer("errors"))
    assert case is not None
    assert case.state is CaseState.WAITING


def test_another_intent_about_the_same_product_is_another_case() -> None:
    person = Person()
    drive = ("product", "Drive")
    person.says("Drive crashes", read("Drive", "bug", drive), answer("bug"))
    person.says("cancel Drive", read("Drive", "cancel", drive), answer("cancel"))
    assert [case.intent for case in person.snapshot.cases] == ["bug", "cancel"]


def test_a_near_intent_is_the_same_matter_where_they_say_that_it_is() -> None:
    person = Person()
    person.says("the API times out", read(intent="api"), answer("api"))
    again = read(intent="bug", repetition=3)
    likely = replace(again, intent=replace(again.intent, alternatives=(Alternative("api", 0.3),)))
    person.says("third time, it times out", likely, answer("bug"), after=2 * DAYS)
    assert len(person.snapshot.cases) == 1
    person.says("a fault", replace(likely, repetition=read().repetition), answer("bug"), after=2 * DAYS)
    assert len(person.snapshot.cases) == 2


def test_who_asks_for_news_means_what_was_spoken_of_last() -> None:
    person = Person()
    person.says("refund please", read(intent="refund"), hand_off())
    person.says("any news?", plan=SILENT, after=5 * DAYS)
    assert person.recollection.case is not None
    assert person.recollection.case.intent == "refund"
    person.says("any news?", plan=SILENT, after=30 * DAYS)
    assert person.recollection.case is None


def test_intents_about_what_was_before_are_about_that() -> None:
    person = Person(matters=Matters(earlier=frozenset({"status"})))
    person.says("refund please", read(intent="refund"), hand_off())
    person.says("what is the state of it", read(intent="status"), answer("status"), after=12 * DAYS)
    assert person.recollection.case is not None
    assert len(person.snapshot.cases) == 1
    stranger = Person(matters=Matters(earlier=frozenset({"status"})))
    case = stranger.says("what is the state of it", read(intent="status"), answer("status"))
    assert case is not None
    assert case.intent == "status"


def test_words_without_a_matter_long_after_it_are_about_none() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    person.says("hello", plan=talk(), after=2 * HOURS)
    assert person.recollection.case is None
    person.says("hello", plan=talk(), on=EMAIL)
    assert person.recollection.case is None


def test_what_was_solved_or_answered_long_ago_is_not_the_same_matter() -> None:
    person = Person(matters=Matters(reopen=timedelta(days=10)))
    person.says("why is my bill higher?", read(intent="bill"), answer("bill"))
    person.says("again the bill", read(intent="bill"), answer("bill"), after=9 * DAYS)
    assert len(person.snapshot.cases) == 1
    person.says("again the bill", read(intent="bill"), answer("bill"), after=11 * DAYS)
    assert len(person.snapshot.cases) == 2
    person.says("That worked", plan=SILENT)
    person.says("the bill!", read(intent="bill"), answer("bill"), after=11 * DAYS)
    assert len(person.snapshot.cases) == 3


def test_what_nobody_answered_stays_the_same_matter_for_long() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), hand_off())
    person.says("the export fails", read(intent="export"), hand_off(), after=200 * DAYS)
    assert len(person.snapshot.cases) == 1


def test_what_no_playbook_knows_is_a_case_by_its_article_or_by_who_takes_it() -> None:
    person = Person()
    case = person.says("do you have a shop in Rome?", plan=answer("shops"))
    assert case is not None
    assert (case.intent, case.topic) == ("oos", "shops")
    again = person.says("shops in Rome?", plan=answer("shops"), after=2 * HOURS)
    assert again is not None
    assert (again.id, again.contacts) == (case.id, 2)
    case = person.says("my dog ate it", plan=hand_off("no approved answer"), after=2 * HOURS)
    assert case is not None
    assert (case.intent, case.topic, case.state) == ("oos", "", CaseState.HANDED_OFF)


# --- what the plan decides ---


def test_a_case_that_the_plan_decides_holds_and_gets_what_memory_knows() -> None:
    person = Person()
    person.says("API timeouts", read("502", "api", ("error_code", "502")), answer("api"), on=SMS)
    (before,) = person.snapshot.cases
    judged = Attempt(what="article:api", by="bot", at=person.now, result=Result.FAILED)
    decided = CaseChange(
        id=before.id, intent="api", state=CaseState.HANDED_OFF, attempts=(judged,), asked=("size",), why="third contact"
    )
    plan = Plan(moves=hand_off().moves, case=decided, handoff="third contact")
    person.says("still timing out, I restarted it already", read(intent="api"), plan, on=EMAIL, after=DAYS)
    change = person.kept.case
    assert change is not None
    assert (change.id, change.topic, change.state, change.contact) == (before.id, "502", CaseState.HANDED_OFF, True)
    assert (change.asked, change.why) == (("size",), "third contact")
    assert {one.what: one.by for one in change.attempts} == {"article:api": "bot", "restart": "customer"}


def test_the_plan_may_open_a_case_of_its_own() -> None:
    decided = CaseChange(
        id=None, intent="bill", topic="R-1", state=CaseState.WAITING, concern="which bill", why="asked"
    )
    case = Person().says("the bill", plan=Plan(moves=ask("which-bill").moves, case=decided))
    assert case is not None
    assert (case.intent, case.topic, case.concern, case.state) == ("bill", "R-1", "which bill", CaseState.WAITING)


def test_what_is_asked_about_a_case_changes_neither_what_it_is_nor_what_is_open() -> None:
    person = Person(matters=Matters(earlier=frozenset({"status"})))
    person.says("the export fails", read(intent="export"), hand_off())
    decided = CaseChange(id=None, intent="status", state=CaseState.HANDED_OFF, concern="any news?")
    plan = Plan(moves=hand_off().moves, handoff="waits", case=decided)
    case = person.says("any news?", read(intent="status"), plan, after=DAYS)
    assert case is not None
    assert (case.intent, case.concern, case.contacts) == ("export", "the export fails", 2)


def test_where_the_plan_finds_something_else_in_what_was_said_just_after_it_is_another_case() -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    decided = CaseChange(id=None, intent="bill", state=CaseState.WAITING)
    person.says("[bill]", read(), Plan(moves=ask("which-bill").moves, case=decided))
    assert [case.intent for case in person.snapshot.cases] == ["export", "bill"]


def test_what_no_playbook_knew_gets_the_intent_that_the_plan_finds() -> None:
    person = Person()
    first = person.says("do you have a shop in Rome?", plan=answer("shops"))
    assert first is not None
    decided = CaseChange(id=first.id, intent="shops", state=CaseState.WAITING)
    case = person.says("the one in Rome", plan=Plan(moves=ask("which").moves, case=decided))
    assert case is not None
    assert case.intent == "shops"


def test_a_plan_about_a_case_that_is_not_known_is_about_what_was_recalled() -> None:
    person = Person()
    first = person.says("the export fails", read(intent="export"), answer("export"))
    decided = CaseChange(id=CaseId(99999), intent="export", state=CaseState.WAITING)
    person.says("the export again", read(intent="export"), Plan(moves=answer("export").moves, case=decided))
    assert first is not None
    assert person.kept.case is not None
    assert person.kept.case.id == first.id


# --- what was tried ---


def test_what_they_have_tried_themselves_has_failed_unless_it_helped() -> None:
    person = Person()
    person.says("the app hangs, I already tried restarting", read(intent="bug"), answer("bug"))
    person.says("I cleared the cache and it works now", plan=SILENT)
    (case,) = person.snapshot.cases
    tried = {one.what: (one.by, one.result, one.source) for one in case.attempts}
    assert tried["restart"] == ("customer", Result.FAILED, "message:10")
    assert tried["clear_cache"] == ("customer", Result.WORKED, "message:20")
    assert tried["article:bug"][1] is Result.UNKNOWN  # they did something else
    assert case.state is CaseState.RESOLVED


def test_what_was_tried_is_recalled_in_their_language_with_who_helped() -> None:
    person = Person()
    person.says("the app hangs, I restarted it", read(intent="bug"), answer("bug"))
    (case,) = person.snapshot.cases
    helped = (
        Attempt(what="raised the limit", by="Ana", at=person.now),
        Attempt(what="asked the network team", by="Ben", at=person.now),
        Attempt(what="moved the project", by="Ana", at=person.now),
    )
    person.snapshot = replace(person.snapshot, cases=(replace(case, attempts=(*case.attempts, *helped)),))
    person.says("immer noch nicht", read(language="de"), SILENT)
    recollection = person.recollection
    assert recollection.agents == ("Ana", "Ben")
    assert recollection.tried == ("ein Neustart", "raised the limit", "asked the network team", "moved the project")
    assert recollection.solved is False


def test_what_they_say_now_that_they_tried_is_at_hand_and_what_helped_is_not() -> None:
    person = Person()
    person.says("the app hangs, I restarted it", read(intent="bug"), answer("bug"))
    assert person.recollection.case is None
    assert person.recollection.tried == ("restarting",)
    person.says("I cleared the cache and it works now", plan=SILENT)
    assert person.recollection.tried == ("restarting",)
    person.says("it hangs again", read(intent="bug"), answer("bug"))
    assert person.recollection.tried == ("restarting",)


def test_what_staff_did_last_is_judged_like_what_we_told() -> None:
    person = Person()
    person.says("the app hangs", read(intent="bug"), answer("bug"))
    (case,) = person.snapshot.cases
    ana = Attempt(what="raised the limit", by="Ana", at=person.now + HOURS)
    person.snapshot = replace(person.snapshot, cases=(replace(case, attempts=(*case.attempts, ana)),))
    person.says("that worked, thanks", plan=SILENT, after=2 * HOURS)
    assert results(person) == {"article:bug": Result.UNKNOWN, "raised the limit": Result.WORKED}


# --- whatever they say ---

_TEXTS = st.sampled_from(
    [
        "it works now", "still not working", "thanks", "hello", "any news?", "I restarted it already",
        "my order A-1", "order B-2 is late", "the export fails", "no", "That fixed it, but how do I undo it?", "",
    ]
)  # fmt: skip
_READINGS = st.builds(
    lambda intent, entities, again: read("A-1 B-2", intent, *entities, repetition=again),
    st.sampled_from(["", "export", "order", "praise", "status"]),
    st.lists(st.sampled_from([("order", "A-1"), ("order", "B-2"), ("error_code", "502")]), max_size=2),
    st.sampled_from([1, 2]),
)
_PLANS = st.sampled_from(
    [SILENT, answer("export"), answer("orders", "late"), ask("which"), hand_off(), talk(), talk(MoveKind.CLOSE)]
)
_TURNS = st.tuples(
    _TEXTS,
    _READINGS,
    _PLANS,
    st.sampled_from([TELEGRAM, EMAIL, SMS]),
    st.sampled_from([timedelta(seconds=5), timedelta(hours=1), timedelta(days=5), timedelta(days=40)]),
)
_RULES = Matters(topics={"order": "order"}, earlier=frozenset({"status"}), none=frozenset({"praise"}))


@settings(max_examples=200, deadline=None)
@given(st.lists(_TURNS, max_size=12))
def test_whatever_they_say_a_case_keeps_its_history(turns: list) -> None:
    person, twin = Person(matters=_RULES), Person(matters=_RULES)
    for text, reading, plan, on, after in turns:
        before = {case.id: case for case in person.snapshot.cases}
        person.says(text, reading, plan, on=on, after=after)
        twin.says(text, reading, plan, on=on, after=after)
        assert person.kept == twin.kept
        assert person.recollection == twin.recollection
        changed = [case for case in person.snapshot.cases if before.get(case.id) != case]
        assert len(changed) <= 1
        for case in person.snapshot.cases:
            assert case.intent
            assert not (case.state is CaseState.RESOLVED and case.concern)
            assert len(case.channels) == case.contacts
            if earlier := before.get(case.id):
                assert case.contacts >= earlier.contacts
                assert case.reopened >= earlier.reopened
                assert {one.what for one in earlier.attempts} <= {one.what for one in case.attempts}
                assert set(earlier.asked) <= set(case.asked)
                assert earlier.topic in ("", case.topic)
    assert person.snapshot == twin.snapshot


@pytest.mark.parametrize("state", list(CaseState))
def test_every_state_can_be_gone_on_with(state: CaseState) -> None:
    person = Person()
    person.says("the export fails", read(intent="export"), answer("export"))
    (case,) = person.snapshot.cases
    resolved = person.now if state is CaseState.RESOLVED else None
    person.snapshot = replace(person.snapshot, cases=(replace(case, state=state, resolved_at=resolved),))
    person.says("the export still fails", read(intent="export"), SILENT)
    assert len(person.snapshot.cases) == 1

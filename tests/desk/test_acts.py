"""What acts of agents come to: who has it, what the customer gets, what is over, and what each refusal says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.desk import DESK, Ground, Rules, Staff, idle_act, take, wake_act, words_of
from omnibot.model import (
    ActKind,
    Address,
    AddressId,
    Agent,
    Attachment,
    Case,
    CaseId,
    CaseState,
    DeskAct,
    Done,
    File,
    KnownAddress,
    MessageId,
    Proof,
    Result,
    Stretch,
    StretchId,
    StretchState,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA, BEN = Agent("slack:T1/U1", "Ana"), Agent("slack:T1/U2", "Ben")
TO = KnownAddress(id=AddressId(7), address=Address("telegram", "7"), proof=Proof.PROVEN, account="main")
CASE = Case(
    id=CaseId(3),
    intent="export_fails",
    topic="E17",
    state=CaseState.HANDED_OFF,
    opened_at=NOON,
    touched_at=NOON,
    concern="the export fails",
)
RULES = Rules(
    teams={
        "support": Staff(key="support", name="Support", zone=ZoneInfo("Europe/Berlin")),
        "senior": Staff(key="senior"),
    },
    file_types=("image/", "application/pdf"),
    max_file_bytes=1_000_000,
)
WAITING = Stretch(id=StretchId(1), address=TO.id, matter=CASE.id, team="support", opened_at=NOON)
GROUND = Ground(rules=RULES, stretches=(WAITING,), case=CASE, to=TO)
ANAS = replace(WAITING, owner=ANA, state=StretchState.TAKEN)
RESOLVED = replace(ANAS, state=StretchState.RESOLVED, ended_at=NOON)


def act(kind: ActKind, by: Agent = ANA, **more) -> DeskAct:
    return DeskAct(id=f"{kind} {by.id}", at=NOON + timedelta(minutes=5), by=by, kind=kind, **more)


def told(done: Done) -> list[str]:
    return [notice.text for notice in done.notices]


# --- who has it ---


def test_whoever_takes_it_has_it_and_all_are_told():
    done = take(act(ActKind.TAKE), WAITING, GROUND)
    assert (done.after.owner, done.after.state) == (ANA, StretchState.TAKEN)
    assert told(done) == ["Ana has it now."]
    assert done.notices[0].to == ""


def test_the_second_who_takes_it_alone_is_told_who_has_it():
    done = take(act(ActKind.TAKE, BEN), ANAS, GROUND)
    assert done.after is None
    assert done.refused == "Not done: Ana has it. Assign it to yourself to take it over."
    assert [(notice.text, notice.to) for notice in done.notices] == [(done.refused, BEN.id)]


def test_who_has_it_already_is_told_so():
    assert take(act(ActKind.TAKE), ANAS, GROUND).refused == "You have it already."


def test_it_is_given_to_another_by_name():
    done = take(act(ActKind.ASSIGN, value=BEN.id, text=BEN.name), ANAS, GROUND)
    assert (done.after.owner, told(done)) == (BEN, ["Ana has given it to Ben."])


def test_who_assigns_it_to_themselves_takes_it_over_and_both_names_are_told():
    done = take(act(ActKind.ASSIGN, BEN, value=BEN.id, text=BEN.name), ANAS, GROUND)
    assert (done.after.owner, told(done)) == (BEN, ["Ben has taken it over. It was Ana's."])


def test_to_assign_it_needs_somebody_else():
    assert take(act(ActKind.ASSIGN), ANAS, GROUND).refused == "Not done: name whom it is for."
    same = take(act(ActKind.ASSIGN, BEN, value=ANA.id, text="Ana"), ANAS, GROUND)
    assert same.refused == "Ana has it already."


def test_another_team_begins_anew():
    done = take(act(ActKind.TEAM, value="senior"), ANAS, GROUND)
    assert (done.after.team, done.after.owner, done.after.state) == ("senior", None, StretchState.WAITING)
    assert told(done) == ["Ana has given it to senior."]


def test_the_matter_knows_which_team_has_it():
    given = take(act(ActKind.TEAM, value="senior"), ANAS, GROUND).case
    assert (given.id, given.state, given.concern, given.team) == (CASE.id, CASE.state, CASE.concern, "senior")
    seniors = replace(GROUND, case=replace(CASE, team="senior"))
    assert take(act(ActKind.RESOLVE), ANAS, seniors).case.team == "senior"


@pytest.mark.parametrize(
    ("team", "why"),
    [
        ("nobody", "Not done: there is no team 'nobody'; there are senior, support."),
        ("support", "Support has it already."),
    ],
)
def test_a_team_must_be_another_one_that_there_is(team, why):
    assert take(act(ActKind.TEAM, value=team), ANAS, GROUND).refused == why


def test_a_priority_is_one_of_three_and_another_than_before():
    assert take(act(ActKind.PRIORITY, value="urgent"), ANAS, GROUND).after.priority == "urgent"
    assert "one of normal, high, urgent" in take(act(ActKind.PRIORITY, value="!"), ANAS, GROUND).refused
    assert take(act(ActKind.PRIORITY, value="normal"), ANAS, GROUND).refused == "Its priority is normal already."


# --- sleeping ---


def test_what_is_snoozed_belongs_to_whoever_did_it_until_then():
    until = (NOON + timedelta(days=1)).isoformat()
    done = take(act(ActKind.SNOOZE, value=until), WAITING, GROUND)
    assert (done.after.state, done.after.owner) == (StretchState.SNOOZED, ANA)
    assert done.after.snoozed_until == NOON + timedelta(days=1)
    assert told(done) == ["Ana comes back to it Tue 3 Mar 13:00 CET, or when the customer writes."]


@pytest.mark.parametrize("until", ["tomorrow", "2026-03-03T12:00", NOON.isoformat(), "2028-01-01T00:00+00:00"])
def test_nobody_sleeps_until_no_time_or_for_ever(until):
    assert take(act(ActKind.SNOOZE, value=until), ANAS, GROUND).refused.startswith("Not done: ")


def test_what_wakes_is_whose_it_was():
    asleep = replace(ANAS, state=StretchState.SNOOZED, snoozed_until=NOON + timedelta(hours=1))
    woken = take(wake_act(asleep, NOON), asleep, GROUND)
    assert (woken.after.state, woken.after.owner, woken.after.snoozed_until) == (StretchState.TAKEN, ANA, None)
    assert told(woken) == ["It is due again. Ana has it."]
    nobodys = take(wake_act(replace(asleep, owner=None), NOON), replace(asleep, owner=None), GROUND)
    assert (nobodys.after.state, told(nobodys)) == (StretchState.WAITING, ["It is due again. Nobody has it yet."])
    assert take(wake_act(ANAS, NOON), ANAS, GROUND).refused


def test_it_wakes_once_a_minute_in_all_processes_and_again_whenever_it_sleeps_again():
    seconds = timedelta(seconds=1)
    assert wake_act(ANAS, NOON).id == wake_act(ANAS, NOON + 59 * seconds).id != wake_act(ANAS, NOON + 60 * seconds).id


# --- what the customer gets ---


def test_a_reply_takes_it_and_is_the_first_answer():
    done = take(act(ActKind.REPLY, text="We have found it."), WAITING, GROUND)
    assert (done.after.owner, done.after.state, done.after.answered_at) == (ANA, StretchState.TAKEN, done.act.at)
    assert told(done) == ["Ana has it now."]
    assert words_of(done).text == "We have found it."
    again = take(act(ActKind.REPLY, text="And solved it."), done.after, GROUND)
    assert (again.after.answered_at, told(again)) == (done.act.at, [])


def test_a_reply_wakes_what_sleeps():
    asleep = replace(ANAS, state=StretchState.SNOOZED, snoozed_until=NOON + timedelta(hours=1))
    assert take(act(ActKind.REPLY, text="Hello"), asleep, GROUND).after.state is StretchState.TAKEN


def test_a_reply_to_what_another_has_is_not_sent():
    done = take(act(ActKind.REPLY, BEN, text="Hello", entry="17.2"), ANAS, GROUND)
    assert (done.after, words_of(done), done.notices[0].to, done.notices[0].entry) == (None, None, BEN.id, "17.2")


def test_a_reply_that_can_go_nowhere_says_why():
    stopped = replace(GROUND, to=None, unreachable="they have written STOP")
    assert take(act(ActKind.REPLY, text="Hello"), ANAS, stopped).refused == "Not sent: they have written STOP."
    nowhere = replace(GROUND, to=None)
    assert "no address that may be written to" in take(act(ActKind.REPLY, text="Hello"), ANAS, nowhere).refused


def test_a_reply_says_something():
    assert take(act(ActKind.REPLY, text=" \n"), ANAS, GROUND).refused == "Not sent: there is nothing in it."


def test_files_go_with_a_reply():
    kept = Attachment(name="plan.pdf", media_type="application/pdf", size=9, ref="kept:ab")
    done = take(act(ActKind.REPLY, files=(kept,)), ANAS, GROUND)
    assert words_of(done).files == (File("plan.pdf", "application/pdf", 9, "kept:ab"),)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([Attachment(name="a.png", media_type="image/png", size=1_000_001, ref="kept:a")], "is larger than 1 MB"),
        ([Attachment(name="a.exe", media_type="application/x-msdownload", size=1, ref="kept:a")], "is of a type"),
        ([Attachment(name="a.png", media_type="image/png", size=1)], "a.png could not be fetched"),
        ([Attachment(name="a.png", media_type="image/png", size=1, ref="kept:a")] * 11, "at most 10 files"),
    ],
)
def test_files_that_may_not_go_are_named(files, why):
    done = take(act(ActKind.REPLY, text="See these", files=tuple(files)), ANAS, GROUND)
    assert why in done.refused
    assert words_of(done) is None


def test_consent_is_asked_in_the_agents_words():
    done = take(act(ActKind.CONSENT, text="May I look into your account?"), ANAS, GROUND)
    assert words_of(done).consents
    assert told(done) == ["Ana has asked the customer: May I look into your account?"]
    assert take(act(ActKind.CONSENT, text=""), ANAS, GROUND).refused


def test_a_note_goes_to_nobody():
    done = take(act(ActKind.NOTE, text="angry one"), ANAS, GROUND)
    assert (done.after, done.notices, words_of(done)) == (None, (), None)


def test_what_failed_is_sent_again_by_its_id():
    failed = replace(GROUND, failed=MessageId(81))
    done = take(act(ActKind.RETRY, entry="17.2"), ANAS, failed)
    assert (done.retries, done.notices[0].entry) == (81, "17.2")
    assert "nothing here that could be sent again" in take(act(ActKind.RETRY), ANAS, GROUND).refused
    assert take(act(ActKind.RETRY), ANAS, replace(failed, to=None)).refused.startswith("Not sent")


@pytest.mark.parametrize(("kind", "what"), [(ActKind.EDITED, "changed"), (ActKind.DELETED, "deleted")])
def test_what_was_sent_is_not_sent_again_when_it_is_changed(kind, what):
    done = take(act(kind, BEN, text="better words", entry="17.2"), ANAS, GROUND)
    assert (done.after, words_of(done), done.notices[0].to) == (None, None, BEN.id)
    assert f"You {what} it here alone" in told(done)[0]


# --- its end ---


def test_what_worked_is_remembered():
    done = take(act(ActKind.RESOLVE, value="fixed", text="a new export key"), ANAS, GROUND)
    assert (done.after.state, done.after.ended_at) == (StretchState.RESOLVED, done.act.at)
    assert done.after.outcome == "fixed; a new export key"
    [attempt] = done.case.attempts
    assert (attempt.what, attempt.by, attempt.result) == ("a new export key", "Ana", Result.WORKED)
    assert (done.case.state, done.case.concern, done.case.intent) == (CaseState.RESOLVED, "", "export_fails")
    assert told(done) == ["Ana has resolved it: fixed. What worked: a new export key"]


def test_it_can_be_resolved_without_words_and_without_a_case():
    done = take(act(ActKind.RESOLVE), WAITING, replace(GROUND, case=None))
    assert (done.case, done.after.owner, told(done)) == (None, ANA, ["Ana has resolved it."])


def test_what_is_handed_back_is_open_for_the_bot():
    done = take(act(ActKind.HAND_BACK), ANAS, GROUND)
    assert (done.after.state, done.case.state) == (StretchState.RETURNED, CaseState.OPEN)
    assert (told(done), words_of(done)) == (["Ana has handed it back: the bot goes on."], None)


def test_what_nobody_takes_up_goes_back_and_the_customer_hears_of_it():
    waits = replace(ANAS, asked_at=NOON)
    idle = idle_act(waits, NOON + timedelta(hours=9))
    done = take(idle, waits, GROUND)
    assert (done.after.state, done.act.by, words_of(done).returned) == (StretchState.RETURNED, DESK, True)
    assert told(done) == ["Nobody took up what the customer wrote: the bot goes on with it, and has told them so."]
    unheard = take(idle, waits, replace(GROUND, to=None))
    assert told(unheard) == ["Nobody took up what the customer wrote: the bot goes on with it."]


def test_who_is_quicker_than_the_word_that_nobody_took_it_up_keeps_it():
    waits = replace(WAITING, asked_at=NOON)
    idle = idle_act(waits, NOON + timedelta(hours=9))
    just_taken = take(act(ActKind.TAKE), waits, GROUND).after
    just_answered = take(act(ActKind.REPLY, text="Here I am."), replace(waits, owner=None), GROUND).after
    for stretch in (just_taken, just_answered, replace(ANAS, asked_at=None)):
        done = take(idle, stretch, GROUND)
        assert (done.after, done.notices, words_of(done)) == (None, (), None)
        assert done.refused == "It was taken up meanwhile."


def test_nobody_is_told_what_the_desk_itself_may_not_do():
    assert take(idle_act(ANAS, NOON), RESOLVED, GROUND).notices == ()


ENDS = [RESOLVED, replace(RESOLVED, state=StretchState.RETURNED)]
OVER = [ActKind.TAKE, ActKind.ASSIGN, ActKind.TEAM, ActKind.PRIORITY, ActKind.SNOOZE, ActKind.CONSENT, ActKind.REPLY]
OVER += [ActKind.RESOLVE, ActKind.HAND_BACK, ActKind.RETRY]


@pytest.mark.parametrize("ended", ENDS)
@pytest.mark.parametrize("kind", OVER)
def test_what_is_over_is_reopened_first(kind, ended):
    done = take(act(kind, text="words", value="senior"), ended, GROUND)
    assert done.after is None
    assert done.refused.endswith("Reopen it first.")
    assert words_of(done) is None


def test_whoever_reopens_it_has_it_and_the_bot_is_silent_again():
    done = take(act(ActKind.REOPEN, BEN), RESOLVED, GROUND)
    assert (done.after.state, done.after.owner, done.after.ended_at) == (StretchState.TAKEN, BEN, None)
    assert (done.case.state, done.after.reopened_at) == (CaseState.HANDED_OFF, done.act.at)


def test_what_is_open_or_in_another_thread_is_not_reopened():
    assert take(act(ActKind.REOPEN), ANAS, GROUND).refused == "It is open: nothing to reopen."
    anew = replace(WAITING, id=StretchId(2), owner=BEN)
    done = take(act(ActKind.REOPEN), RESOLVED, replace(GROUND, stretches=(RESOLVED, anew)))
    assert done.refused == "Not done: it was handed off anew in another thread: Ben has it."


def test_who_may_not_act_is_only_written_down():
    done = take(act(ActKind.REFUSED, text="take", value="a guest"), ANAS, GROUND)
    assert (done.refused, done.after, done.notices) == ("a guest", None, ())


def test_a_review_that_staff_accept_is_told():
    done = take(act(ActKind.MERGE, value="12", text="same invoice"), ANAS, GROUND)
    assert (done.merges, told(done)) == (12, ["Ana has confirmed that both are one person: same invoice."])
    assert take(act(ActKind.MERGE, value="x"), ANAS, GROUND).refused


def test_who_wants_no_reminders_is_told_so_alone():
    done = take(act(ActKind.MUTE), ANAS, GROUND)
    assert (done.after, done.notices[0].to) == (None, ANA.id)


@given(st.lists(st.tuples(st.sampled_from(list(ActKind)), st.sampled_from([ANA, BEN])), max_size=12))
def test_whatever_two_agents_do_one_has_it_and_nothing_is_said_for_who_has_it_not(acts):
    stretch = WAITING
    for kind, by in acts:
        done = take(act(kind, by, text="words", value=by.id), stretch, replace(GROUND, stretches=(stretch,)))
        if words_of(done):
            assert stretch.state.is_open
            assert stretch.owner is None or stretch.owner.id == by.id
        assert not (done.refused and done.after)
        stretch = done.after or stretch
        assert (stretch.ended_at is None) == stretch.state.is_open
        assert stretch.owner is not None or stretch.state in (StretchState.WAITING, StretchState.RETURNED)

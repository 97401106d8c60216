"""Preferences learned from how somebody writes: slowly, with proof, told why, and never against what they have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from omnibot.memory import learned, profile
from omnibot.memory.habits import FORGOTTEN, MOST
from omnibot.model import (
    Change,
    Complexity,
    Detail,
    Expertise,
    Length,
    Manner,
    Plan,
    Preferences,
    Reading,
    Register,
)
from tests.memory.people import EMAIL, SMS, TELEGRAM, Person, answer, read

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAIN = "could you look at this"


def write(person: Person, times: int, text: str = PLAIN, reading: Reading | None = None, **more) -> None:
    for _ in range(times):
        person.says(text, reading or read(), **more)


def liked(person: Person) -> Preferences:
    return profile(person.snapshot).preferences


def why(person: Person) -> dict[str, str]:
    return {one.key: one.why for one in learned(person.snapshot)}


# --- what is learned ---


def test_a_few_messages_teach_nothing() -> None:
    person = Person()
    write(person, 7, reading=read(formality=0.1, politeness=0.9))
    assert liked(person).register is None
    assert liked(person).manner is None


def test_who_always_writes_casually_is_answered_casually_and_told_why() -> None:
    person = Person()
    write(person, 8, reading=read(formality=0.1))
    assert liked(person).register is Register.CASUAL
    assert why(person)["register"] == "formality 0.10 (0 casual … 1 formal), over 8 messages"


def test_who_writes_like_a_letter_is_answered_formally_and_at_arms_length() -> None:
    person = Person()
    write(person, 10, reading=read(formality=0.95, politeness=0.7))
    assert (liked(person).register, liked(person).manner) == (Register.FORMAL, Manner.PROFESSIONAL)


def test_who_is_kind_without_being_stiff_is_answered_kindly() -> None:
    person = Person()
    write(person, 10, reading=read(formality=0.3, politeness=0.9))
    assert liked(person).manner is Manner.FRIENDLY


def test_who_writes_in_between_has_no_preference() -> None:
    person = Person()
    write(person, 20, reading=read(formality=0.45, politeness=0.5, expertise=Expertise.INTERMEDIATE))
    assert (liked(person).register, liked(person).manner, liked(person).complexity) == (None, None, None)


def test_signals_that_are_not_known_teach_nothing() -> None:
    person = Person()
    write(person, 20)
    assert liked(person).register is None
    assert liked(person).complexity is None


def test_length_and_emoji_are_theirs() -> None:
    brief, wordy = Person(), Person()
    write(brief, 10, "need the invoice")
    write(wordy, 10, "word " * 80 + "🙂")
    assert (liked(brief).length, liked(brief).emoji) == (Length.SHORT, False)
    assert (liked(wordy).length, liked(wordy).emoji) == (Length.DETAILED, True)
    assert why(brief)["length"] == "about 3 words a message, over 10 messages"
    assert why(wordy)["emoji"] == "emoji in 100% of their messages, over 10 messages"


def test_an_ok_says_nothing_of_how_long_somebody_likes_it() -> None:
    person = Person()
    write(person, 30, "ok thanks")
    assert liked(person).length is None


def test_experts_get_technical_words_and_beginners_plain_ones() -> None:
    expert, novice = Person(), Person()
    write(expert, 5, reading=read(expertise=Expertise.EXPERT))
    write(novice, 5, reading=read(expertise=Expertise.NOVICE))
    assert (liked(expert).complexity, liked(novice).complexity) == (Complexity.TECHNICAL, Complexity.PLAIN)


def test_who_asks_how_gets_steps() -> None:
    person = Person()
    write(person, 8, "how do I export my data?", read(intent="export", question="how do I export my data?"))
    assert liked(person).detail is Detail.STEPS
    assert why(person)["detail"] == "asks how in 100% of what they ask, over 8 messages"


def test_what_was_stated_wins_and_what_was_learned_is_still_shown() -> None:
    person = Person()
    write(person, 9, reading=read(formality=0.1))
    stated = Preferences(register=Register.FORMAL)
    person.snapshot = replace(person.snapshot, preferences=stated, stated=frozenset({"register"}))
    assert liked(person).register is Register.FORMAL
    assert "register" in why(person)


def test_somebody_new_has_the_preferences_that_were_told() -> None:
    person = Person()
    assert profile(person.snapshot) is person.snapshot
    write(person, 1)
    assert profile(person.snapshot) is person.snapshot


# --- how slowly ---


def test_one_odd_message_changes_nothing_that_was_learned() -> None:
    person = Person()
    write(person, 8, reading=read(formality=0.25, expertise=Expertise.EXPERT))
    person.says("Dear Sir or Madam", read(formality=1.0, expertise=Expertise.NOVICE))
    assert liked(person).register is Register.CASUAL
    assert liked(person).complexity is Complexity.TECHNICAL


def test_who_changes_is_followed_within_some_weeks_of_writing() -> None:
    person = Person()
    write(person, 60, reading=read(formality=0.1))
    write(person, 20, reading=read(formality=0.9))
    assert liked(person).register is None
    write(person, 15, reading=read(formality=0.9))
    assert liked(person).register is Register.FORMAL


def test_twenty_messages_are_half_of_what_a_mean_is_made_of() -> None:
    person = Person()
    write(person, 100, reading=read(formality=0.0))
    write(person, 20, reading=read(formality=1.0))
    habits = person.snapshot.habits[TELEGRAM.id]
    assert habits["formality.n"] == MOST
    assert 0.45 < habits["formality"] < 0.55


def test_habits_of_several_addresses_are_one_persons() -> None:
    person = Person()
    write(person, 4, reading=read(formality=0.1), on=TELEGRAM)
    assert liked(person).register is None
    write(person, 4, reading=read(formality=0.1), on=EMAIL)
    assert liked(person).register is Register.CASUAL


# --- where ---


def test_where_they_write_most_is_where_they_like_to_be_answered() -> None:
    person = Person()
    write(person, 9, on=EMAIL, after=DAY)
    assert liked(person).channel is None
    write(person, 2, on=TELEGRAM, after=DAY)
    assert liked(person).channel == "email"
    assert why(person)["channel"].startswith("81% of what they write, of about 10 turns")


def test_one_channel_alone_is_no_preference() -> None:
    person = Person()
    write(person, 30, on=EMAIL)
    assert "channel" not in why(person)


def test_who_writes_here_and_there_has_no_preferred_channel() -> None:
    person = Person()
    for _ in range(10):
        write(person, 1, on=EMAIL, after=HOUR)
        write(person, 1, on=TELEGRAM, after=HOUR)
    assert "channel" not in why(person)


def test_of_two_that_they_use_the_one_where_they_answer_sooner_is_preferred() -> None:
    person = Person()
    for _ in range(8):
        person.says(PLAIN, plan=answer("a"), on=TELEGRAM, after=DAY)
        person.says(PLAIN, plan=answer("b"), on=TELEGRAM, after=timedelta(minutes=2))
        person.says(PLAIN, plan=answer("a"), on=EMAIL, after=HOUR)
        person.says(PLAIN, plan=answer("b"), on=EMAIL, after=5 * HOUR)
    assert liked(person).channel == "telegram"
    assert "they answer there within" in why(person)["channel"]


def test_long_ago_counts_for_less() -> None:
    person = Person()
    write(person, 20, on=EMAIL)
    write(person, 12, on=TELEGRAM)
    assert liked(person).channel is None
    write(person, 30, on=TELEGRAM, after=6 * DAY)
    assert liked(person).channel == "telegram"


def test_no_channel_is_preferred_that_cannot_be_written_to_or_told_everything() -> None:
    person = Person()
    write(person, 12, on=EMAIL)
    write(person, 3, on=TELEGRAM)
    assert liked(person).channel == "email"
    whole = person.snapshot
    person.snapshot = replace(whole, trusted=frozenset({TELEGRAM.id, SMS.id}))
    assert liked(person).channel is None
    stopped = replace(EMAIL, stopped=True)
    person.snapshot = replace(whole, addresses=(TELEGRAM, stopped, SMS))
    assert liked(person).channel is None


# --- when ---


def test_the_hours_in_which_they_never_write_are_quiet() -> None:
    person = Person()
    person.snapshot = replace(person.snapshot, preferences=Preferences(zone="Europe/Berlin"))
    write(person, 15, after=DAY)  # 13:01 in Berlin, a minute later each day
    assert "quiet" not in why(person)
    write(person, 15, after=DAY)
    assert profile(person.snapshot).preferences.quiet == "21:00-09:00"
    assert why(person)["quiet"] == "practically never writes then, over 30 messages"


def test_who_writes_at_night_has_other_quiet_hours_and_who_always_writes_none() -> None:
    owl, restless = Person(), Person()
    for person in (owl, restless):
        person.snapshot = replace(person.snapshot, preferences=Preferences(zone="UTC"))
    write(owl, 1, after=13 * HOUR)
    write(owl, 29, after=DAY)  # at one at night
    write(restless, 64, after=3 * HOUR)
    assert profile(owl.snapshot).preferences.quiet == "03:00-15:00"
    assert profile(restless.snapshot).preferences.quiet is None


def test_without_their_zone_no_hours_are_learned() -> None:
    person = Person()
    write(person, 40, after=DAY)
    assert "quiet" not in why(person)


# --- forgetting ---


def test_who_wants_it_forgotten_begins_anew_everywhere() -> None:
    person = Person()
    write(person, 8, reading=read(formality=0.1), on=EMAIL)
    write(person, 8, reading=read(formality=0.1), on=TELEGRAM)
    forget = Plan(changes=(Change(key="habits", value=""),))
    person.says("forget how I write", plan=forget, on=TELEGRAM)
    assert set(person.snapshot.habits[TELEGRAM.id]) == {FORGOTTEN}
    assert learned(person.snapshot) == ()
    write(person, 4, reading=read(formality=0.1), on=EMAIL)
    write(person, 3, reading=read(formality=0.1), on=TELEGRAM)
    assert liked(person).register is None
    write(person, 1, reading=read(formality=0.1), on=TELEGRAM)
    assert liked(person).register is Register.CASUAL


def test_where_several_people_write_nothing_is_learned_of_any() -> None:
    person = Person()
    person.snapshot = replace(person.snapshot, addresses=(replace(TELEGRAM, shared=True),))
    person.says("I'm Sarah, I live in Berlin", read(formality=0.1), answer("a"))
    assert person.kept.habits is None
    assert [change.key for change in person.kept.changes] == ["language"]
    assert person.kept.case is not None


# --- whoever writes whatever ---

_WAYS = st.builds(
    lambda formality, politeness, expertise, words, emoji: (
        " ".join(["word"] * words) + emoji,
        read(formality=formality, politeness=politeness, expertise=expertise),
    ),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1),
    st.none() | st.sampled_from(list(Expertise)),
    st.integers(0, 200),
    st.sampled_from(["", "🙂"]),
)
_OPPOSITE = {
    Register.CASUAL: Register.FORMAL, Manner.FRIENDLY: Manner.PROFESSIONAL, Length.SHORT: Length.DETAILED,
    Complexity.PLAIN: Complexity.TECHNICAL,
}  # fmt: skip
_OPPOSITE |= {other: one for one, other in _OPPOSITE.items()}


def tastes(person: Person) -> dict[str, object]:
    return {one.key: one.value for one in learned(person.snapshot)}


@settings(max_examples=150, deadline=None)
@given(st.lists(_WAYS, max_size=45), _WAYS)
def test_no_single_message_turns_a_preference_into_its_opposite(before: Sequence, odd: tuple[str, Reading]) -> None:
    person = Person()
    for number, (text, reading) in enumerate(before):
        person.says(text, reading, on=(TELEGRAM, EMAIL)[number % 2])
    was = tastes(person)
    person.says(*odd)
    now = tastes(person)
    for key, value in was.items():
        if key == "emoji":
            assert now.get(key, value) == value
        else:
            assert now.get(key) != _OPPOSITE.get(value, value is None)
    for habits in person.snapshot.habits.values():
        assert all(0 <= habits.get(trait, 0) <= 1 for trait in ("formality", "warmth", "expertise", "emoji", "steps"))
        assert all(count <= MOST for trait, count in habits.items() if trait.endswith(".n"))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0.05, 0.2, 0.7, 0.95]), st.integers(8, 40), _WAYS)
def test_what_was_just_learned_outlives_one_message(formality: float, times: int, odd: tuple[str, Reading]) -> None:
    person = Person()
    write(person, times, reading=read(formality=formality))
    was = liked(person).register
    assert was is not None
    person.says(*odd)
    assert liked(person).register is was

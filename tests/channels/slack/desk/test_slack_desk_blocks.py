"""Cards, lines, forms and lists within Slack's limits, whatever people are called and write."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_office import NOON, card, heard, stretch

from omnibot.contract import Page, Place
from omnibot.model import Agent, Card, CardLine, DeliveryState, EntryKind, File, Stretch, StretchState
from omnibot.sandbox.slack import blocks as slack
from omnibot.sandbox.slack.modals import LARGEST, checked
from omnibot_slack.desk.cards import card_blocks, card_fallback, standing
from omnibot_slack.desk.forms import FORMS, form, timeline, told
from omnibot_slack.desk.kit import plain
from omnibot_slack.desk.lines import FAILED, MARKS, PART, entry_blocks, failure_blocks, fallback, parts_of
from omnibot_slack.desk.lists import choices, home, listed
from omnibot_slack.desk.payloads import Mixed, for_the_customer

LITERAL = [
    "<!channel>",
    "<@U1>",
    "<https://evil|bank.com>",
    "*bold* _it_ ~no~ `code`",
    "&lt;b&gt; &amp;amp; <b>",
    "> quote",
]
LONG = "Wörter & <mehr> " * 400
NUMBERS = st.lists(st.integers(0, 2**62), max_size=3, unique=True) | st.just(list(range(150)))
PLACE = Place("slack.main", "C0SENIOR", "1700000000.000100")
texts = st.one_of(st.text(max_size=40), st.sampled_from([*LITERAL, LONG, "\0\ud800", " \n "]))
moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
lines = st.builds(CardLine, at=moments, by=texts, text=texts, channel=texts, result=texts)
stretches = st.builds(
    lambda state, owner, why, outcome, priority, until: stretch(
        state=state, owner=owner, why=why, outcome=outcome, priority=priority, snoozed_until=until
    ),
    st.sampled_from(StretchState),
    st.none() | st.builds(Agent, id=texts, name=texts),
    texts,
    texts,
    texts,
    st.none() | moments,
)
cards = st.builds(
    Card,
    stretch=stretches,
    team=texts,
    name=texts,
    contacts=st.lists(st.tuples(texts, texts), max_size=20).map(tuple),
    since=st.none() | moments,
    plan=texts,
    worth=texts,
    mood=st.none() | st.floats(-1, 1),
    trend=texts,
    urgency=texts,
    deadline=st.none() | moments,
    language=texts,
    zone=texts,
    times=st.integers(1, 10**9),
    concern=texts,
    tried=st.lists(lines, max_size=8).map(tuple),
    said=st.lists(lines, max_size=8).map(tuple),
    suggestion=texts,
    due=st.none() | moments,
    due_for=texts,
    overdue=st.booleans(),
    reviews=NUMBERS.map(tuple),
)
plainer = st.builds(card, name=texts, suggestion=texts, stretch=stretches, reviews=NUMBERS.map(tuple))
TEAMS = st.dictionaries(st.text("abc", min_size=1, max_size=20), texts, max_size=4)
MANY = {f"team{number}": LONG for number in range(150)}


def seen(blocks: list[dict]) -> str:
    return slack.text_of(blocks, lambda id: f"NAME OF {id}")


def fits(blocks: list[dict]) -> None:
    """A message takes them."""
    assert slack.faults_of(blocks) == []
    assert slack.length_of(blocks) <= slack.ALL_TEXT


def longest() -> Card:
    every = {one.name: LONG for one in fields(Card) if one.type == "str"}
    line = CardLine(at=NOON, by=LONG, text=LONG, channel=LONG, result=LONG)
    held = {one.name: LONG for one in fields(Stretch) if one.type == "str" and one.name != "team"}
    return card(
        **every,
        stretch=stretch(owner=Agent(LONG, LONG), state=StretchState.SNOOZED, snoozed_until=NOON, **held),
        contacts=((LONG, LONG),) * 50,
        tried=(line,) * 50,
        said=(line,) * 50,
        since=NOON,
        deadline=NOON,
        due=NOON,
        mood=-0.75,
        times=10**9,
        overdue=True,
        reviews=tuple(range(200)),
    )


# --- cards -------------------------------------------------------------------------------------------------------


@given(cards)
def test_any_card_is_a_message_and_calls_nobody(some):
    shown = card_blocks(some)
    fits(shown)
    assert acting(shown) == set()
    assert 0 < len(card_fallback(some)) <= 4000
    assert not {"<", ">"} & set(card_fallback(some))


@pytest.mark.parametrize("state", StretchState)
def test_the_longest_card_is_a_message(state):
    most = longest()
    fits(card_blocks(replace(most, stretch=replace(most.stretch, state=state))))


def acting(blocks: object) -> set[str]:
    """What Slack would parse, or call somebody by."""
    match blocks:
        case {"type": "mrkdwn" | "user" | "usergroup" | "broadcast" | "channel" as kind}:
            return {str(kind)}
        case dict():
            return set().union(*map(acting, blocks.values()))
        case list():
            return set().union(*map(acting, blocks), set())
    return set()


@pytest.mark.parametrize("text", LITERAL)
def test_what_customers_write_stands_as_they_wrote_it(text):
    line = CardLine(at=NOON, by=text, text=text, channel="sms", result=text)
    some = card(
        name=text,
        stretch=stretch(why=text),
        contacts=((text, "seen"),),
        concern=text,
        tried=(line,),
        said=(line,),
        suggestion=text,
        plan=text,
    )
    shown = seen(card_blocks(some))
    assert shown.count(text) == 12
    assert seen(entry_blocks(heard(text, name=text), text)).count(text) == 2


def test_a_card_tells_how_it_stands():
    some = card(
        stretch=stretch(state=StretchState.TAKEN, owner=Agent("slack:T/U", "Ana Silva"), priority="high"),
        mood=-0.62,
        trend="falling",
        urgency="high",
        times=3,
        plan="Pro",
        worth="40 EUR a month",
        zone="Europe/London",
        due=NOON,
        due_for="next",
        overdue=True,
    )
    shown = seen(card_blocks(some))
    for told_ in (
        "🔴 Sarah Miller",
        "Taken by Ana Silva · Senior support · priority high",
        "Next answer due 2026-11-23 12:00 UTC – overdue",
        "Plan Pro · 40 EUR a month · mood: very unhappy, falling · urgent · writes English",
        "lives by the clock of Europe/London",
        "has come 3 times for it",
        "telegram:4711 (seen)",
        "2026-11-23 12:00 UTC Sarah Miller (telegram): It fails again!",
        "I am looking into it now.",
    ):
        assert told_ in shown


@pytest.mark.parametrize(
    ("state", "labels"),
    [
        (StretchState.WAITING, ["Reply", "Take", "Resolve", "Snooze", "Timeline"]),
        (StretchState.TAKEN, ["Reply", "Resolve", "Snooze", "Timeline"]),
        (StretchState.SNOOZED, ["Reply", "Take", "Resolve", "Snooze", "Timeline"]),
        (StretchState.RESOLVED, ["Reopen", "Timeline"]),
        (StretchState.RETURNED, ["Reopen", "Timeline"]),
    ],
)
def test_what_can_be_done_follows_from_how_it_stands(state, labels):
    shown = card_blocks(card(stretch=stretch(state=state, outcome="solved; a new token")))
    pressed = [choice.label for choice in slack.choices_of(with_ids(shown))]
    assert [label for label in pressed if not label.endswith("…")] == labels
    assert (len(pressed) > len(labels)) == state.is_open
    assert ("solved; a new token" in seen(shown)) == (not state.is_open)
    assert "Same person?" in str(card_blocks(card(reviews=(1,))))
    assert list(slack.choices_of(with_ids(card_blocks(card(), acting=False)))) == []


def with_ids(blocks: list[dict]) -> list[dict]:
    return slack.with_ids(blocks, lambda: "b")


def test_what_is_long_and_broken_stands_on_one_line_of_a_card():
    shown = card_blocks(card(said=(CardLine(at=NOON, by="bot", text="Hi Sarah.\n\nIt is\nfixed."),)))
    assert "bot: Hi Sarah. It is fixed." in seen(shown)


def test_a_card_of_nothing_is_one():
    some = Card(stretch=stretch(why=""), team="", name="")
    fits(card_blocks(some))
    assert "Somebody whose name is not known" in seen(card_blocks(some))
    assert standing(some) == "Nobody has it yet"


# --- lines -------------------------------------------------------------------------------------------------------


@given(texts, texts, texts, st.sampled_from(EntryKind), st.integers(0, 40))
def test_any_line_is_messages(text, name, channel, kind, files):
    carried = tuple(File(name or "f", "text/plain", 1, "r") for _ in range(files))
    entry = heard(text, name=name, channel=channel, kind=kind, files=carried)
    parts = parts_of(text)
    assert "".join(parts) == text
    for number, part in enumerate(parts):
        shown = entry_blocks(entry, part, first=not number)
        fits(shown)
        assert shown
        assert acting(shown) == set()
    assert 0 < len(fallback(entry)) <= 4000


def test_a_line_tells_who_where_when_and_with_what():
    file = File("photo.png", "image/png", 10, "r")
    assert seen(entry_blocks(heard("Look", files=(file,)), "Look")) == (
        "Sarah Miller (telegram) · 2026-11-23 12:00 UTC\nLook\n📎 photo.png"
    )
    ours = heard("Done", kind=EntryKind.SAID, name="bot", channel="sms")
    assert seen(entry_blocks(ours, "Done")).startswith("bot → customer (sms) ·")
    nobodys = heard("Done", kind=EntryKind.SAID, name="", channel="sms")
    assert seen(entry_blocks(nobodys, "Done")).startswith("The bot → customer (sms) ·")
    assert seen(entry_blocks(heard("x", name=""), "x")).startswith("Customer (telegram) ·")
    assert seen(entry_blocks(heard("x", kind=EntryKind.REMINDER), "Answer it")) == "⏰ Answer it"
    assert [len(part) for part in parts_of("x" * (PART + 1))] == [PART, 1]
    assert "nothing that can be shown" in seen(entry_blocks(heard(""), ""))


def test_every_state_has_a_mark():
    assert MARKS.keys() == set(DeliveryState)
    assert set(DeliveryState) > FAILED


@given(st.sampled_from(sorted(FAILED)), texts, st.sampled_from(["", "C0SENIOR:1.2"]))
def test_any_failure_is_a_message(state, reason, entry):
    shown = failure_blocks(state, reason, entry)
    fits(shown)
    assert ("Send again" in str(shown)) == bool(entry)


# --- forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted(FORMS))
@given(some=plainer, teams=TEAMS | st.just(MANY))
def test_any_form_is_a_view(verb, some, teams):
    checked(form(verb, some, teams, "t" * 200), "modal")


def test_there_is_no_other_form():
    with pytest.raises(ValueError, match="no form"):
        form("everything", card(), {}, "")


@given(st.lists(lines, max_size=30), st.booleans(), st.booleans(), texts)
def test_any_page_of_a_timeline_is_a_view(some, earlier, later, name):
    checked(timeline(Page(some, 1, earlier=earlier, later=later), name, "t"), "modal")


@pytest.mark.parametrize("text", [LONG, "\x01" * 5000, "👩\u200d🚀" * 2000, '"\\/' * 2000, "a b " * 2000])
def test_the_longest_page_of_a_timeline_is_a_view(text):
    line = CardLine(at=NOON, by=text, text=text, channel=text)
    view = checked(timeline(Page((line,) * 300, 3, earlier=True, later=True), text, "t"), "modal")
    assert len(json.dumps(view)) < LARGEST  # however what is not ASCII is written
    checked(told(text, text), "modal")


def test_a_page_that_fits_is_shown_whole():
    line = CardLine(at=NOON, by="Sarah", text="x" * 2000, channel="telegram")
    view = checked(timeline(Page((line,) * 20, 0), "Sarah", "t"), "modal")
    assert seen(view["blocks"]).count("x" * 2000) == 20


# --- lists -------------------------------------------------------------------------------------------------------


@given(st.lists(plainer, max_size=3), st.sampled_from([0, 1, 40]))
def test_any_home_is_a_view_and_any_list_a_message(some, times):
    matters = [(PLACE, one) for one in some for _ in range(times)]
    view = home([(name, matters) for name in ("Mine", "Overdue", "Team")], lambda place: "https://x.slack.com/a")
    checked(view, "home")
    fits(listed(matters, lambda place: ""))
    fits(choices(matters, "mute", "Mute", lambda place: "t" * 100))
    assert acting(view) == set()


def test_the_longest_lists_fit():
    matters = [(PLACE, longest())] * 50
    checked(home([(name, matters) for name in "abc"], lambda place: "https://x.slack.com/" + "a" * 100), "home")
    fits(listed(matters, lambda place: "https://x.slack.com/" + "a" * 100))
    assert "and 35 more" in seen(listed(matters, lambda place: ""))


# --- pieces ------------------------------------------------------------------------------------------------------


@given(texts, st.integers(1, 200))
def test_a_plain_text_stands_as_it_is_and_fits(text, most):
    shown = plain(text, most)
    assert 0 < len(shown["text"]) <= most


@pytest.mark.parametrize("text", LITERAL)
def test_no_plain_text_is_taken_for_an_escape(text):
    assert seen([{"type": "header", "text": plain(text, 150)}]) == text


@pytest.mark.parametrize(
    ("text", "prefix", "sent"),
    [
        ("hello", ">", None),
        ("> hello", ">", "hello"),
        (">hello", ">", "hello"),
        ("  > hello", ">", "hello"),
        (">", ">", ""),
        ("> a\n>\n> b", ">", "a\n\nb"),
        (">> a", ">", "> a"),
        ("!c hello", "!c", "hello"),
        ("> hello", "", None),
        ("", ">", None),
    ],
)
def test_the_prefix_is_taken_off(text, prefix, sent):
    assert for_the_customer(text, prefix) == sent


@given(st.text(max_size=200), st.sampled_from([">", "!c", "##"]))
def test_nothing_goes_to_the_customer_without_its_prefix(text, prefix):
    try:
        sent = for_the_customer(text, prefix)
    except Mixed:
        assert prefix == ">"
        return
    assert (sent is None) == (not text.strip().startswith(prefix))

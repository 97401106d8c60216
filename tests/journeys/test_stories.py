"""The demo's stories, and the same of other people: what is said comes from what the company has brought.

Each story is a function of who it is told of. So it is told of made-up people, too, and of people of whom the company
has brought something else than the story expects: then exactly the elements that rest on it must be missing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from omnibot.learning import Lessons
from omnibot.model import Address, TimelineMessage
from omnibot.playbooks import Playbooks
from omnibot.sandbox.demo import STAFFED
from omnibot.sandbox.stage import Silent, Stage
from omnibot.sandbox.stories import STORIES, Acting, Story
from omnibot.sandbox.stories.frustrated import Contact, Frustrated, frustrated
from omnibot.sandbox.stories.moves import Moving, moves
from omnibot.sandbox.stories.new import New, new
from omnibot.sandbox.stories.returning import Returning, returning
from omnibot.sandbox.team import Team
from omnibot.sandbox.world import world
from tests.conftest import SECRET
from tests.databases import Databases
from tests.journeys.conftest import KNOWLEDGE, forget_servers, serving_with

PLAYBOOKS = KNOWLEDGE.parent / "playbooks"
CHANNELS = ("telegram", "email", "sms", "whatsapp")
LANGUAGES = ("en", "es", "de", "fr")
ZONES = ("Europe/London", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Auckland")
NAMES = ("Ada Byron", "Łukasz Żak", "Chloé O'Neill", "Jürgen Müller-Lüdenscheidt", "Nguyễn Thu", "Ana García")

Play = Callable[[Story], Awaitable[list[str]]]
_T = TypeVar("_T")


class Script(Silent):
    """Writes down what is said, for who must see why something is missing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def title(self, text: str) -> None:
        self.lines.append(f"\n=== {text}")

    def message(self, message: TimelineMessage, name: str) -> None:
        self.lines.append(f"--- {message.address} {message.direction}\n{message.text}")

    def thread(self, text: str) -> None:
        self.lines.append(f"--- the desk\n{text}")

    def act(self, step: Acting) -> None:
        self.lines.append(f"--- {step.by} {step.does}\n{step.text}")

    def missing(self, text: str) -> None:
        self.lines.append(f"✗ {text}")


@pytest_asyncio.fixture(scope="module")
async def play(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Play]:
    """Plays stories and tells what is missing of each: all in one world, where nobody writes from the same address.

    Many may be told in one second in a room.
    """
    folder = tmp_path_factory.mktemp("world")
    await asyncio.to_thread(Lessons.of(Playbooks.load(PLAYBOOKS), folder).learn)
    sections = {"desk": STAFFED, "secret": SecretStr(SECRET.decode())}
    async with (
        databases.one() as dsn,
        world(
            folder,
            knowledge=KNOWLEDGE,
            playbooks=PLAYBOOKS,
            database_url=dsn,
            channels=(*CHANNELS, "slack"),
            sections=sections,
        ) as place,
    ):
        Team(place.slack)  # its rooms are there before anybody is handed to it
        async with serving_with(place, "slack", conversation_seconds=0), place.looking() as store:
            here = copy_context()  # in which the store is open: other tests open others

            async def played(story: Story) -> list[str]:
                script = Script()
                stage = Stage(story, place, store, script)
                missing = await asyncio.get_running_loop().create_task(stage.play(), context=here)
                if missing:
                    sys.stdout.write("\n".join(script.lines))
                return missing

            yield played
    forget_servers()


def made_up(people: st.SearchStrategy[_T], count: int) -> list[_T]:
    """Some, always the same: each costs seconds, so none is made smaller."""
    found: list[_T] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(people)
    def collect(one: _T) -> None:
        found.append(one)

    collect()
    return found[:count]


def now() -> datetime:
    return datetime.now(UTC)


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def missing_of(told: Story, happened: Story) -> Story:
    """What one story expects, after what has happened in another."""
    return replace(told, past=happened.past)


@pytest.mark.parametrize("name", ["returning", "frustrated", "new", "moves", "two-people"])
async def test_the_story_comes_true(play: Play, name: str) -> None:
    assert await play(STORIES[name](now())) == []


# --- Sarah, who returns ---


def sarah(number: int, **others: object) -> Returning:
    who = replace(
        Returning.sarah(now()),
        user=f"u-{number}",
        writes=Address("telegram", str(9000 + number)),
        reads=Address("email", f"sarah{number}@example.org"),
    )
    return replace(who, **others)  # type: ignore[arg-type]


def days_ago(first: int, last: int) -> st.SearchStrategy[datetime]:
    return st.integers(first * 24, last * 24).map(lambda hours: ago(hours / 24))


RETURNING = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "language": st.sampled_from(LANGUAGES),
        "formal": st.booleans(),
        "zone": st.sampled_from(ZONES),
        "joined": days_ago(1100, 2000),
        "plan": st.sampled_from(("Pro", "Business", "Équipe+", "Plan 9")),
        "upgraded": st.none() | days_ago(3, 58) | days_ago(70, 400),
        "billing": st.none() | days_ago(40, 340) | days_ago(380, 1000),
        "export": st.none() | days_ago(30, 900),
        "writes": st.sampled_from(("telegram", "sms", "whatsapp")),
        "reads": st.sampled_from(("email", "email", "sms")),
    }
).filter(lambda who: who["writes"] != who["reads"])


def address(channel: str, number: int) -> Address:
    values = {"telegram": f"{7000 + number}", "email": f"somebody{number}@example.org"}
    return Address(channel, values.get(channel, f"+4915112{340000 + number}"))


async def test_it_comes_true_for_whoever_returns(play: Play) -> None:
    missing = {}
    for number, one in enumerate(made_up(RETURNING, 8)):
        places = {key: address(str(one[key]), number) for key in ("writes", "reads")}
        who = Returning(**{**one, **places}, user=f"made-{number}")  # type: ignore[arg-type]
        if told := await play(returning(who, now())):
            missing[str(who)] = told
    assert missing == {}


async def test_what_sarah_is_told_is_missing_where_nobody_has_brought_it(play: Play) -> None:
    """Every element of the reply that rests on memory, without what it rests on."""
    expected = [
        ({"upgraded": None}, "names the Pro upgrade and its date as likely cause"),
        ({"upgraded": ago(150)}, "names the Pro upgrade and its date as likely cause"),
        ({"plan": "Business"}, "names the Pro upgrade and its date as likely cause"),
        ({"upgraded": ago(9)}, "names the Pro upgrade and its date as likely cause"),
        ({"billing": ago(90)}, "first billing question in over a year"),
        ({"joined": ago(200), "billing": None, "export": ago(100)}, "first billing question in over a year"),
        ({"name": "Ana García"}, "greets by name"),
    ]
    for number, (otherwise, element) in enumerate(expected):
        who = sarah(number)
        happened = replace(who, **otherwise)
        assert await play(missing_of(returning(who, now()), returning(happened, now()))) == [element]


async def test_without_a_preferred_channel_she_is_answered_where_she_asks(play: Play) -> None:
    told = returning(sarah(90), now())
    past = [{key: value for key, value in row.items() if key != "prefers"} for row in told.past]
    [asks, _] = told.steps
    step = replace(asks, expects=(replace(asks.expects[0], to=asks.sender),))
    missing = await play(replace(told, past=tuple(past), steps=(step,)))
    assert {"to her preferred channel", "with a short pointer where she asked"} <= {*missing}


async def test_a_cause_that_was_told_at_an_address_of_nobody_is_not_hers(play: Play) -> None:
    told = returning(sarah(91), now())
    past = [row if row.get("name") != "plan_changed" else {**row, "of": "user:somebody-else"} for row in told.past]
    missing = await play(replace(told, past=tuple(past)))
    assert missing == ["names the Pro upgrade and its date as likely cause"]


# --- Mike, who is fed up ---

STEPS = ("limit=200 with the cursor", "async=true for reports", "back-off with 5 retries")


@st.composite
def fed_up(draw: st.DrawFn) -> Callable[[int], Frustrated]:
    name, language, zone = (draw(st.sampled_from(choices)) for choices in (NAMES, LANGUAGES, ZONES))
    agents = draw(st.permutations(("Priya", "Ben", "Zoë", "Matteo")))
    channels = [draw(st.sampled_from(CHANNELS)) for _ in range(4)]
    times = sorted((draw(st.integers(24, 12 * 24)) for _ in range(draw(st.integers(0, 3)))), reverse=True)
    steps = draw(st.permutations(STEPS))
    code = draw(st.sampled_from(("504", "502")))

    def told_of(number: int) -> Frustrated:
        before = [
            Contact(address(channels[place], number), ago(hours / 24), agents[place], steps[place])
            for place, hours in enumerate(times)
        ]
        writes = address(channels[-1], number)
        return Frustrated(name=name, language=language, zone=zone, code=code, writes=writes, before=tuple(before))

    return told_of


async def test_it_comes_true_for_whoever_is_fed_up(play: Play) -> None:
    missing = {}
    for number, told_of in enumerate(made_up(fed_up(), 8), 200):
        who = told_of(number)
        if told := await play(frustrated(who)):
            missing[str(who)] = told
    assert missing == {}


def mike(number: int) -> Frustrated:
    who = Frustrated.mike(now())
    moved = {"sms": f"+4477009{number:05}", "email": f"mike{number}@example.net", "whatsapp": f"+4477009{number:05}"}
    before = [replace(one, address=Address(one.address.channel, moved[one.address.channel])) for one in who.before]
    return replace(who, before=tuple(before), writes=Address("whatsapp", moved["whatsapp"]))


async def test_what_mike_is_told_is_missing_where_nobody_has_brought_it(play: Play) -> None:
    helped = {"names who helped before"}
    tried = {"names what was tried", "tells no step again that has failed"}
    handed = {"acknowledges contact 3", "hands off to senior support"}
    card = {"what was tried, and by whom"}
    for number, (before, elements) in enumerate(
        [
            (lambda one: replace(one, agent="Somebody"), helped | card),
            (lambda one: replace(one, step="a restart of the client"), tried | card),
        ]
    ):
        who = mike(number)
        happened = replace(who, before=tuple(map(before, who.before)))
        assert {*await play(missing_of(frustrated(who), frustrated(happened)))} == elements
    who = mike(10)
    never_came = replace(who, before=())
    assert helped | tried | handed <= {*await play(missing_of(frustrated(who), frustrated(never_came)))}


async def test_another_matter_is_no_contact_about_this_one(play: Play) -> None:
    told = frustrated(mike(11))
    past = [row if row["kind"] != "case" else {**row, "intent": "data-export", "topic": ""} for row in told.past]
    missing = {*await play(replace(told, past=tuple(past)))}
    assert {"acknowledges contact 3", "names who helped before", "names what was tried"} <= missing


# --- Emma, who is new ---

NEW = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "language": st.sampled_from(LANGUAGES),
        "zone": st.sampled_from(ZONES),
        "plan": st.sampled_from(("Starter", "Pro", "Équipe+")),
        "signed_up": st.none() | st.just(ago(1)) | days_ago(2, 5) | days_ago(30, 300),
    }
)


async def test_it_comes_true_for_whoever_is_new(play: Play) -> None:
    missing = {}
    for number, one in enumerate(made_up(NEW, 8)):
        who = New(**one, address=address(("email", "telegram")[number % 3 == 2], 400 + number))  # type: ignore[arg-type]
        if told := await play(new(who, now())):
            missing[str(who)] = told
    assert missing == {}


async def test_what_emma_is_told_is_missing_where_nobody_has_brought_it(play: Play) -> None:
    welcome, yesterday = "welcomes her", "mentions yesterday"
    expected: Sequence[tuple[dict[str, object], set[str]]] = [
        ({"signed_up": None}, {welcome, yesterday}),
        ({"signed_up": ago(400)}, {welcome, yesterday}),
        ({"signed_up": ago(4)}, {yesterday}),
        ({"name": "Ana García"}, {"greets by name"}),
    ]
    for number, (otherwise, elements) in enumerate(expected):
        who = replace(New.emma(now()), address=Address("email", f"emma{number}@example.com"))
        happened = replace(who, **otherwise)  # type: ignore[arg-type]
        assert {*await play(missing_of(new(who, now()), new(happened, now())))} >= elements


# --- Tomás, who moves ---


async def test_it_comes_true_for_whoever_moves(play: Play) -> None:
    missing = {}
    for number, language in enumerate(LANGUAGES):
        who = Moving(
            name=NAMES[number],
            language=language,
            number=Address("sms", f"+4915112{350000 + number}"),
            mail=Address("email", f"moves{number}@example.net"),
        )
        if told := await play(moves(who)):
            missing[language] = told
    assert missing == {}

"""What whoever looks after the server sees of the desk, without Slack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from typer.testing import Result

from omnibot.contract import Place
from omnibot.desk import Ground, Rules, Staff, take
from omnibot.model import ActKind, EntryKind, StretchId
from omnibot.store import Store
from omnibot.store.desk import NewEntry
from tests.conftest import SECRET
from tests.store.desks import ANA, BEN, MIKE, NOON, SARAH, act, attended, done, hand_off, taken

RULES = Rules(teams={"support": Staff(key="support"), "senior": Staff(key="senior")})
Run = Callable[..., Result]


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.output.splitlines()]


@pytest.fixture
def desk(dsn: str) -> tuple[StretchId, StretchId]:
    """Sarah's matter is late and Ana's, after Ben wanted to answer; Mike's waits for a thread."""

    async def seeded() -> tuple[StretchId, StretchId]:
        async with Store.open(dsn, SECRET) as store:
            sarah = await hand_off(store, team="senior", priority="high")
            mike = await hand_off(store, sender=MIKE, reason="spoke of the law", team="support")
            for one in (act(ActKind.TAKE), act(ActKind.REPLY, BEN, text="Hello")):
                work = await taken(store, sarah, one, SARAH)
                [current] = work.stretches
                came = take(one, current, Ground(rules=RULES, stretches=work.stretches, to=work.addresses[0]))
                await store.path.commit([done(work, came)])
            await store.desk.claim_opening(1, 30)
            assert await store.desk.placed(sarah.id, Place("slack.main", "C1", "17.1"), 0)
            await store.desk.enqueue(mike.id, [NewEntry(kind=EntryKind.NOTICE, text="secret words")])
            due, seen = NOON, (await attended(store, sarah.id)).look_at
            await store.desk.levels(
                sarah.id, first_due=due, next_due=None, resolve_due=due + timedelta(days=9), look_at=None, seen=seen
            )
            await store.desk.reminded(sarah.id, "first.over", due)
            return sarah.id, mike.id

    return asyncio.run(seeded())


def test_the_queue_is_told_with_the_most_urgent_first(omnibot: Run, desk: tuple[StretchId, StretchId]) -> None:
    sarah, mike = desk
    first, second = lines(omnibot("desk", "queue", "--json"))
    assert (first["stretch"], first["team"], first["priority"], first["state"], first["owner"]) == (
        sarah, "senior", "high", "taken", "Ana",
    )  # fmt: skip
    assert (second["stretch"], second["owner"], second["due"], second["why"]) == (mike, "", "", "spoke of the law")
    assert [one["stretch"] for one in lines(omnibot("desk", "queue", "--team", "support", "--json"))] == [mike]
    assert [one["stretch"] for one in lines(omnibot("desk", "queue", "--overdue", "--json"))] == [sarah]
    told = omnibot("desk", "queue").output
    assert "2 open: 1 that nobody has yet, 1 overdue, 1 without a thread;" in told


def test_one_is_told_with_what_does_not_stand_in_its_thread(omnibot: Run, desk: tuple[StretchId, StretchId]) -> None:
    sarah, mike = desk
    [one] = lines(omnibot("desk", "show", str(sarah), "--json"))
    assert (one["desk"], one["room"], one["thread"]) == ("slack.main", "C1", "17.1")
    assert (one["addresses"], one["why"]) == ([str(SARAH)], "asks for a person")
    [other] = lines(omnibot("desk", "show", str(mike), "--json"))
    [line] = other["not_shown"]
    assert (other["desk"], line["kind"], line["state"], line["attempts"]) == ("", "notice", "queued", 0)
    told = omnibot("desk", "show", str(mike)).output
    assert "not in its thread:" in told
    assert "secret words" not in told
    missing = omnibot("desk", "show", "99")
    assert (missing.exit_code, "omnibot desk queue" in missing.output) == (1, True)


def test_the_audit_log_tells_who_did_what_and_who_was_refused_why(
    omnibot: Run, desk: tuple[StretchId, StretchId]
) -> None:
    took, refused = lines(omnibot("desk", "acts", str(desk[0]), "--json"))
    assert (took["by"], took["name"], took["act"], took["outcome"]) == (ANA.id, ANA.name, "take", "done")
    assert (refused["by"], refused["act"], refused["outcome"], refused["text"]) == (BEN.id, "reply", "refused", "Hello")
    assert refused["refused"].startswith("Not done: Ana has it")
    assert omnibot("desk", "acts", str(desk[1])).output == "nothing\n"


def test_what_is_stuck_anywhere_is_told(omnibot: Run, desk: tuple[StretchId, StretchId]) -> None:
    stuck = lines(omnibot("desk", "stuck", "--json"))
    assert {one["stretch"] for one in stuck} == set(desk)
    assert {one["state"] for one in stuck} == {"queued"}


def test_it_is_counted_how_often_times_were_over(omnibot: Run, desk: tuple[StretchId, StretchId]) -> None:
    senior, support = lines(omnibot("desk", "levels", "--json"))
    assert (senior["team"], senior["priority"], senior["matters"], senior["first_over"]) == ("senior", "high", 1, 1)
    assert (support["team"], support["matters"], support["first_over"], support["resolve_over"]) == ("support", 1, 0, 0)

"""The bench itself: that it sees what is wrong, and that a few messages go through the floor and the server."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from bench.load import Customer, Timings, converse, people, steadily
from bench.measure import Target
from bench.metered import Meter
from bench.modes import EachOnce
from bench.provider import Arrivals, Posted, Provider, Receipt, Receipts
from bench.providers import PROVIDERS
from bench.rig import bare, omnibot, scratch
from bench.traffic import TEXTS
from bench.verdict import Lane, Planned, Turn, Verdict, compare, judge

from omnibot.learning import Lessons, playbooks_of
from omnibot.model import DeliveryState
from omnibot.sandbox import Outcome, ServerError
from omnibot.settings import Settings
from omnibot.store.bundled import BundledServer
from omnibot.store.codec import Codec
from omnibot.store.payloads import parts_from_json

CODEC = Codec(b"a secret of the tests, long enough")
CHAT = "1"


def hashed(message: str) -> UUID:
    return CODEC.provider_hash(message)


def lane() -> Lane:
    """Two messages (ours 11 and 21) and the replies to them (12 and 22)."""
    return Lane(
        received=[(11, hashed("101")), (21, hashed("102"))],
        turns=[Turn(1, (11,)), Turn(2, (21,))],
        replies=[
            Planned(12, 1, DeliveryState.SENT, hashed("201"), ""),
            Planned(22, 2, DeliveryState.SENT, hashed("202"), ""),
        ],
    )


def broken(held: Lane, *received: str, text: str = "") -> set[str]:
    """Which checks fail when these messages of ours have arrived."""
    customer = Customer(CHAT, iter(()), [Posted(CHAT, "101", b""), Posted(CHAT, "102", b"")])
    receipts = {CHAT: [Receipt(0.0, message, text) for message in received]}
    verdict: Verdict = compare({CHAT: held}, CODEC, [customer], receipts, largest=10)
    return {check.what for check in verdict.checks if check.broken}


def test_nothing_is_wrong_where_each_message_has_its_reply_in_order() -> None:
    assert broken(lane(), "201", "202") == set()


@pytest.mark.parametrize(
    ("received", "what"),
    [
        (("201",), "every reply arrived once, is listed unknown, or was one too many"),
        (("201", "202", "202"), "every reply arrived once, is listed unknown, or was one too many"),
        (("201", "202", "999"), "nothing else arrived"),
        (("202", "201"), "replies arrived in order"),
    ],
)
def test_what_is_lost_repeated_strange_or_out_of_order_is_seen(received: tuple[str, ...], what: str) -> None:
    assert what in broken(lane(), *received)


def test_a_message_that_is_lost_or_taken_twice_is_seen() -> None:
    held = lane()
    held.received.pop()
    assert "every message is stored once" in broken(held, "201", "202")
    held = lane()
    held.turns.append(Turn(3, (21,)))
    assert {"every message belongs to one turn", "every turn has one reply"} <= broken(held, "201", "202")


def test_a_reply_that_is_too_long_for_one_message_is_several() -> None:
    held = lane()
    held.replies = [
        Planned(12, 1, DeliveryState.SENT, hashed("201"), "the beginning"),
        Planned(13, 1, DeliveryState.SENT, hashed("202"), "and the rest"),
        Planned(22, 2, DeliveryState.SENT, hashed("203"), "short"),
    ]
    assert broken(held, "201", "202", "203") == set()
    held.replies[1] = Planned(13, 1, DeliveryState.SENT, hashed("202"), "the beginning")
    assert broken(held, "201", "202", "203") == {"every turn has one reply"}
    held.replies[:2] = [
        Planned(12, 1, DeliveryState.SENT, hashed("201"), "this"),
        Planned(13, 1, DeliveryState.SENT, hashed("202"), "that"),
    ]
    assert broken(held, "201", "202", "203") == {"every turn has one reply"}


def test_turns_that_interleave_are_seen() -> None:
    held = lane()
    held.turns = [Turn(1, (21,)), Turn(2, (11,))]
    assert broken(held, "201", "202") == {"turns of one customer do not interleave"}


def test_an_unknown_reply_may_have_arrived_once_or_not_at_all() -> None:
    held = lane()
    held.replies[1] = Planned(22, 2, DeliveryState.UNKNOWN, None, "hello")
    assert broken(held, "201") == set()
    assert broken(held, "201", "999", text="hello") == set()
    assert broken(held, "201", "999", text="something else") == {"nothing else arrived"}
    assert broken(held, "201", "998", "999", text="hello") == {"nothing else arrived"}


def test_a_reply_that_was_one_too_many_must_not_arrive() -> None:
    held = lane()
    held.replies[1] = Planned(22, 2, DeliveryState.SUPPRESSED, hashed("202"), "", capped=True)
    assert broken(held, "201") == set()
    assert broken(held, "201", "202") == {"every reply arrived once, is listed unknown, or was one too many"}
    held.replies[1] = Planned(22, 2, DeliveryState.SUPPRESSED, hashed("202"), "")
    assert broken(held, "201") == {"every reply arrived once, is listed unknown, or was one too many"}


def test_quantiles_and_targets() -> None:
    seen = Timings(started=0.0, ended=10.0, latencies=[float(n) for n in range(100)])
    assert seen.rate == 10
    assert (seen.quantile(0.5), seen.quantile(0.99)) == (50, 99)
    assert Target("ratio", 0.35, 0.35, at_least=True).met
    assert not Target("ratio", 0.34, 0.35, at_least=True).met
    assert not Target("p99", 15.1, 15).met


def test_texts_are_of_some_seventeen_words() -> None:
    words = [len(text.split()) for text in TEXTS]
    assert 16 <= sum(words) / len(words) <= 19


def test_each_message_fails_once() -> None:
    faults = EachOnce("sendMessage", ServerError())
    first, again, other = (faults.take("telegram", "sendMessage", chat) for chat in ("1", "1", "2"))
    assert isinstance(first, ServerError)
    assert again is None
    assert isinstance(other, ServerError)
    assert faults.take("telegram", "setWebhook") is None


class Shut:
    """A door that opens at the third knock."""

    def __init__(self) -> None:
        self.knocks = 0

    async def post(self, posted: Posted) -> tuple[float, bool]:
        self.knocks += 1
        return float(self.knocks), self.knocks == 3


async def test_a_provider_insists_as_often_as_it_does() -> None:
    posted = Posted(CHAT, "101", b"")
    insistent, short = Arrivals(Shut(), None), Arrivals(Shut(), 2)
    assert await insistent.insist(posted) == 1
    assert await short.insist(posted) == 1
    assert (insistent.acknowledged, insistent.given_up) == (1, 0)
    assert (short.acknowledged, short.given_up) == (0, 1)


async def test_a_receipt_is_told_to_who_waits_for_it() -> None:
    receipts = Receipts("messages.create", lambda payload: payload["Sid"])
    expected = receipts.next_of("+1555")
    receipts.append("twilio", "AC1", "messages.list", {"Sid": "SM0"}, to="sms:+1555", text="not a reply")
    receipts.append("twilio", "AC1", "messages.create", {"Sid": "SM1"}, Outcome.REFUSED, "20503")
    assert not expected.done()
    receipts.append("twilio", "AC1", "messages.create", {"Sid": "SM2"}, to="sms:+1555", text="hello")
    assert await expected == receipts.of["+1555"][0].at
    assert [(receipt.message, receipt.text) for receipt in receipts.of["+1555"]] == [("SM2", "hello")]
    assert (receipts.count, receipts.refused) == (1, 1)


async def test_a_meter_counts_what_is_computed_and_not_what_is_awaited() -> None:
    meter = Meter()

    async def wait() -> str:
        await asyncio.sleep(0.05)
        return "done"

    def compute() -> int:
        return sum(range(300_000))

    async def work() -> str:
        counted()
        return await waiting()

    waiting, counted = meter.coroutine("waiting", wait), meter.function("computing", compute)
    assert await meter.coroutine("working", work)() == "done"
    assert meter.spent["waiting"] < 10_000_000 < 50_000_000
    assert meter.spent["computing"] > 10 * meter.spent["working"]  # what is within is not counted twice
    assert meter.calls == {"waiting": 1, "computing": 1, "working": 1}


async def test_a_metered_coroutine_still_raises_and_is_still_cancelled() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def hang() -> None:
        await asyncio.Event().wait()

    meter = Meter()
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        await meter.coroutine("failing", fail)()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await meter.coroutine("hanging", hang)()


@pytest_asyncio.fixture(scope="module")
async def cluster() -> AsyncIterator[Path]:
    """A data folder with a database and what is learned of the playbooks, to be copied: to make ten would take long."""
    with scratch() as folder:
        async with BundledServer(folder / "data"):
            pass
        await asyncio.to_thread(Lessons.of(playbooks_of(Settings()), folder / "data").learn)
        yield folder / "data"


@pytest.fixture
def folder(cluster: Path) -> Iterator[Path]:
    with scratch() as folder:
        for rig in ("floor", "ours"):
            (folder / rig).mkdir(mode=0o711)
            subprocess.run(["cp", "-a", str(cluster), str(folder / rig / "data")], check=True)
        yield folder


@pytest.mark.parametrize("channel", PROVIDERS)
async def test_a_few_messages_go_through_the_floor_and_the_server(folder: Path, channel: str) -> None:
    provider = PROVIDERS[channel]()
    async with provider.sandbox, bare(provider, folder / "floor") as rig:
        seen = await converse(provider, rig.arrivals, people(provider, 3), messages=2, in_flight=2)
        assert len(seen.latencies) == 6
        assert rig.server.memory() > 0

    provider = PROVIDERS[channel]()
    customers = people(provider, 6)  # each writes once at a time: what comes while a server is slow is one turn
    async with provider.sandbox, omnibot(provider, folder / "ours") as rig:
        before = rig.server.cpu()
        seen = await converse(provider, rig.arrivals, customers, messages=1, in_flight=2)
        steady = await steadily(provider, rig.arrivals, customers, rate=20, seconds=0.3)
        used = rig.server.cpu().since(before)
    assert (len(seen.latencies), len(steady.latencies)) == (6, 6)
    assert used.server > 0
    async with BundledServer(rig.settings().data_folder):  # for both who look into it
        verdict = await judge(rig.settings(), customers, provider)
        planned = await texts_of_replies(rig.settings(), provider)
    assert verdict.clean, [check.examples for check in verdict.checks]
    assert verdict.counts["received"] == 12
    arrived = [receipt.text for customer in customers for receipt in provider.receipts.of[customer.address]]
    assert set(arrived) <= planned  # by which the verdict knows a reply whose id nobody noted


async def texts_of_replies(settings: Settings, provider: Provider) -> set[str]:
    """What is in the outbox, as the provider's customers would see it."""
    codec = Codec(settings.load_secret())
    async with BundledServer(settings.data_folder) as dsn:
        connection = await asyncpg.connect(dsn)
        rows = await connection.fetch("SELECT address_id, payload_sealed FROM outbox")
        await connection.close()
    payloads = [codec.open(row["address_id"], row["payload_sealed"]) for row in rows]
    return {provider.seen(parts_from_json(payload["parts"])) for payload in payloads}

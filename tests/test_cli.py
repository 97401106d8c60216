"""The command line, as its user sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from omnibot.model import Address, Draft, IncomingMessage, Paragraph, Sender
from omnibot.store import Store
from omnibot.store.work import Arrived, Outcome, Purpose, Reply, StoredFile
from tests.conftest import SECRET, lines

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def conversation(dsn: str) -> None:
    """Sarah asked, was answered and handed over, and sent a file; somebody was not believed."""
    async with Store.open(dsn, SECRET) as store:
        sender = Sender(Address("telegram", "4711"), "Sarah")
        question = IncomingMessage(id="1", at=NOON, sender=sender, message_id="1", text="Why is my bill higher?")
        file = StoredFile(name="bill.pdf", media_type="application/pdf", size=3, key="ab/cd/abcd")
        forged = IncomingMessage(
            id="2",
            at=NOON,
            sender=Sender(Address("email", "a@b.example")),
            message_id="2",
            text="x",
            quarantine="DMARC",
        )
        await store.path.accept(
            [
                Arrived(channel="telegram", account="main", item=question, files=(file,)),
                Arrived(channel="email", account="main", item=forged),
            ]
        )
        [work] = await store.path.load(await store.path.claim(1, lease=30))
        reply = Reply(Draft(to=work.addresses[0], parts=(Paragraph("Because."),)), Purpose.REPLY)
        done = Outcome(
            work=work, address=work.addresses[0].id, record={"why": "asked"}, replies=(reply,), handoff="wants a person"
        )
        await store.path.commit([done])


def test_without_arguments_it_helps(omnibot) -> None:
    told = omnibot().output
    for command in ("serve", "demo", "check", "import", "outbox", "customer", "handoffs", "quarantine", "sandbox"):
        assert command in told


def test_who_has_read_enough_is_not_told_that_the_database_is_down(environment: dict[str, str]) -> None:
    """`omnibot outbox list | head -1`: the reader is gone before all is written."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        listed = subprocess.run(
            [sys.executable, "-m", "omnibot", "outbox", "list"],
            cwd=ROOT, env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
            stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert listed.stderr == ""


async def test_what_a_customer_writes_cannot_command_a_terminal(omnibot, dsn: str) -> None:
    async with Store.open(dsn, SECRET) as store:
        sender = Sender(Address("telegram", "4711"), "Sarah")
        text = "\x1b]0;root\x07Hi\x1b[2J \x9b31m\tthere\nfriend 👩‍💻"
        item = IncomingMessage(id="1", at=NOON, sender=sender, message_id="1", text=text)
        await store.path.accept([Arrived(channel="telegram", account="main", item=item)])
        [work] = await store.path.load(await store.path.claim(1, lease=30))
        await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record={}, handoff="\x1b[2J")])

    def told() -> Iterator[str]:
        yield omnibot("customer", "timeline", "telegram:4711").output
        yield omnibot("handoffs", "list").output

    for output in await asyncio.to_thread(lambda: list(told())):
        assert "there" in output
        assert "👩‍💻" in output
        assert not {"\x1b", "\x07", "\x9b"} & {*output}


def test_a_customer_has_one_timeline(omnibot, conversation: None) -> None:
    question, answer = lines(omnibot("customer", "timeline", "telegram:4711", "--json"))
    assert (question["direction"], question["text"]) == ("in", "Why is my bill higher?")
    assert (answer["direction"], answer["text"], answer["state"]) == ("out", "Because.", "queued")
    assert question["customer"] == answer["customer"]
    assert "Because." in omnibot("customer", "timeline", "telegram:4711").output


def test_somebody_unknown_is_said_to_be(omnibot) -> None:
    told = omnibot("customer", "timeline", "telegram:1")
    assert (told.exit_code, told.output) == (1, "nobody is known by telegram:1\n")
    assert omnibot("customer", "files", "telegram:1").exit_code == 1


def test_what_is_no_address_is_said_to_be_none(omnibot) -> None:
    told = omnibot("customer", "share", "4711", "--reason", "an office phone")
    assert told.exit_code == 2
    assert "channel:value" in told.output


def test_an_address_is_read_as_its_channel_spells_it(
    omnibot, environment: dict[str, str], conversation: None, tmp_path: Path
) -> None:
    told = omnibot("customer", "timeline", "telegram:@sarah")
    assert told.exit_code == 2
    assert "numeric id" in told.output
    file = tmp_path / "customers.csv"
    file.write_text("name,email\nSarah,Sarah@Example.org\n")
    for setting, value in {"ADDRESS": "bot@example.com", "SMTP__HOST": "127.0.0.1", "LISTEN__PORT": "2525"}.items():
        environment[f"OMNIBOT_CHANNELS__EMAIL__MAIN__{setting}"] = value
    assert omnibot("import", str(file)).exit_code == 0
    assert omnibot("customer", "timeline", "email:SARAH@example.org").exit_code == 0


def test_every_reply_has_its_why(omnibot, conversation: None) -> None:
    [why] = lines(omnibot("customer", "why", "telegram:4711", "--json"))
    assert why["why"] == "asked"
    assert "asked" in omnibot("customer", "why", "telegram:4711").output


def test_files_come_with_a_link(omnibot, conversation: None) -> None:
    [file] = lines(omnibot("customer", "files", "telegram:4711", "--json"))
    assert (file["name"], file["state"]) == ("bill.pdf", "stored")
    assert file["link"].startswith("http://127.0.0.1:8080/files/1/")
    told = omnibot("customer", "files", "telegram:4711").output
    assert "bill.pdf" in told
    assert file["link"].rpartition("?")[0] in told


@pytest.mark.parametrize(
    ("host", "called"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")]
)
def test_a_link_leads_to_where_the_server_can_be_called(
    omnibot, environment: dict[str, str], conversation: None, host: str, called: str
) -> None:
    environment["OMNIBOT_SERVER__HOST"] = host
    [file] = lines(omnibot("customer", "files", "telegram:4711", "--json"))
    assert file["link"].startswith(f"http://{called}:8080/files/1/")


def test_the_outbox_is_listed_shown_and_retried(omnibot, conversation: None) -> None:
    [entry] = lines(omnibot("outbox", "list", "--state", "queued", "--json"))
    assert entry["to"] == "telegram:4711"
    assert lines(omnibot("outbox", "list", "--state", "dead", "--json")) == []
    assert "1 queued" in omnibot("outbox", "list").output
    [shown] = lines(omnibot("outbox", "show", str(entry["id"]), "--json"))
    assert shown["purpose"] == "reply"
    refused = omnibot("outbox", "retry", str(entry["id"]))
    assert refused.exit_code == 1
    assert "only these can be sent again" in refused.output


@pytest_asyncio.fixture(params=[("outside the window", "they write"), ("spend cap", "2026-03-01 12:30 UTC")])
async def held(dsn: str, conversation: None, request: pytest.FixtureRequest) -> tuple[str, str]:
    """The reply is held: the reason, and until when."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "UPDATE outbox SET state = 'held', reason = $1, due_at = '2026-03-01 12:30Z'", request.param[0]
    )
    await connection.close()
    return request.param


def test_what_is_held_says_why_and_until_when(omnibot, held: tuple[str, str]) -> None:
    [entry] = lines(omnibot("outbox", "list", "--state", "held", "--json"))
    assert (entry["reason"], entry["until"]) == held
    assert held[1].split()[0] in omnibot("outbox", "list", "--state", "held").output


def test_wrong_ids_and_states_are_told(omnibot) -> None:
    assert "omnibot outbox list" in omnibot("outbox", "show", "99").output
    assert "use one of" in omnibot("outbox", "list", "--state", "lost").output
    assert "omnibot handoffs list" in omnibot("handoffs", "resolve", "99").output
    assert "the outbox is empty" in omnibot("outbox", "list").output


def test_people_see_and_resolve_what_waits_for_them(omnibot, conversation: None) -> None:
    [waiting] = lines(omnibot("handoffs", "list", "--json"))
    assert (waiting["reason"], waiting["name"], waiting["text"]) == (
        "wants a person",
        "Sarah",
        "Why is my bill higher?",
    )
    assert omnibot("handoffs", "resolve", str(waiting["id"])).exit_code == 0
    assert omnibot("handoffs", "list").output == "nothing\n"


@pytest_asyncio.fixture
async def parked(dsn: str, conversation: None) -> None:
    """Sarah wrote again, and that turn failed."""
    async with Store.open(dsn, SECRET) as store:
        sender = Sender(Address("telegram", "4711"), "Sarah")
        again = IncomingMessage(id="3", at=NOON, sender=sender, message_id="3", text="hello?")
        await store.path.accept([Arrived(channel="telegram", account="main", item=again)])
        [claimed] = await store.path.claim(1, lease=30)
        await store.path.park(claimed.lease, "its turn failed: KeyError")


def test_what_failed_is_shown_and_taken_again(omnibot, parked: None) -> None:
    [item] = lines(omnibot("parked", "list", "--json"))
    assert (item["address"], item["text"], item["reason"]) == ("telegram:4711", "hello?", "its turn failed: KeyError")
    assert "parked, its turn failed: KeyError" in {h["reason"] for h in lines(omnibot("handoffs", "list", "--json"))}
    assert omnibot("parked", "retry", str(item["id"])).output == f"{item['id']} gets another turn\n"
    assert lines(omnibot("parked", "list", "--json")) == []
    assert "omnibot parked list" in omnibot("parked", "retry", str(item["id"])).output


def test_the_version_is_told(omnibot) -> None:
    assert omnibot("--version").output.startswith("omnibot 0.")


def test_the_quarantine_is_shown(omnibot, conversation: None) -> None:
    [kept] = lines(omnibot("quarantine", "--json"))
    assert (kept["reason"], kept["from"]) == ("DMARC", "email:a@b.example")


def test_customers_are_imported(omnibot, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("name,telegram\nSarah,4711\nMike,4712\n")
    assert omnibot("import", str(file)).output == "2 new, 0 known already\n"
    assert omnibot("import", str(file)).output == "0 new, 2 known already\n"
    file.write_text("name,telegram\nSarah,\n")
    told = omnibot("import", str(file))
    assert told.exit_code == 1
    assert "line 2: no address" in told.output


def test_an_import_that_left_somebody_out_is_no_success(omnibot, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("telegram\n4711\n4712\n")
    assert omnibot("import", str(file)).exit_code == 0
    file.write_text("telegram\n4711;4712\n")
    told = omnibot("import", str(file))
    assert told.exit_code == 1
    assert "line 2: its addresses belong to different customers" in told.output


def test_migrate_may_be_called_at_any_time(omnibot) -> None:
    assert omnibot("migrate").output == "the schema is up to date\n"


def test_a_wrong_secret_is_said_to_be(omnibot, environment: dict[str, str], conversation: None) -> None:
    omnibot("migrate")
    environment["OMNIBOT_SECRET"] = "another secret, and long enough too"
    told = omnibot("handoffs", "list")
    assert told.exit_code == 1
    assert "OMNIBOT_SECRET" in told.output


def test_a_database_that_is_away_is_said_to_be(omnibot, environment: dict[str, str]) -> None:
    environment["OMNIBOT_DATABASE__URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    told = omnibot("migrate")
    assert told.exit_code == 1
    assert "is the database up" in told.output


def test_wrong_settings_are_all_told_at_once(omnibot, environment: dict[str, str]) -> None:
    environment |= {"OMNIBOT_SERVER__PORT": "http", "OMNIBOT_TURNS__WORKER": "3"}
    told = omnibot("serve")
    assert told.exit_code == 1
    assert "OMNIBOT_SERVER__PORT" in told.output
    assert "OMNIBOT_TURNS__WORKER" in told.output


def test_an_unknown_role_or_story_is_told(omnibot) -> None:
    assert "use web, worker or web,worker" in omnibot("serve", "--role", "cook").output
    assert "use one of day" in omnibot("demo", "--story", "night").output


def test_check_tells_everything_at_once(omnibot, environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {
        "OMNIBOT_CHANNELS__TELEGRAM__MAIN__API_URL": "http://127.0.0.1:1",
        "OMNIBOT_BOT__KNOWLEDGE": str(tmp_path / "nowhere"),
        "OMNIBOT_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }
    told = omnibot("check")
    assert told.exit_code == 1
    for wrong in ("nowhere", "database.url", "channels.telegram.main"):
        assert wrong in told.output
    environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"] = "no token"
    environment["OMNIBOT_SERVER__PORT"] = "http"
    told = omnibot("check")
    assert "@BotFather" in told.output
    assert "OMNIBOT_SERVER__PORT" in told.output


def test_check_says_when_no_channel_is_configured(omnibot, environment: dict[str, str]) -> None:
    del environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"]
    told = omnibot("check")
    assert told.exit_code == 1
    assert "[channels.telegram.main]" in told.output


def test_the_demo_comes_true_and_every_line_is_a_message(tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "omnibot", "demo", "--exit", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    messages = [json.loads(line) for line in played.stdout.splitlines()]
    assert {m["channel"] for m in messages} == {"whatsapp", "sms", "telegram", "slack", "email"}
    sarah = {m["customer"] for m in messages if m["address"] in ("telegram:4711", "sms:+491701234567")}
    tomas = [m["customer"] for m in messages if m["address"] in ("sms:+4915112345678", "email:tomas.ruiz@example.net")]
    assert len(sarah) == 1
    assert len(set(tomas)) == 2  # a stranger by mail at first, and again when it is forgotten
    assert all(m.keys() >= {"at", "channel", "direction", "address", "customer", "text"} for m in messages)
    assert not any("wrote:" in m["text"] for m in messages)


def test_the_demo_says_at_once_that_it_stops() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "omnibot", "demo", "--story", "two-people"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert demo.stdout is not None
        while (line := demo.stdout.readline()) != "Ctrl-C ends it.\n":
            assert line, "it ended by itself"
        demo.send_signal(signal.SIGINT)
        assert demo.stdout.readline() == "\n"
        assert demo.stdout.readline() == "Stopping the server, then its database …\n"
        assert demo.wait(timeout=30) == 0
    finally:
        demo.kill()
        demo.communicate()


def test_the_server_serves_until_it_is_told_to_stop(environment: dict[str, str]) -> None:
    del environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment["OMNIBOT_SERVER__PORT"] = str(port)
    server = subprocess.Popen(
        [sys.executable, "-m", "omnibot", "serve"], env=os.environ | environment, cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == f"serving http://127.0.0.1:{port}\n"
        assert server.stdout.readline() == "  webhooks, files, /healthz, /readyz\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert answer.status == 200
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        assert time.monotonic() - began < 20
    finally:
        server.kill()
        server.communicate()


def test_a_look_at_the_bundled_database_says_nothing_of_its_end(environment: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="omnibot-tests-") as folder:  # not pytest's: see tests/conftest.py
        Path(folder).chmod(0o711)
        environment |= {"OMNIBOT_DATABASE__URL": "", "OMNIBOT_DATA_FOLDER": folder}
        told = subprocess.run(
            [sys.executable, "-m", "omnibot", "parked", "list"], env=os.environ | environment, cwd=ROOT,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (told.returncode, told.stdout, told.stderr) == (0, "nothing\n", "")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("role", ["web", "worker", "web,worker"])
def test_a_port_that_somebody_has_is_told_in_one_sentence(environment: dict[str, str], taken: int, role: str) -> None:
    del environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"]
    environment["OMNIBOT_SERVER__PORT"] = str(taken)
    told = subprocess.run(
        [sys.executable, "-m", "omnibot", "serve", "--role", role], env=os.environ | environment, cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    [sentence] = [line for line in told.stderr.splitlines() if not line.startswith(("{", "20"))]  # logs apart
    assert sentence.startswith(f"cannot listen at 127.0.0.1:{taken}: ")
    assert "server.port" in sentence


SANDBOX_PORTS = ("--telegram-port", "--slack-port", "--twilio-port", "--smtp-port", "--imap-port", "--control-port")


@pytest.mark.parametrize("option", SANDBOX_PORTS)
def test_the_sandbox_says_which_ports_to_choose(taken: int, option: str) -> None:
    others = {*SANDBOX_PORTS} - {option}
    arguments = [option, str(taken), *(part for other in others for part in (other, "0"))]
    told = subprocess.run(
        [sys.executable, "-m", "omnibot", "sandbox", *arguments], cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    [sentence] = told.stderr.splitlines()
    assert str(taken) in sentence
    assert option in sentence
    assert "another program listens at 127.0.0.1:" in sentence
    assert not {"Errno", "OSError", "database"} & {*sentence.replace("[", " ").replace(":", " ").split()}


def test_the_sandbox_says_how_to_use_it_and_ends_when_told() -> None:
    ports = [word for name in SANDBOX_PORTS for word in (name, "0")]
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "omnibot", "sandbox", *ports], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert sandbox.stdout is not None
        told = []
        while not told or "Ctrl-C" not in told[-1]:
            told.append(sandbox.stdout.readline())
            assert told[-1], "it ended by itself"
        assert "[channels.telegram.main]\n" in told
        assert any("/write" in line for line in told)
        sandbox.send_signal(signal.SIGTERM)
        assert sandbox.wait(timeout=30) == 0
    finally:
        sandbox.kill()
        sandbox.communicate()

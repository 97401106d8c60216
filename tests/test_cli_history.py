"""omnibot import history, and omnibot ask: what the documents show, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from omnibot.cli import app
from tests.conftest import ROOT, lines

HISTORY = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
[CSV] = re.findall(r"```csv\n(.*?)```", HISTORY, re.DOTALL)
[JSONL] = re.findall(r"```json\n(.*?)```", HISTORY, re.DOTALL)
COMMANDS = re.findall(r"^    \.venv/bin/omnibot (.+)$", HISTORY, re.MULTILINE)
Command = Callable[..., Result]


@pytest.fixture
def export(tmp_path: Path) -> list[str]:
    """The files of the documents."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "messages.csv").write_text(CSV)
    (tmp_path / "export" / "rest.jsonl").write_text(JSONL)
    return [str(tmp_path / "export" / name) for name in ("messages.csv", "rest.jsonl")]


@pytest.fixture
def documented(omnibot: Command, export: list[str]) -> Command:
    """A command as it stands in the documents."""

    def run(written: str, *more: str) -> Result:
        arguments = []
        for word in shlex.split(written):
            arguments += [file for file in export if Path(file).match(word)] if "*" in word else [word]
        return omnibot(*arguments, *more)

    return run


async def count(dsn: str, *tables: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [await connection.fetchval(f'SELECT count(*) FROM "{table}"') for table in tables]
    finally:
        await connection.close()


async def in_thread(run: Command, *arguments: str) -> Result:
    """A command has a loop of its own."""
    import asyncio

    return await asyncio.to_thread(run, *arguments)


async def test_the_commands_that_are_shown_do_what_is_told(documented: Command, dsn: str) -> None:
    dry, bring, ask = COMMANDS
    told = await in_thread(documented, dry)
    assert told.exit_code == 0, told.output
    assert "8 rows read, 8 to be taken" in told.stdout
    assert "1 cases without an end" in told.stdout
    assert await count(dsn, "customers", "messages", "cases", "events", "inbox", "arrivals") == [0] * 6

    told = await in_thread(documented, bring)
    assert told.exit_code == 0, told.output
    assert "4 messages new, 0 known already" in told.stdout
    assert "2 messages read" in told.stdout
    assert await count(dsn, "customers", "messages", "cases", "turns", "outbox") == [1, 4, 2, 2, 0]

    again = await in_thread(documented, bring)
    assert "0 messages new, 4 known already" in again.stdout
    assert await count(dsn, "customers", "messages", "cases", "turns", "facts") == [1, 4, 2, 2, 2]

    told = await in_thread(documented, ask)
    assert told.exit_code == 0, told.output
    for words in (
        "Mike Torres",
        "contact 3 about it (sms, email)",
        "Nina, Ben",
        "a restart of the gateway",
        "Draft to",
    ):
        assert words in " ".join(told.stdout.split())
    assert await count(dsn, "customers", "messages", "turns", "outbox") == [1, 4, 2, 0]


async def test_the_report_is_one_object_for_programs(documented: Command) -> None:
    [told] = lines(await in_thread(documented, COMMANDS[0], "--json"))
    assert told["taken"] == {"message": 4, "case": 1, "customer": 1, "event": 1, "fact": 1}
    assert told["levels"]["4"] == {"customers": 1, "lack": 0}
    assert "new" not in told
    [told] = lines(await in_thread(documented, COMMANDS[0].replace(" --dry-run", ""), "--json"))
    assert told["new"] == {"customer": 1, "message": 4, "case": 1, "event": 1, "fact": 1}
    assert told["conflicts"]["count"] == 0


async def test_a_turn_is_one_object_for_programs(documented: Command) -> None:
    await in_thread(documented, COMMANDS[1].replace(" --understand", ""))
    [told] = lines(await in_thread(documented, COMMANDS[2], "--at", "2026-01-08T09:00:00Z", "--json"))
    assert (told["as"], told["new"], told["recollection"]["name"]) == ("email:mike@example.org", False, "Mike Torres")
    assert told["recollection"]["preferences"]["length"] == "short"
    assert told["recollection"]["events"][0]["name"] == "plan_changed"
    assert [one["by"] for one in told["recollection"]["case"]["attempts"]] == ["Nina", "Ben"]
    assert {draft["channel"] for draft in told["drafts"]} == {"email"}
    assert all(move["why"] for move in told["plan"]["moves"])


async def test_how_they_wrote_is_how_they_like_to_be_answered(omnibot: Command, tmp_path: Path) -> None:
    texts = ["hey, where's my invoice?", "thx, got it!", "can u resend it?", "hi, login broken again"] * 4
    rows = [
        {
            "id": str(n),
            "address": "telegram:4711",
            "at": f"2026-01-{n + 1:02}T09:00:00Z",
            "direction": "in",
            "text": text,
        }
        for n, text in enumerate(texts)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = await in_thread(omnibot, "import", "history", str(tmp_path / "a.jsonl"), "--understand")
    assert "16 messages read" in told.stdout, told.output
    [told] = lines(await in_thread(omnibot, "ask", "hello", "--as", "telegram:4711", "--json"))
    assert told["recollection"]["preferences"]["length"] == "short"
    assert "length" not in told["recollection"]["stated"]
    assert told["reading"]["trend"]["turns"] > 1


async def test_what_is_left_out_is_told_and_the_rest_is_brought(omnibot: Command, tmp_path: Path, dsn: str) -> None:
    (tmp_path / "a.csv").write_bytes(
        b"id,address,at,direction,text\n"
        b"1,email:a@example.org,2026-01-05 09:00,in,na\xefve\n"
        b"2,email:a@example.org,2026-03-05T09:00:00Z,in,hello\n"
        b"2,email:a@example.org,2026-03-05T09:00:00Z,in,hello\n"
        b"2,email:a@example.org,2026-03-05T09:00:00Z,in,other\n"
        b"3,email:a@example.org,2026-03-05T09:00:00Z,up,hello\n"
    )
    told = await in_thread(omnibot, "import", "history", str(tmp_path / "a.csv"))
    assert told.exit_code == 1
    for words in ("a.csv:2): at is", "told twice, taken once: 1", "stands for something else before (a.csv:5)",
                  "use in or out", "1 addresses of nobody", "no UTF-8", "1 times"):  # fmt: skip
        assert words in told.stdout
    assert await count(dsn, "messages") == [1]
    told = await in_thread(omnibot, "import", "history", str(tmp_path / "a.csv"), "--zone", "Europe/Berlin")
    assert "1 messages new" in told.stdout


async def test_customers_who_belong_to_several_people_are_left_out(omnibot: Command, tmp_path: Path) -> None:
    rows = [
        {"name": "A", "email": "a@example.org"},
        {"name": "B", "email": "b@example.org"},
        {"name": "A or B", "kind": "customer", "address": ["b@example.org", "a@example.org"], "channel": "email"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = await in_thread(omnibot, "import", "history", str(tmp_path / "a.jsonl"))
    assert told.exit_code == 1
    assert "left out: 1 customers (a.jsonl:3): its addresses belong to several people" in told.stdout


async def test_what_was_broken_off_is_run_again(
    omnibot: Command, tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnibot.store.past import Past

    rows = [
        {"id": str(n), "address": f"email:p{n % 7}@example.org", "at": f"2026-01-05T09:{n // 60:02}:{n % 60:02}Z",
         "direction": "in", "text": f"text {n}", "case": f"T-{n % 7}"}
        for n in range(1200)
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    put, calls = Past._put, []

    async def dies(self: Past, *arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionResetError("the database is gone")
        await put(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Past, "_put", dies)
        assert (await in_thread(omnibot, "import", "history", str(tmp_path / "a.jsonl"))).exit_code == 1
    assert await count(dsn, "messages") == [500]
    told = await in_thread(omnibot, "import", "history", str(tmp_path / "a.jsonl"))
    assert "700 messages new, 500 known already" in told.stdout
    assert await count(dsn, "messages", "cases", "customers") == [1200, 7, 7]


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("import", "history", "none.csv"), 1, "No such file"),
        (("import", "history", "none.csv", "--zone", "Mars/Base"), 2, "is no time zone"),
        (("ask", "hello"), 2, "name who writes"),
        (("ask", "hello", "--as", "nobody"), 1, "write it as channel:value"),
        (("ask", "hello", "--as", "user:u-1"), 1, "an id in your own systems"),
        (("ask", "hello", "--as", "telegram:4711", "--at", "noon"), 1, "noon"),
        (("ask", "hello", "--as", "telegram:4711", "--channel", "email"), 1, "leave --channel away"),
    ],
)
async def test_what_is_written_wrongly_is_told(
    omnibot: Command, arguments: tuple[str, ...], status: int, told: str
) -> None:
    result = await in_thread(omnibot, *arguments)
    assert (result.exit_code, told in result.stderr) == (status, True), result.output


def test_without_a_database_nothing_is_made(tmp_path: Path, export: list[str]) -> None:
    environment = {
        "OMNIBOT_CONFIG": "/dev/null",
        "OMNIBOT_DATA_FOLDER": str(tmp_path / "data"),
        "OMNIBOT_BOT__KNOWLEDGE": str(ROOT / "config" / "knowledge"),
        "OMNIBOT_BOT__VOICE": str(ROOT / "config" / "voice"),
    }
    told = CliRunner().invoke(app, ["import", "history", *export, "--dry-run"], env=environment)
    assert "1 addresses of nobody" not in told.stdout
    assert told.exit_code == 0, told.output
    told = CliRunner().invoke(app, ["ask", "--as", "sms:+4917012345678"], env=environment, input="Wie geht das?")
    assert told.exit_code == 0, told.output
    assert "(a new customer) writes" in told.stdout
    assert not (tmp_path / "data").exists()

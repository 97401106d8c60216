from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from omnibot.cli.train import _show
from omnibot.learning import IntentFigures, Learning, Lessons, Report, playbooks_of
from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import Playbook, PlaybookError, Playbooks
from omnibot.settings import Bot, Settings
from omnibot.understanding.features import Extractor
from omnibot.understanding.intents import IntentModel
from omnibot.watch import Watch

EXAMPLES = [
    ("I want my money back", "refund"),
    ("please refund the payment", "refund"),
    ("can I get a refund?", "refund"),
    ("a refund of my money please", "refund"),
    ("I forgot my password", "password-reset"),
    ("reset my password", "password-reset"),
    ("my password does not work", "password-reset"),
    ("the password is wrong", "password-reset"),
    ("help", "person"),
    ("what is the weather like?", OUT_OF_SCOPE),
    ("tell me a joke", OUT_OF_SCOPE),
]
MORE = [*EXAMPLES, ("where is my invoice?", "invoices"), ("send me the invoice", "invoices")]


class Adopted(list[tuple[Playbooks, IntentModel | None]]):
    """What a server was given to go by."""

    @property
    def labels(self) -> tuple[str, ...] | None:
        model = self[-1][1] if self else None
        return model.labels if model is not None else None


def playbooks_with(examples: list[tuple[str, str]]) -> Playbooks:
    intents = sorted({intent for _, intent in examples})
    texts = {intent: tuple(text for text, label in examples if label == intent) for intent in intents}
    return Playbooks(
        tuple(Playbook(intent=intent, description="As it says.", examples={"en": texts[intent]}) for intent in intents)
    )


def server(examples: list[tuple[str, str]], folder: Path) -> tuple[Learning, Adopted]:
    adopted = Adopted()
    learning = Learning(playbooks_with(examples), folder, lambda *both: adopted.append(both))
    learning.begin()
    return learning, adopted


def places(folder: Path) -> list[Path]:
    """What was learned, or is half written."""
    return [place for place in folder.iterdir() if place.is_dir()]


async def test_a_server_learns_what_is_new_and_knows_it_at_its_next_start(tmp_path):
    learning, adopted = server(EXAMPLES, tmp_path)
    assert adopted.labels is None
    await learning.run()
    assert adopted.labels == ("password-reset", "person", "refund")
    model = adopted[-1][1]
    assert model is not None
    assert model.predict(["the password reset"], Extractor()) == ["password-reset"]

    learning, adopted = server(EXAMPLES, tmp_path)
    assert adopted.labels == ("password-reset", "person", "refund")
    await learning.run()
    assert len(adopted) == 1


async def test_a_server_tells_intents_as_before_while_it_learns_what_is_new(tmp_path):
    Lessons(playbooks_with(EXAMPLES).examples, tmp_path).learn()
    learning, adopted = server(MORE, tmp_path)
    assert adopted.labels == ("password-reset", "person", "refund")
    await learning.run()
    assert adopted.labels == ("invoices", "password-reset", "person", "refund")


async def test_a_server_without_playbooks_learns_nothing(tmp_path):
    learning, adopted = server([], tmp_path)
    await learning.run()
    assert adopted == [(Playbooks(), None)]
    assert list(tmp_path.iterdir()) == []


async def test_a_server_goes_on_when_it_cannot_learn(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    learning, adopted = server(EXAMPLES, tmp_path / "taken")
    await learning.run()
    assert adopted == [(playbooks_with(EXAMPLES), None)]
    assert "intents.not_learned" in capsys.readouterr().out


async def test_a_server_that_stops_does_not_wait_for_what_it_learns(tmp_path):
    learning, adopted = server(EXAMPLES, tmp_path)
    run = asyncio.create_task(learning.run())
    while not any(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert adopted.labels is None
    assert places(tmp_path) == []


def test_what_was_learned_depends_on_the_examples_alone(tmp_path):
    lessons = Lessons(EXAMPLES, tmp_path)
    assert lessons.place == Lessons(list(EXAMPLES), tmp_path).place
    assert lessons.place != Lessons(MORE, tmp_path).place


@pytest.mark.parametrize("content", [b"half", b""], ids=["cut short", "empty"])
def test_what_is_broken_is_learned_again(tmp_path, content):
    lessons = Lessons(EXAMPLES, tmp_path)
    lessons.learn()
    next(lessons.place.rglob("hashed.npy")).write_bytes(content)
    assert lessons.model() is None
    lessons.learn()
    assert lessons.model() is not None


def test_what_another_server_has_learned_meanwhile_stays_where_it_reads_it(tmp_path):
    lessons = Lessons(EXAMPLES, tmp_path)
    report = lessons.learn()
    inode = lessons.place.stat().st_ino
    assert lessons.learn() == report
    assert lessons.place.stat().st_ino == inode
    assert places(tmp_path) == [lessons.place]


def test_what_is_long_out_of_date_is_forgotten(tmp_path):
    for count in range(6, 11):
        Lessons(EXAMPLES[:count], tmp_path).learn()
    assert len(places(tmp_path)) == 3
    assert Lessons(EXAMPLES[:10], tmp_path).model() is not None


def test_a_report_tells_how_well_each_intent_is_told(tmp_path):
    lessons = Lessons(EXAMPLES, tmp_path)
    report = lessons.learn()
    assert lessons.report() == report
    assert report.examples == 11
    assert [(one.intent, one.examples) for one in report.intents] == [
        ("password-reset", 4),
        ("person", 1),
        ("refund", 4),
    ]
    assert [one.intent for one in report.intents if one.found is None] == ["person"]
    assert all(one.needs_more for one in report.intents)


def test_a_report_of_what_was_not_learned_is_none(tmp_path):
    assert Lessons(EXAMPLES, tmp_path).report() is None


def test_playbooks_are_looked_for_where_the_settings_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert playbooks_of(Settings()) == Playbooks()  # nobody has named a folder
    assert playbooks_of(Settings(bot=Bot.model_validate({"playbooks": ""}))) == Playbooks()
    with pytest.raises(PlaybookError, match="nowhere: is not a folder"):
        playbooks_of(Settings(bot=Bot(playbooks=Path("nowhere"))))


# --- beside others, and after a crash ---------------------------------------------------------------------------------


def started_to_learn(folder: Path, examples: list[tuple[str, str]]) -> subprocess.Popen[bytes]:
    """The process that a server learns in, of its own here."""
    command = [sys.executable, "-m", "omnibot.learning", str(folder), "mark"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(examples).encode())
    process.stdin.close()
    return process


def half_written(folder: Path) -> Path:
    """What a process leaves that was killed while it wrote."""
    part = folder / "0123.mark.part"
    (part / "heads").mkdir(parents=True)
    (part / "heads" / "hashed.npy.part").write_bytes(b"half")
    return part


def test_what_a_crash_has_left_is_gone_at_the_next_start(tmp_path):
    Lessons(playbooks_with(EXAMPLES).examples, tmp_path).learn()
    part = half_written(tmp_path)
    _, adopted = server(EXAMPLES, tmp_path)
    assert adopted.labels == ("password-reset", "person", "refund")
    assert not part.exists()


def test_what_a_crash_has_left_is_gone_once_something_is_learned(tmp_path):
    half_written(tmp_path)
    lessons = Lessons(EXAMPLES, tmp_path)
    lessons.learn()
    assert places(tmp_path) == [lessons.place]


def test_what_another_process_is_writing_is_left_to_it(tmp_path):
    held = "import fcntl, sys; fcntl.flock(lock := open(sys.argv[1], 'ab'), fcntl.LOCK_EX); print(flush=True); input()"
    part = half_written(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        server(EXAMPLES, tmp_path)
        assert part.exists()
        other.kill()  # the lock goes with it
    server(EXAMPLES, tmp_path)
    assert not part.exists()


async def test_servers_that_start_at_once_go_by_what_one_of_them_learns(tmp_path):
    servers = [server(EXAMPLES, tmp_path) for _ in range(3)]
    await asyncio.gather(*(learning.run() for learning, _ in servers))
    assert [adopted.labels for _, adopted in servers] == [("password-reset", "person", "refund")] * 3
    assert places(tmp_path) == [Lessons(playbooks_with(EXAMPLES).examples, tmp_path).place]


async def test_servers_with_other_playbooks_in_one_folder_do_not_disturb_each_other(tmp_path):
    (one, ones), (other, others) = server(EXAMPLES, tmp_path), server(MORE, tmp_path)
    await asyncio.gather(one.run(), other.run())
    assert ones.labels == ("password-reset", "person", "refund")
    assert others.labels == ("invoices", "password-reset", "person", "refund")


def test_a_process_that_is_killed_while_it_writes_leaves_what_can_be_learned_again(tmp_path):
    lessons = Lessons(EXAMPLES, tmp_path)
    process = started_to_learn(tmp_path, EXAMPLES)
    while not list(tmp_path.glob("*.part")) and process.poll() is None:
        pass
    process.kill()
    process.wait()
    assert lessons.place.exists() == (lessons.model() is not None)
    lessons.learn()
    assert lessons.model() is not None
    assert places(tmp_path) == [lessons.place]


async def test_a_server_that_stops_while_its_process_writes_removes_that(tmp_path):
    learning, _ = server(EXAMPLES, tmp_path)
    run = asyncio.create_task(learning.run())
    while not list(tmp_path.glob("*.part")) and not run.done():
        await asyncio.sleep(0)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert list(tmp_path.glob("*.part")) == []


MANY = [(f"the {thing} number {number} {deed}", f"{thing}-{deed}") for number in range(60)
        for thing in ("phone", "router", "cable", "screen", "lamp", "camera", "printer")
        for deed in ("breaks", "arrives", "costs", "leaks", "glows", "stops", "starts", "hums")]  # fmt: skip


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A server as its user starts it."""
    environment = {**environment, "OMNIBOT_SERVER__PORT": "0", "OMNIBOT_LOG__FORMAT": "json"}
    environment.pop("OMNIBOT_CHANNELS__TELEGRAM__MAIN__TOKEN")
    with subprocess.Popen(
        [sys.executable, "-m", "omnibot", "serve"],
        **{"env": os.environ | environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
    ) as server:
        try:
            yield server
        finally:
            server.kill()


def logged(server: subprocess.Popen[str], event: str) -> dict:
    """The next line of that event in its log."""
    assert server.stderr is not None
    for line in server.stderr:
        told = json.loads(line)
        if told["event"] == event:
            return told
    raise AssertionError(f"the server ended without {event}")


def stopped(server: subprocess.Popen[str]) -> int:
    server.send_signal(signal.SIGTERM)
    return server.wait(30)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def learner_of(server: subprocess.Popen[str]) -> int:
    while True:
        for child in children(server.pid):
            with contextlib.suppress(OSError):
                if b"omnibot.learning" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child


def test_a_server_that_is_told_to_stop_while_it_learns_stops_at_once_and_leaves_nothing(environment, tmp_path):
    write(tmp_path / "playbooks", MANY)  # some ten seconds' work
    with serving({**environment, "OMNIBOT_BOT__PLAYBOOKS": str(tmp_path / "playbooks")}) as server:
        logged(server, "server.started")
        learner = learner_of(server)
        assert stopped(server) == 0
        assert not Path(f"/proc/{learner}").exists()
        assert server.stderr is not None
        assert "server.cut_short" not in server.stderr.read()
    assert [place for place in (tmp_path / "intents").glob("*") if place.is_dir()] == []


def test_servers_that_start_at_once_go_by_the_same_and_hear_of_what_is_edited(environment, tmp_path):
    files = tmp_path / "playbooks"
    write(files, EXAMPLES)
    settings = {"OMNIBOT_BOT__PLAYBOOKS": str(files), "OMNIBOT_BOT__PLAYBOOKS_SECONDS": "0.1"}
    with serving(environment | settings) as one, serving(environment | settings) as other:
        for server in (one, other):  # whether it learns by itself or finds it
            assert logged(server, "playbooks.taken")["count"] == 4
        [first] = places(tmp_path / "intents")

        (files / "refund.yaml").write_text("intent: refund\n")
        for server in (one, other):
            assert logged(server, "playbooks.not_taken")["place"] == f"{files}/refund.yaml:1"

        write(files, MORE)
        for server in (one, other):
            assert logged(server, "playbooks.taken")["count"] == 5
        assert len(places(tmp_path / "intents")) == 2
        assert first in places(tmp_path / "intents")
        assert [stopped(one), stopped(other)] == [0, 0]
    assert not list((tmp_path / "intents").glob("*.part"))


# --- playbooks that change --------------------------------------------------------------------------------------------


def write(folder: Path, examples: list[tuple[str, str]]) -> None:
    """Playbooks as files, in place of those that are there."""
    folder.mkdir(exist_ok=True)
    intents = {label for _, label in examples}
    for file in folder.iterdir():
        if file.stem not in intents:
            file.unlink()
    for intent in intents:
        texts = [text for text, label in examples if label == intent]
        playbook = {"intent": intent, "description": "As it says.", "examples": {"en": texts}}
        (folder / f"{intent}.yaml").write_text(json.dumps(playbook))


class Edited:
    """A server that looks at playbooks which are edited."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "playbooks"
        write(self.files, EXAMPLES)
        self.adopted = Adopted()
        self.learning = Learning(
            *(Playbooks.load(self.files), folder / "intents", lambda *both: self.adopted.append(both)),
            Watch(self.files),
            seconds=60,
        )
        self.learning.begin()

    async def look(self) -> None:
        """Twice: what changes is taken when it is the same the next time."""
        await self.learning.look()
        await self.learning.look()


@pytest_asyncio.fixture
async def edited(tmp_path: Path) -> Edited:
    Lessons(playbooks_with(EXAMPLES).examples, tmp_path / "intents").learn()
    return Edited(tmp_path)


async def test_playbooks_are_gone_by_as_they_are_edited(edited: Edited):
    write(edited.files, MORE)
    await edited.learning.look()
    assert len(edited.adopted) == 1  # whoever writes may not be done
    await edited.learning.look()
    assert edited.adopted.labels == ("invoices", "password-reset", "person", "refund")
    assert edited.adopted[-1][0] == Playbooks.load(edited.files)
    await edited.look()
    assert len(edited.adopted) == 2

    write(edited.files, EXAMPLES)  # back again: that was learned before
    await edited.look()
    assert edited.adopted.labels == ("password-reset", "person", "refund")


async def test_what_is_no_example_needs_no_learning(edited: Edited):
    place = edited.files / "refund.yaml"
    place.write_text(place.read_text().replace("As it says.", "Money back."))
    learned = places(edited.files.parent / "intents")
    await edited.look()
    assert [one.description for one in edited.adopted[-1][0].playbooks if one.intent == "refund"] == ["Money back."]
    assert edited.adopted.labels == ("password-reset", "person", "refund")
    assert places(edited.files.parent / "intents") == learned


async def test_files_that_say_what_they_said_change_nothing(edited: Edited):
    os.utime(edited.files / "refund.yaml", (1, 1))
    (edited.files / ".refund.yaml.swp").write_text("an editor's own")
    (edited.files / "notes.txt").write_text("no playbook")
    await edited.look()
    assert len(edited.adopted) == 1


async def test_while_a_playbook_is_wrong_the_former_ones_hold_and_the_log_tells_where(edited: Edited, capsys):
    write(edited.files, MORE)
    (edited.files / "refund.yaml").write_text('intent: refund\ndescription: Money.\nexamples: "my card 4111 1111"\n')
    (edited.files / "person.yaml").write_text("intent: person\ndescription: x\nexamples:\n  en: [help, : ]\n")
    await edited.look()
    assert len(edited.adopted) == 1
    told = capsys.readouterr().out
    assert f"{edited.files}/refund.yaml:3" in told
    assert f"{edited.files}/person.yaml:4" in told
    assert "4111" not in told
    await edited.look()
    assert capsys.readouterr().out == ""  # once is enough

    write(edited.files, MORE)
    await edited.look()
    assert edited.adopted.labels == ("invoices", "password-reset", "person", "refund")


async def test_a_great_many_faults_do_not_fill_the_log(edited: Edited, capsys):
    for number in range(30):
        (edited.files / f"{number}.yaml").write_text(f"intent: i{number}\n")
    await edited.look()
    assert capsys.readouterr().out.count("playbooks.not_taken") == 21


async def test_playbooks_whose_folder_is_gone_still_hold(edited: Edited, capsys):
    edited.files.rename(edited.files.with_name("elsewhere"))
    await edited.look()
    assert len(edited.adopted) == 1
    assert f"place={edited.files}" in capsys.readouterr().out
    edited.files.with_name("elsewhere").rename(edited.files)
    await edited.look()
    assert len(edited.adopted) == 1


async def test_playbooks_that_are_taken_away_are_gone_by_no_more(edited: Edited):
    write(edited.files, [])
    await edited.look()
    assert edited.adopted[-1] == (Playbooks(), None)


async def test_what_breaks_the_reading_of_playbooks_ends_no_server(edited: Edited, capsys):
    (edited.files / "deep.yaml").write_text("[" * 20_000)
    await edited.look()
    assert len(edited.adopted) == 1
    assert "playbooks.not_taken" in capsys.readouterr().out


async def test_what_could_not_be_learned_is_tried_again(edited: Edited, capsys, monkeypatch):
    kept = edited.files.parent / "intents"
    shutil.rmtree(kept)
    kept.write_text("in the way")
    write(edited.files, MORE)
    await edited.look()
    assert "intents.not_learned" in capsys.readouterr().out
    kept.unlink()
    await edited.look()
    assert len(edited.adopted) == 1  # not at once

    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + 300)
    await edited.look()
    assert edited.adopted.labels == ("invoices", "password-reset", "person", "refund")


# --- omnibot train intents ------------------------------------------------------------------------------------------


@pytest.fixture
def playbooks(tmp_path, environment) -> Path:
    folder = tmp_path / "playbooks"
    write(folder, EXAMPLES)
    environment["OMNIBOT_BOT__PLAYBOOKS"] = str(folder)
    return folder


def test_training_tells_which_intents_need_more_examples(omnibot, playbooks):
    ran = omnibot("train", "intents")
    assert ran.exit_code == 0
    assert "password-reset" in ran.stdout
    assert "11 examples, learned now" in ran.stdout
    assert "more examples would help: password-reset, person, refund" in ran.stdout
    assert "11 examples, learned before: nothing has changed" in omnibot("train", "intents").stdout


def test_who_has_written_many_examples_does_not_hear_that_they_are_too_few(capsys: pytest.CaptureFixture[str]) -> None:
    figures = [IntentFigures(name, count, 0.5, 0.8, 0, {}, True) for name, count in (("praise", 93), ("refund", 7))]
    _show(Report(100, 0.5, 0.1, None, tuple(figures)), learned_now=True)
    told = capsys.readouterr().out
    assert "more examples would help: refund\n" in told
    assert "hard to tell with all their examples, better ones would help: praise\n" in told


def test_training_tells_its_figures_to_programs(omnibot, playbooks):
    first = json.loads(omnibot("train", "intents", "--json").stdout.splitlines()[-1])
    assert first["learned_now"] is True
    assert first["examples"] == 11
    assert {one["intent"] for one in first["intents"]} == {"password-reset", "person", "refund"}
    again = json.loads(omnibot("train", "intents", "--json").stdout.splitlines()[-1])
    assert again == {**first, "learned_now": False}


def test_training_on_broken_playbooks_tells_what_is_wrong(omnibot, playbooks):
    (playbooks / "refund.yaml").write_text("intent: refund\n")
    ran = omnibot("train", "intents")
    assert ran.exit_code == 1
    assert f"{playbooks}/refund.yaml:1: `description` is missing; add it" in ran.stderr


def test_training_without_playbooks_tells_where_they_belong(omnibot, environment):
    environment["OMNIBOT_BOT__PLAYBOOKS"] = ""
    ran = omnibot("train", "intents")
    assert ran.exit_code == 1
    assert "there are no playbooks to learn from" in ran.stderr


def test_check_tells_what_is_wrong_with_the_playbooks(omnibot, playbooks):
    (playbooks / "refund.yaml").write_text("intent: refund\n")
    ran = omnibot("check")
    assert f"✗ {playbooks}/refund.yaml:1: `examples` is missing; add it" in ran.stdout

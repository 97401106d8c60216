from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from omnibot.learning import Learning, Lessons, playbooks_of
from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import PlaybookError, Playbooks
from omnibot.settings import Bot, Settings
from omnibot.understanding.features import Extractor
from omnibot.understanding.intents import IntentModel

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


class Adopted(list[IntentModel | None]):
    """What a server was given to tell intents by."""

    @property
    def labels(self) -> tuple[str, ...] | None:
        return self[-1].labels if self and self[-1] is not None else None


def server(examples: list[tuple[str, str]], folder: Path) -> tuple[Learning, Adopted]:
    adopted = Adopted()
    learning = Learning(Lessons(examples, folder), adopted.append)
    learning.begin()
    return learning, adopted


async def test_a_server_learns_what_is_new_and_knows_it_at_its_next_start(tmp_path):
    learning, adopted = server(EXAMPLES, tmp_path)
    assert adopted.labels is None
    await learning.run()
    assert adopted.labels == ("password-reset", "person", "refund")
    assert adopted[-1] is not None
    assert adopted[-1].predict(["the password reset"], Extractor()) == ["password-reset"]

    learning, adopted = server(EXAMPLES, tmp_path)
    assert adopted.labels == ("password-reset", "person", "refund")
    await learning.run()
    assert len(adopted) == 1


async def test_a_server_tells_intents_as_before_while_it_learns_what_is_new(tmp_path):
    Lessons(EXAMPLES, tmp_path).learn()
    learning, adopted = server(MORE, tmp_path)
    assert adopted.labels == ("password-reset", "person", "refund")
    await learning.run()
    assert adopted.labels == ("invoices", "password-reset", "person", "refund")


async def test_a_server_without_playbooks_learns_nothing(tmp_path):
    learning, adopted = server([], tmp_path)
    await learning.run()
    assert adopted == []
    assert list(tmp_path.iterdir()) == []


async def test_a_server_goes_on_when_it_cannot_learn(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    learning, adopted = server(EXAMPLES, tmp_path / "taken")
    await learning.run()
    assert adopted == [None]
    assert "intents.not_learned" in capsys.readouterr().out


async def test_a_server_that_stops_does_not_wait_for_what_it_learns(tmp_path):
    learning, adopted = server(EXAMPLES, tmp_path)
    run = asyncio.create_task(learning.run())
    while not any(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert adopted == [None]


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
    assert list(tmp_path.iterdir()) == [lessons.place]


def test_what_is_long_out_of_date_is_forgotten(tmp_path):
    for count in range(6, 11):
        Lessons(EXAMPLES[:count], tmp_path).learn()
    assert len(list(tmp_path.iterdir())) == 3
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


# --- omnibot train intents ------------------------------------------------------------------------------------------


@pytest.fixture
def playbooks(tmp_path, environment) -> Path:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    for intent in {label for _, label in EXAMPLES}:
        texts = [text for text, label in EXAMPLES if label == intent]
        playbook = {"intent": intent, "description": "As it says.", "examples": {"en": texts}}
        (folder / f"{intent}.yaml").write_text(json.dumps(playbook))
    environment["OMNIBOT_BOT__PLAYBOOKS"] = str(folder)
    return folder


def test_training_tells_which_intents_need_more_examples(omnibot, playbooks):
    ran = omnibot("train", "intents")
    assert ran.exit_code == 0
    assert "password-reset" in ran.stdout
    assert "11 examples, learned now" in ran.stdout
    assert "more examples would help: password-reset, person, refund" in ran.stdout
    assert "11 examples, learned before: nothing has changed" in omnibot("train", "intents").stdout


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

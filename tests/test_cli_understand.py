"""omnibot understand: what is read in a message, for people and for programs; and how a reading is put into words."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from omnibot.cli import app, wording
from omnibot.cli.lines import Readings
from omnibot.model import BusinessHours
from omnibot.understanding import Understanding
from tests.conftest import log_plainly

NOW = datetime(2025, 3, 12, 10, 15, tzinfo=UTC)
SIGNALS = (
    *("language", "intent", "sentiment", "urgency", "expertise", "formality", "politeness", "person", "repetition"),
    *("register", "questions", "time_sensitivity"),
)
COMPLAINT = "My order #48213 is late and I am angry. I need it by Friday!"


@pytest.fixture(scope="session")
def readings() -> Readings:
    return Readings(Understanding(["en", "es"]), BusinessHours(), UTC, NOW)


def one(readings: Readings, **fields: object) -> dict:
    return json.loads(readings.line(json.dumps(fields).encode()))


def understand(*arguments: str, stdin: bytes = b"", folder: Path) -> subprocess.CompletedProcess[bytes]:
    """The command, in a folder without any configuration."""
    command = [sys.executable, "-m", "omnibot", "understand", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNIBOT_")}
    return subprocess.run(
        command, input=stdin, capture_output=True, cwd=folder, env=environment, check=False, timeout=60
    )


@pytest.fixture
def omnibot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """The command in this process, in a folder without any configuration; logs are as before afterwards."""
    root, hook = logging.getLogger(), sys.excepthook
    level, handlers = root.level, list(root.handlers)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OMNIBOT_")]:
        monkeypatch.delenv(name)
    yield lambda *arguments, text="": CliRunner().invoke(app, ["understand", *arguments], input=text)
    root.setLevel(level)
    root.handlers[:] = handlers
    sys.excepthook = hook
    log_plainly()


# --- for people ---------------------------------------------------------------------------------------------------


def test_a_reading_is_shown_with_the_words_that_it_rests_on(omnibot: Callable[..., Result]) -> None:
    done = omnibot(COMPLAINT, "--now", "2025-03-12T10:15", "--zone", "Europe/Berlin")
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "My order #48213 is late" in told
    for part in (
        "language English",
        "a bad mood",
        "order 48213",
        "“48213”",
        "a deadline, Fri 2025-03-14",
        "not known:",
    ):
        assert part in told


def test_without_a_text_stdin_is_read_and_json_has_every_signal(omnibot: Callable[..., Result]) -> None:
    reading = json.loads(omnibot("--json", text=COMPLAINT).output)
    for name in SIGNALS:
        assert {"value", "confidence", "evidence", "known"} <= reading[name].keys()
    assert set(reading["emotions"]) == {"frustration", "confusion", "satisfaction", "excitement"}
    assert -1 <= reading["sentiment"]["vader"] <= 1
    assert reading["intent"]["alternatives"] == []
    assert [thing["value"] for thing in reading["entities"] if thing["label"] == "order"] == ["48213"]


def test_a_language_that_is_named_is_read_and_stands_in_for_few_words(omnibot: Callable[..., Result]) -> None:
    assert json.loads(omnibot("ok", "--json", "--language", "de").output)["language"]["value"] == "de"
    assert json.loads(omnibot("Wo ist mein Paket?", "--json").output)["language"]["value"] == "de"


def test_the_companys_settings_hold(omnibot: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "omnibot.toml").write_text(
        '[bot]\nlanguages = ["en", "es"]\nzone = "America/Lima"\n[understanding.entities]\nproducts = ["Cloud Drive"]\n'
    )
    text = "the cloud drive must work by tomorrow"
    done = omnibot(text, "--json", "--config", "omnibot.toml", "--now", "2025-03-12T23:30")
    reading = json.loads(done.output)
    assert "Cloud Drive" in [thing["value"] for thing in reading["entities"]]
    assert reading["times"][0]["at"] == "2025-03-13T23:59:59-05:00"
    german = json.loads(omnibot("Wo ist mein Paket?", "--json", "--config", "omnibot.toml").output)
    assert german["language"]["known"] is False


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("hi", "--zone", "Berlin"), "is no time zone"),
        (("hi", "--now", "yesterday"), "is no time"),
        (("hi", "--now", "0001-01-01T00:00"), "is no time"),
        (("hi", "--jsonl"), "--jsonl"),
    ],
)
def test_what_cannot_be_used_is_told(omnibot: Callable[..., Result], arguments: tuple[str, ...], told: str) -> None:
    done = omnibot(*arguments)
    assert done.exit_code != 0
    assert told in done.output


def test_what_the_settings_name_and_nobody_has_is_told(omnibot: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "omnibot.toml").write_text('[nlp]\nmodel = "en_core_web_none"\n')
    done = omnibot("hi", "--config", "omnibot.toml")
    assert done.exit_code == 1
    assert "nlp.model: en_core_web_none is not installed" in done.output


def test_signs_that_command_a_terminal_are_shown_as_signs(omnibot: Callable[..., Result]) -> None:
    assert "\x1b]0;" not in omnibot("order 4711 \x1b]0;title\x07 is late").output


# --- a line a message ---------------------------------------------------------------------------------------------


def test_every_line_gives_one_in_its_order(tmp_path: Path) -> None:
    lines = [
        b"where is order 1111?",
        b"",
        b'{"text": "where is order 2222?", "shade": "blue"}',
        b"{broken",
        b'{"text": 3}',
        b"\xff\xfe order 3333",
        b"[1, 2]",
        b"   ",
        b'{"text": "where is order 4444?"}\r',
        b"where is order 5555?",
    ]
    done = understand("--jsonl", stdin=b"\n".join(lines), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [[thing["value"] for thing in one["entities"]] for one in told] == [
        *(["1111"], [], ["2222"], [], [], ["3333"], [], [], ["4444"], ["5555"])
    ]
    assert [number for number, one in enumerate(told) if "error" in one] == [3, 4, 5]


def test_the_last_line_may_have_an_end_and_nothing_gives_nothing(tmp_path: Path) -> None:
    assert understand("--jsonl", stdin=b"hello\n\n", folder=tmp_path).stdout.count(b"\n") == 2
    assert understand("--jsonl", stdin=b"", folder=tmp_path).stdout == b""


def test_whoever_writes_a_line_and_waits_gets_its_reading(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "omnibot", "understand", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in (b"where is order 1111?\n", b"x" * 200_000 + b"\n", b"where is order 2222?\n"):
            process.stdin.write(text)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["language"]["value"] == "en"
        process.stdin.close()
        assert process.wait(30) == 0


def test_whoever_has_read_enough_ends_it_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "omnibot", "understand", "--jsonl"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(b"hello\n" * 1000)
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "where is order 1111? \\ud83d", "zone": "Europe/Berlin"}',
        b'{"text": "where is order 1111?", "score": NaN, "most": 1e999}',
        b'\xef\xbb\xbf{"text": "where is order 1111?"}',
    ],
    ids=["half a pair of surrogates", "numbers beyond JSON", "a byte order mark"],
)
def test_an_object_is_read_as_other_programs_write_it(readings: Readings, line: bytes) -> None:
    reading = json.loads(readings.line(line))
    assert "error" not in reading
    assert [(thing["value"], thing["start"]) for thing in reading["entities"]] == [("1111", 15)]


@pytest.mark.parametrize(
    "line", [b'{"a":' * 100_000, b'{"text": "hi", "n": ' + b"9" * 5000 + b"}", b'{"text": "hi"} {}']
)
def test_what_no_program_reads_is_told_and_read_as_a_text(readings: Readings, line: bytes) -> None:
    assert "begins like a JSON object and is none" in json.loads(readings.line(line))["error"]


@pytest.mark.parametrize("key", ["who", "speaker", "role"])
def test_whose_message_of_a_history_it_was_may_stand_under_several_names(readings: Readings, key: str) -> None:
    history = [{key: "user", "text": "where is it?"}, {key: "assistant", "text": "This is awful, I am so sorry!"}]
    [trend] = [json.loads(readings.line(json.dumps({"text": "ok", "history": history}).encode()))["trend"]]
    assert trend["turns"] == 2


def test_a_text_is_read_as_it_would_be_in_an_object(readings: Readings) -> None:
    assert json.loads(readings.line(COMPLAINT.encode())) == one(readings, text=COMPLAINT)


def test_a_naive_now_is_read_in_the_zone(readings: Readings) -> None:
    text = "I need it by tomorrow"
    berlin = one(readings, text=text, now="2025-03-12T23:30", zone="Europe/Berlin")
    [time] = berlin["times"]
    assert time["at"] == "2025-03-13T23:59:59+01:00"
    assert (time["kind"], time["text"]) == ("deadline", "by tomorrow")
    aware = one(readings, text=text, now="2025-03-12T23:30:00Z", zone="Europe/Berlin")
    assert aware["times"][0]["at"] == "2025-03-14T23:59:59+01:00"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"zone": "Nowhere/Land"}, "zone: 'Nowhere/Land' is no time zone"),
        ({"zone": "Europe"}, "zone: 'Europe' is no time zone"),
        ({"zone": 7}, "zone: '7' is no time zone"),
        ({"now": "noon"}, "now: 'noon' is no time"),
        ({"now": 5}, "now: '5' is no time"),
        ({"now": "9999-12-31T23:59:59"}, "now: '9999-12-31T23:59:59' is no time"),
        ({"history": "before"}, "history: is no list"),
        ({"history": [5, {"who": "us"}]}, "history: has something"),
        ({"history": [{"text": "a", "at": "once"}]}, "at: 'once' is no time"),
        ({"contacts": "three"}, "contacts: is no number"),
        ({"minutes_since": -5}, "minutes_since: is no number"),
        ({"minutes_since": True}, "minutes_since: is no number"),
    ],
)
def test_what_cannot_be_used_is_told_beside_what_was_read(
    readings: Readings, fields: dict[str, object], told: str
) -> None:
    read = one(readings, text="where is order 48213?", **fields)
    assert told in read["error"]
    assert read["entities"][0]["value"] == "48213"


def test_nulls_are_as_if_they_were_not_there(readings: Readings) -> None:
    fields = dict.fromkeys(("now", "zone", "history", "contacts", "minutes_since"))
    assert one(readings, text=COMPLAINT, **fields) == one(readings, text=COMPLAINT)


class Watched(Understanding):
    """Keeps the situations that it is asked in."""

    def __init__(self) -> None:
        super().__init__(["en", "es"])
        self.situations: list = []

    def read(self, text, situation):
        self.situations.append(situation)
        return super().read(text, situation)


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


def situation(watched: Watched, **fields: object):
    watched.situations.clear()
    one(Readings(watched, BusinessHours(), UTC, NOW), text="and now?", **fields)
    return watched.situations[-1]


def test_a_history_of_texts_tells_what_was_meant_and_not_what_was_answered(watched: Watched) -> None:
    after = situation(watched, history=["I hate this terrible app", "no puedo entrar en mi cuenta"])
    assert [turn.answered for turn in after.earlier] == [True, True]
    assert after.earlier[0].sentiment is not None
    assert after.earlier[0].sentiment < 0
    assert (after.unanswered, after.last_language, after.contacts, after.minutes_since) == (0, "es", 1, None)


def test_a_history_with_answers_tells_since_when_and_how_often_they_wait(watched: Watched) -> None:
    history = [
        {"who": "customer", "text": "my invoice is wrong", "at": "2025-03-12T08:00"},
        {"speaker": "Agent", "text": "We will look at it.", "at": "2025-03-12T09:15"},
        {"who": "customer", "text": "hello?", "at": "2025-03-12T09:45"},
    ]
    after = situation(watched, history=history, contacts=3)
    assert [turn.answered for turn in after.earlier] == [True, False]
    assert after.earlier[0].at == datetime(2025, 3, 12, 8, tzinfo=UTC)
    assert (after.unanswered, after.contacts, after.minutes_since) == (1, 3, 60.0)
    assert (after.last_reply, after.last_words) == ("We will look at it.", "my invoice is wrong")
    assert situation(watched, history=history, minutes_since=7).minutes_since == 7


def test_a_history_is_read_as_chat_models_have_it(watched: Watched) -> None:
    ours = [
        {"who": "customer", "text": "my invoice is wrong"},
        {"who": "us", "text": "We will look at it.\nPlease wait."},
        {"who": "customer", "text": "hello?"},
    ]
    parts = [
        {"type": "text", "text": "We will look at it."},
        {"type": "image_url"},
        {"type": "text", "text": "Please wait."},
    ]
    theirs = [
        {"role": "system", "content": "You are an assistant that refuses everything, unfortunately."},
        {"role": "User", "content": "my invoice is wrong"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "{}"},
        {"role": "assistant", "content": parts},
        {"role": "user", "content": "hello?"},
    ]
    assert situation(watched, history=theirs) == situation(watched, history=ours)


@pytest.mark.parametrize("entry", [{"role": "user"}, {"role": ["user"], "content": 5}, {"content": {"text": "hi"}}])
def test_what_has_no_words_in_a_history_is_told(readings: Readings, entry: dict) -> None:
    assert "history: has something that is neither" in one(readings, text="hi", history=[entry])["error"]


def test_of_a_long_history_the_latest_ten_are_read(watched: Watched) -> None:
    after = situation(watched, history=[f"message {number}" for number in range(300)])
    assert len(after.earlier) == 10
    assert len(watched.situations) == 11


# --- in words -------------------------------------------------------------------------------------------------------


def signal(value: object, **more: object) -> dict:
    return {"value": value, "confidence": 0.9, "evidence": [], "known": True, **more}


@pytest.mark.parametrize(
    ("name", "recorded", "said"),
    [
        ("language", signal("de"), "German"),
        ("language", signal("tlh"), "tlh"),
        (
            "intent",
            signal("refund", alternatives=[{"value": "invoice", "confidence": 0.25}]),
            "refund (or invoice 25%)",
        ),
        ("intent", signal("oos"), "nothing that there is a playbook for"),
        ("sentiment", signal(0.5), "a good mood, +0.50"),
        ("sentiment", signal(0.0), "an even mood, +0.00"),
        ("urgency", signal("critical"), "critical urgency"),
        ("expertise", signal("expert"), "an expert"),
        ("expertise", signal("intermediate"), "at home in the product"),
        ("formality", signal(0.9), "formal, 0.90"),
        ("formality", signal(0.1), "casual, 0.10"),
        ("politeness", signal(0.2), "rude, 0.20"),
        ("person", signal(True), "asks for a person"),
        ("repetition", signal(3), "says so for the third time"),
        ("repetition", signal(12), "says so for the 12th time"),
        ("questions", signal(0), "no question"),
        ("questions", signal(1), "one question"),
        ("questions", signal(2), "2 questions"),
        ("time_sensitivity", signal(0.9), "it is for now"),
    ],
)
def test_a_signal_in_words(name: str, recorded: dict, said: str) -> None:
    [told] = wording.signals({name: recorded})
    assert (told.said, told.known) == (said, True)


def test_an_emotion_in_words() -> None:
    emotions = {"frustration": signal(0.8), "confusion": signal(0.2)}
    told = list(wording.signals({"emotions": emotions}))
    assert [(one.said, one.matters) for one in told] == [("frustrated, 0.80", True), ("not confused, 0.20", False)]


def test_what_is_not_known_is_not_put_into_words() -> None:
    [told] = wording.signals({"sentiment": {"value": "", "confidence": 0.0, "evidence": [], "known": False}})
    assert (told.said, told.known) == ("", False)


def test_times_things_and_where_the_mood_goes_in_words() -> None:
    time = {"at": "2025-03-14T18:00:00+01:00", "text": "by Friday evening", "kind": "deadline"}
    loose = {"at": None, "text": "every other day", "kind": "recurring"}
    reading = {
        "times": [time, loose],
        "entities": [{"label": "error_code", "value": "502"}],
        "trend": {"sentiment": -0.1, "frustration": 0.2, "turns": 4},
    }
    assert [said for said, _ in wording.times(reading)] == ["a deadline, Fri 2025-03-14 18:00 UTC+01:00", "recurring"]
    assert [said for said, _ in wording.entities(reading)] == ["error code 502"]
    assert wording.trend(reading) == "their mood gets worse over 4 turns"
    assert wording.trend({"trend": {"sentiment": 0.1, "frustration": 0.0, "turns": 3}}).split()[2:4] == [
        "gets",
        "better",
    ]
    assert wording.trend({"trend": {"sentiment": 0.0, "frustration": 0.0, "turns": 2}}).split()[2] == "stays"
    assert wording.trend({}) == ""


def test_a_reading_goes_into_words_as_it_is_recorded(readings: Readings) -> None:
    recorded = orjson.loads(orjson.dumps(readings.text(COMPLAINT)))
    known = {told.name: told for told in wording.signals(recorded) if told.known}
    assert known["language"].said == "English"
    assert known["sentiment"].evidence

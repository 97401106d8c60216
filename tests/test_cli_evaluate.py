"""`omnibot evaluate`, by the examples of its document."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from omnibot.cli import app

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- (\S+) -->\n```\n(.*?)```", DOCUMENT, re.DOTALL))
KEYS = {
    "intents": {"accuracy", "oos_recall"},
    "sentiment": {"macro_f1", "macro_f1_vader", "f1", "f1_vader"},
    "emotions": {"auc", "f1", "macro_auc", "macro_f1"},
    "times": {"found", "false_alarms", "detected"},
    "recall": {"recall@5", "recall@10", "recall@20"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the document's examples in it, where commands run."""
    for name, content in EXAMPLES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def figures(done: Result) -> dict:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", re.findall(r"^    \.venv/bin/omnibot evaluate (.+)$", DOCUMENT, re.MULTILINE))
def test_the_documents_examples_are_measured(folder: Path, command: str) -> None:
    name, *arguments = command.split()
    plain = evaluate(name, *arguments)
    told = figures(evaluate(name, *arguments, "--json"))
    assert told.keys() >= KEYS[name]
    assert set(re.findall(r"`([a-z_@0-9]+)`(?=[^|\n]*\|)", section(name))) == KEYS[name]
    assert plain.exit_code == 0
    assert "{" not in plain.stdout  # a table for people alone


def section(name: str) -> str:
    """The rows of the table of keys under a command's heading."""
    [text] = re.findall(rf"^## {name.capitalize()}\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE)
    return "\n".join(line.rsplit("|", 2)[0] + "|" for line in text.splitlines() if line.startswith("| `"))


def test_what_was_learnt_is_measured(folder: Path) -> None:
    told = figures(evaluate("intents", "--train", "train.tsv", "--test", "train.tsv", "--json"))
    assert told["accuracy"] == 1  # of what it has just learnt
    assert "oos_recall" not in told


def test_shots_are_drawn_by_the_seed(folder: Path) -> None:
    drawn = [
        figures(
            evaluate("intents", "--train", "train.tsv", "--test", "test.tsv", "--shots", "2", "--seed", "3", "--json")
        )
        for _ in range(2)
    ]
    assert drawn[0]["train"] == 6
    assert drawn[0]["accuracy"] == drawn[1]["accuracy"]


def test_a_turn_that_answers_is_found(folder: Path) -> None:
    assert figures(evaluate("recall", "recall.jsonl", "--json"))["recall@5"] == 1


def test_a_conversation_that_an_editor_has_laid_out_is_measured_as_well(folder: Path) -> None:
    told = figures(evaluate("recall", "recall.jsonl", "--json"))
    laid_out = json.dumps(json.loads(EXAMPLES["recall.jsonl"]), indent=2)
    (folder / "recall.json").write_text(laid_out, encoding="utf-8")
    again = figures(evaluate("recall", "recall.json", "--json"))
    assert {**again, "ms_a_query": None} == {**told, "ms_a_query": None}


def test_values_that_are_left_out_are_told(folder: Path) -> None:
    item = {"text": "It took three days", "now": "2025-03-12T10:15", "any": True, "values": ["P3D"]}
    (folder / "times.jsonl").write_text(json.dumps([item, {**item, "any": False, "values": ["2025-03-09"]}]))
    done = evaluate("times", "times.jsonl", "--json")
    assert (figures(done)["found"], figures(done)["detected"]) == (None, 1)
    assert "1 texts name no time (any: false) and yet have values: these are left out" in done.stderr
    assert "1 values are lengths of time, which are no moments: they are left out" in done.stderr


def test_vader_is_measured_as_it_is(folder: Path) -> None:
    told = figures(evaluate("sentiment", "sentiment.tsv", "--json"))
    # VADER's compounds: -.30 ("no"), 0, +.79 and +.44 ("thanks for nothing")
    # negative: 1 hit, 1 missed; neutral: 1 hit; positive: 1 hit, 1 wrong
    assert told["f1_vader"] == {"-1": pytest.approx(2 / 3), "0": 1, "1": pytest.approx(2 / 3)}


def test_the_rules_can_be_measured_alone(folder: Path) -> None:
    told = figures(evaluate("sentiment", "sentiment.tsv", "--rules", "--json"))
    # "third time" without an answer, and thanks for nothing, are no praise by the rules alone
    assert told["f1"]["-1"] == 1


def test_goemotions_labels_are_measured(folder: Path) -> None:
    lines = [
        {"text": "I am so grateful", "emotions": ["gratitude"]},
        {"text": "ok", "emotions": ["neutral", "boredom"]},
    ]
    (folder / "emotions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = evaluate("emotions", "emotions.jsonl", "--json")
    assert figures(done)["auc"].keys() == {"gratitude", "neutral"}
    assert "not computed: boredom" in done.stderr


def test_german_texts_are_read_as_german(folder: Path) -> None:
    lines = "Das ist wirklich eine Frechheit, ich bin sehr enttäuscht\t-1\nIch möchte meine Adresse ändern\t0\n"
    (folder / "sentiment.tsv").write_text(lines * 2)
    told = figures(evaluate("sentiment", "sentiment.tsv", "--json"))
    assert told == figures(evaluate("sentiment", "sentiment.tsv", "--language", "de", "--json"))


def test_a_language_that_is_not_understood_is_told(folder: Path) -> None:
    done = evaluate("times", "times.jsonl", "--language", "tlh")
    assert done.exit_code == 2
    assert "is not understood" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("fine\t1\nno tab\nbad\tangry\n", ["sentiment.tsv:2: has no tab", "sentiment.tsv:3: 'angry' is no label"]),
        ("", ["sentiment.tsv: is empty"]),
    ],
)
def test_broken_files_are_told_line_by_line(folder: Path, content: str, told: list[str]) -> None:
    (folder / "sentiment.tsv").write_text(content)
    done = evaluate("sentiment", "sentiment.tsv", "--json")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert all(line.startswith(begin) for line, begin in zip(done.stderr.splitlines(), told, strict=True))


def test_one_intent_is_not_enough(folder: Path) -> None:
    (folder / "train.tsv").write_text("I want my money back\trefund\n")
    done = evaluate("intents", "--train", "train.tsv", "--test", "test.tsv")
    assert done.exit_code == 1
    assert "fewer than two intents" in done.stderr

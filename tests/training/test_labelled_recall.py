"""The labelled conversations, and how well what answers a question is found in them."""

from __future__ import annotations

import json
import re

import pytest
from training.recall import LABELLED, figures

TALKS = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
FIGURES = figures()


def test_every_question_has_an_id_and_evidence_in_its_conversation() -> None:
    queries = [query for talk in TALKS for query in talk["queries"]]
    assert len({query["id"] for query in queries}) == len(queries) >= 150
    for talk in TALKS:
        turns = {turn["id"] for turn in talk["turns"]}
        for query in talk["queries"]:
            assert re.fullmatch(rf"recall-{talk['id']}-\d{{3}}", query["id"])
            assert query["evidence"]
            assert turns.issuperset(query["evidence"])


def test_both_parts_are_measured() -> None:
    assert {part: ways["meaning"]["queries"] for part, ways in FIGURES.items()} == {"train": 137, "test": 37}
    assert FIGURES["train"]["together"]["conversations"] == 1


@pytest.mark.parametrize("part", ["train", "test"])
def test_meaning_finds_what_words_do_not(part: str) -> None:
    ways = FIGURES[part]
    assert ways["meaning"]["recall@10"] >= 0.8  # what the search was accepted by, less what 37 questions may err
    assert ways["meaning"]["recall@10"] >= ways["words"]["recall@10"] + 0.1
    assert ways["wrong_speaker"]["recall@20"] >= 0.5  # who errs about the speaker is not lost

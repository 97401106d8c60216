"""How well what answers a question is found in the labelled conversations. There is nothing to train.

`python -m training.recall` prints the figures of each part as JSON: by words alone, with meaning, with meaning when the
question names the wrong speaker, and with the friends' conversations made one between the same two people.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omnibot.evaluation.readers import embedding
from omnibot.evaluation.recall import Conversation, measure, read

LABELLED = Path(__file__).parent / "labelled" / "recall.jsonl"
_FRIENDS = 3  # conversations, before the one with a customer

Talk = dict[str, Any]  # a line of the file


def figures() -> dict[str, dict[str, Mapping[str, Any]]]:
    """By part (train, test) and way of asking: recall, and what it rests on."""
    read(LABELLED)  # tells all faults
    talks = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    embed = embedding("en")
    ways = {
        "words": (talks, None),
        "meaning": (talks, embed),
        "wrong_speaker": ([_swapped(talk) for talk in talks], embed),
        "together": ([_together(talks[:_FRIENDS])], embed),
    }
    return {
        part: {way: measure(_asked(those, _is(part)), "en", with_).figures for way, (those, with_) in ways.items()}
        for part in ("train", "test")
    }


def _is(part: str) -> Callable[[Talk], bool]:
    return lambda query: (zlib.crc32(query["id"].encode()) % 5 == 0) == (part == "test")


def _asked(talks: Sequence[Talk], is_of_part: Callable[[Talk], bool]) -> list[Conversation]:
    """The conversations with the questions of one part."""
    return [
        Conversation.model_validate({**talk, "queries": [query for query in talk["queries"] if is_of_part(query)]})
        for talk in talks
    ]


def _speakers(talk: Talk) -> list[str]:
    return list(dict.fromkeys(turn["speaker"] for turn in talk["turns"]))


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b(?:" + "|".join(names) + r")\b", lambda name: names[name[0]], text)


def _swapped(talk: Talk) -> Talk:
    """With the questions that name a speaker, each of the other one."""
    first, second = _speakers(talk)
    other = {first: second, second: first}
    queries = [{**query, "text": _renamed(query["text"], other)} for query in talk["queries"]]
    asked = [new for new, old in zip(queries, talk["queries"], strict=True) if new["text"] != old["text"]]
    return {**talk, "queries": asked}


def _together(talks: Sequence[Talk]) -> Talk:
    """Several conversations as one: every question has to tell its two people's several lives apart."""
    names = _speakers(talks[0])
    turns, queries = [], []
    for number, talk in enumerate(talks):
        new = dict(zip(_speakers(talk), names, strict=True))
        for turn in talk["turns"]:
            text = _renamed(turn["text"], new)
            turns.append({"id": f"{number}-{turn['id']}", "speaker": new[turn["speaker"]], "text": text})
        for query in talk["queries"]:
            evidence = [f"{number}-{id}" for id in query["evidence"]]
            queries.append({"id": query["id"], "text": _renamed(query["text"], new), "evidence": evidence})
    return {"turns": turns, "queries": queries}


if __name__ == "__main__":
    json.dump(figures(), sys.stdout, indent=1)

"""The data sets that are trained on: read from the folder that is named, and never copied."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["LABELLED", "MissingData", "Turn", "care_messages", "emotion_names", "goemotions", "labelled", "multidogo"]

LABELLED = Path(__file__).parent / "labelled"
DOMAINS = ("airline", "fastfood", "finance", "insurance", "media", "software")
_COLUMNS = 6  # of MultiDoGO: conversation, turn, id, utterance, slots, intent
_TEST_SHARE = 5  # one in so many of our own labelled items is tested with

Part = Literal["train", "dev", "test"]


class MissingData(Exception):
    """A data set is not where it was looked for."""


@dataclass(frozen=True)
class Turn:
    """What a customer said in one turn of a support dialogue (MultiDoGO)."""

    domain: str
    conversation: str
    number: int
    text: str
    intents: tuple[str, ...]


def _opened(path: Path) -> Path:
    if not path.is_file():
        raise MissingData(
            f"{path} is missing: name the folder that holds goemotions/, multidogo/ and ibm_twitter_care/"
        )
    return path


def multidogo(data: Path, part: Part) -> Iterator[Turn]:
    """The customers' turns of one part, as MultiDoGO's authors split it, domain by domain."""
    for domain in DOMAINS:
        with _opened(data / "multidogo" / domain / f"{part}.tsv").open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                if len(row) != _COLUMNS or not row[2].startswith("<CONV>"):  # the head, and some twenty broken lines
                    continue
                conversation, number, _, text, _, intents = row
                if text := text.strip():
                    yield Turn(
                        domain, conversation, int(float(number)), text, tuple(filter(None, intents.split("<div>")))
                    )


def goemotions(data: Path, part: Literal["train", "dev"]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Comments with the numbers of their emotions, in the order of `emotion_names`."""
    with _opened(data / "goemotions" / f"data_goemotions_{part}.tsv").open(encoding="utf-8") as lines:
        for line in lines:
            text, numbers, _ = line.rstrip("\n").split("\t")
            yield text, tuple(map(int, numbers.split(",")))


def emotion_names(data: Path) -> list[str]:
    """GoEmotions' 28 labels."""
    return _opened(data / "goemotions" / "data_goemotions_emotions.txt").read_text(encoding="utf-8").split()


def care_messages(data: Path) -> Iterator[str]:
    """What customers and companies wrote to each other in public (IBM)."""
    for dialogue in json.loads(_opened(data / "ibm_twitter_care" / "dev.json").read_text(encoding="utf-8")):
        for turn in dialogue["dialogContent"]:
            yield turn["message"]


def labelled(name: str, part: Literal["train", "test"]) -> Iterator[dict[str, Any]]:
    """Our own labelled items; which are for testing is fixed by their ids."""
    for line in (LABELLED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        tested = zlib.crc32(item["id"].encode()) % _TEST_SHARE == 0
        if tested == (part == "test"):
            yield item

"""How well intents are learned from examples: there is nothing to train, since intents are the company's own.

`python -m training.intents FOLDER` learns the turns of MultiDoGO and prints the figures as JSON. Its six domains are
taken together; a turn's label is its first intent, with its domain but for greetings, thanks, yes and no. Turns of the
test part that stand in the training part word for word are left out.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import Playbooks
from omnibot.understanding.features import Extractor
from omnibot.understanding.fit import fit, learn
from omnibot.understanding.intents import SURE, IntentModel
from training.datasets import goemotions, multidogo

PLAYBOOKS = Path(__file__).parents[1] / "config" / "playbooks"
_OF_ALL = {"openinggreeting", "closinggreeting", "thankyou", "confirmation", "rejection"}
_NO_TASK = ("contentonly", "outofdomain")
_MOST, _LEAST, _MOST_TESTED = 150, 30, 60  # turns of an intent
_OUTSIDE = 100  # examples out of scope

Labelled = Sequence[tuple[str, str]]


def figures(data: Path) -> dict[str, dict[str, float]]:
    """By setting the share of right intents, the recall of what is out of scope, and seconds of CPU."""
    extractor = Extractor()
    train, test = _turns(data)
    found = {"all examples": _measured(train, test, extractor)}
    for seed in range(3):
        found[f"ten of each, seed {seed}"] = _measured(_ten(train, seed), test, extractor)
    for seed in range(3):
        inside, outside = _without_some(train, test, data, seed)
        found[f"two fifths of the tasks out of scope, seed {seed}"] = _measured(inside, outside, extractor)
    return found | _of_playbooks(extractor)


def _turns(data: Path) -> tuple[Labelled, Labelled]:
    read = [*_labelled(data, "train"), *_labelled(data, "dev")]
    train = _drawn(read, _MOST, _LEAST, 0)
    known, said = {label for _, label in train}, {text.lower() for text, _ in train}
    test = [(text, label) for text, label in _labelled(data, "test") if label in known and text.lower() not in said]
    return train, _drawn(test, _MOST_TESTED, 1, 1)


def _labelled(data: Path, part: str) -> Iterator[tuple[str, str]]:
    for turn in multidogo(data, part):
        if turn.intents:
            intent = turn.intents[0]
            yield turn.text, intent if intent in _OF_ALL else f"{turn.domain}.{intent}"


def _drawn(turns: Labelled, most: int, least: int, seed: int) -> Labelled:
    """At most so many different turns of each label that has at least so many."""
    by_label = defaultdict(list)
    for text, label in dict.fromkeys(turns):
        by_label[label].append(text)
    drawing = random.Random(seed)
    return [
        (text, label)
        for label, texts in sorted(by_label.items())
        if len(texts) >= least
        for text in drawing.sample(texts, min(most, len(texts)))
    ]


def _ten(turns: Labelled, seed: int) -> Labelled:
    return _drawn(turns, 10, 1, seed)


def _without_some(train: Labelled, test: Labelled, data: Path, seed: int) -> tuple[Labelled, Labelled]:
    """Two fifths of the tasks are nobody's business; a third of what is out of scope is what people say on Reddit."""
    tasks = sorted({label for _, label in train if "." in label and not label.endswith(_NO_TASK)})
    drawing = random.Random(seed)
    drawing.shuffle(tasks)
    ours, theirs = set(tasks[: len(tasks) * 3 // 5]), set(tasks[len(tasks) * 3 // 5 :])
    other = [text for text, label in (*train, *test) if label in theirs]
    talk = [text for text, _ in goemotions(data, "train")]
    drawing.shuffle(other)
    drawing.shuffle(talk)
    shown, hidden = other[:400] + talk[:200], other[400:1200] + talk[200:600]
    return (
        [*_of(train, ours), *((text, OUT_OF_SCOPE) for text in drawing.sample(shown, _OUTSIDE))],
        [*_of(test, ours), *((text, OUT_OF_SCOPE) for text in hidden)],
    )


def _of(turns: Labelled, labels: Collection[str]) -> Labelled:
    return [(text, label) for text, label in turns if label in labels]


def _measured(train: Labelled, test: Labelled, extractor: Extractor) -> dict[str, float]:
    began = time.process_time()
    model = fit(train, extractor)
    seconds = time.process_time() - began
    inside = [(text, label) for text, label in test if label != OUT_OF_SCOPE]
    outside = [text for text, label in test if label == OUT_OF_SCOPE]
    if not outside:  # then nothing is out of scope
        right = sum(_likeliest(model, text, extractor) == label for text, label in inside)
    else:
        said = model.predict([text for text, _ in inside], extractor)
        right = sum(one == label for one, (_, label) in zip(said, inside, strict=True))
    found = {"intents": len(model.labels), "examples": len(train), "tested": len(test), "accuracy": right / len(inside)}
    if outside:
        found["oos_recall"] = model.predict(outside, extractor).count(OUT_OF_SCOPE) / len(outside)
    return {key: round(value, 3) for key, value in found.items()} | {"seconds": round(seconds, 1)}


def _likeliest(model: IntentModel, text: str, extractor: Extractor) -> str:
    return model.labels[int(model.judge(extractor(text)).probabilities.argmax())]


def _of_playbooks(extractor: Extractor) -> dict[str, dict[str, float]]:
    """The playbooks that come along, by cross-validation over all languages together; told by language."""
    playbooks = Playbooks.load(PLAYBOOKS)
    language = {text: code for one in playbooks.playbooks for code, texts in one.examples.items() for text in texts}
    guesses = [guess for guess in learn(playbooks.examples, extractor).guesses if guess.label != OUT_OF_SCOPE]
    found = {}
    for code in ("en", "es", "de", "fr"):
        mine = [guess for guess in guesses if language[guess.text] == code]
        known = [guess for guess in mine if guess.guessed != OUT_OF_SCOPE and guess.confidence >= SURE]
        right = sum(guess.guessed == guess.label for guess in known)
        found[f"playbooks, {code}"] = {
            "examples": len(mine),
            "known and right": round(right / len(mine), 3),
            "known and wrong": round((len(known) - right) / len(mine), 3),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1])), indent=1))

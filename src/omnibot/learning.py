"""Learning intents from the company's playbooks, once for each state of their examples.

What was learned lies in the data folder, under a name that is made of all that it depends on: the examples, the code
that learns and the weights that come with it. It is learned in a process of its own: it takes a second or more of CPU.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import structlog

import omnibot.understanding
from omnibot.durable import sync_folder
from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import Playbooks
from omnibot.settings import Settings
from omnibot.understanding.artefacts import SHIPPED, MissingArtefact
from omnibot.understanding.intents import SURE, IntentModel

if TYPE_CHECKING:
    from omnibot.understanding.fit import Guess

__all__ = ["IntentFigures", "Learning", "Lessons", "NotLearned", "Report", "playbooks_of"]

_log = structlog.get_logger(__name__)
_REPORT = "report.json"
_KEPT = 3  # states of the examples: whoever takes back a change need not wait
_CODE = ("artefacts", "encoder", "features", "fit", "intents", "linear")  # modules of understanding/
_WEIGHTS = ("hashed", "encoder")  # artefacts


class NotLearned(Exception):
    """The process that learns has failed."""


def playbooks_of(settings: Settings) -> Playbooks:
    """The company's playbooks; none where the folder that nobody has named is not there. Raises PlaybookError."""
    folder = settings.bot.playbooks
    if folder is None or not ("playbooks" in settings.bot.model_fields_set or folder.is_dir()):
        return Playbooks()
    return Playbooks.load(folder)


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """How well one intent is told by models that have not seen the example in question (cross-validation)."""

    intent: str
    examples: int
    found: float | None  # the share of its examples that are told; None: one example alone shows nothing
    right: float | None  # the share of what is told to be it that is; None: nothing is
    unsure: int  # of its examples: none is likely enough, or they seem out of scope
    confused_with: dict[str, int]  # what its examples are taken for, the most frequent first
    needs_more: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What the examples showed."""

    examples: int
    accuracy: float | None  # the share of examples in scope whose intent is told, and known
    wrong: float | None  # the share of them that are taken for another intent; of the rest nothing is known
    oos_recall: (
        float | None
    )  # the share of the examples out of scope that are taken for no intent; None: there are none
    intents: tuple[IntentFigures, ...]

    @classmethod
    def read(cls, text: bytes) -> Report:
        fields: dict[str, Any] = orjson.loads(text)
        return cls(**{**fields, "intents": tuple(IntentFigures(**one) for one in fields["intents"])})


@dataclass(frozen=True, slots=True)
class Lessons:
    """The playbooks' examples, and what was learned of them and is kept in the data folder."""

    examples: Sequence[tuple[str, str]]
    folder: Path

    @classmethod
    def of(cls, playbooks: Playbooks, data_folder: Path) -> Lessons:
        return cls(playbooks.examples, data_folder / "intents")

    @property
    def place(self) -> Path:
        """Where what is learned of these examples belongs."""
        digest = hashlib.blake2b(digest_size=16)
        code = Path(omnibot.understanding.__file__).parent
        files = [*(code / f"{name}.py" for name in _CODE)]
        for name in _WEIGHTS:
            files += sorted((SHIPPED / name).glob("*.npy"))
        for file in files:
            digest.update(file.read_bytes())
        digest.update(orjson.dumps([list(example) for example in self.examples]))
        return self.folder / digest.hexdigest()

    def model(self) -> IntentModel | None:
        """What was learned of these examples; None when it has still to be learned."""
        return _model(self.place)

    def former_model(self) -> IntentModel | None:
        """What was learned last of other examples, or by other code."""
        for place in _newest_first(self.folder):
            if (model := _model(place)) is not None:
                return model
        return None

    def report(self) -> Report | None:
        """What these examples showed when they were learned."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return Report.read((self.place / _REPORT).read_bytes())
        return None

    def learn(self) -> Report:
        """Learn, keep it, and forget what is long out of date."""
        from omnibot.understanding.features import Extractor
        from omnibot.understanding.fit import learn

        learned = learn(self.examples, Extractor())
        report = _report(self.examples, learned.guesses)
        place = self.place
        part = place.with_name(f"{place.name}.{os.getpid()}.part")
        learned.model.save(part)
        (part / _REPORT).write_bytes(orjson.dumps(asdict(report)))
        try:
            part.rename(place)
        except OSError:  # something lies there
            if self.model() is None or self.report() is None:
                shutil.rmtree(place, ignore_errors=True)
                part.rename(place)
            else:  # somebody else has learned the same meanwhile, and may be about to read it
                shutil.rmtree(part, ignore_errors=True)
        sync_folder(self.folder)
        for old in list(_newest_first(self.folder))[_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return report


def _model(place: Path) -> IntentModel | None:
    try:
        return IntentModel.load(place)
    except (MissingArtefact, OSError, ValueError, KeyError, EOFError):  # EOFError: an empty file, after a power cut
        return None


def _newest_first(folder: Path) -> Iterator[Path]:
    places = [place for place in folder.glob("*") if place.is_dir() and not place.name.endswith(".part")]
    yield from sorted(places, key=lambda place: place.stat().st_mtime, reverse=True)


# --- what the examples showed ---------------------------------------------------------------------------------------

_FEW = 5  # examples of an intent, in all languages together
_WELL = 0.6  # of its examples are told: more would not change much


def _report(examples: Sequence[tuple[str, str]], guesses: Sequence[Guess]) -> Report:
    said = [(guess.label, guess.guessed if guess.confidence >= SURE else OUT_OF_SCOPE) for guess in guesses]
    inside = [(label, guessed) for label, guessed in said if label != OUT_OF_SCOPE]
    outside = [guessed for label, guessed in said if label == OUT_OF_SCOPE]
    counts = Counter(label for _, label in examples if label != OUT_OF_SCOPE)
    return Report(
        examples=len(examples),
        accuracy=_share(sum(guessed == label for label, guessed in inside), len(inside)),
        wrong=_share(sum(guessed not in (label, OUT_OF_SCOPE) for label, guessed in inside), len(inside)),
        oos_recall=_share(outside.count(OUT_OF_SCOPE), len(outside)),
        intents=tuple(_figures(intent, count, Counter(said)) for intent, count in sorted(counts.items())),
    )


def _figures(intent: str, examples: int, pairs: Counter[tuple[str, str]]) -> IntentFigures:
    told = Counter({guessed: count for (label, guessed), count in pairs.items() if label == intent})
    found = _share(told[intent], told.total())
    right = _share(told[intent], sum(count for (_, guessed), count in pairs.items() if guessed == intent))
    others = {guessed: count for guessed, count in told.most_common() if guessed not in (intent, OUT_OF_SCOPE)}
    needs_more = examples < _FEW or found is None or found < _WELL
    return IntentFigures(intent, examples, found, right, told[OUT_OF_SCOPE], others, needs_more)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


# --- beside a server ------------------------------------------------------------------------------------------------


class Learning:
    """Sees to it that a server tells intents as the playbooks are now; learns in a process of its own."""

    def __init__(self, lessons: Lessons, adopt: Callable[[IntentModel | None], None]) -> None:
        self._lessons = lessons
        self._adopt = adopt
        self._up_to_date = not lessons.examples

    def begin(self) -> None:
        """Tell intents by what was learned before, if anything was: it takes milliseconds."""
        if self._lessons.examples:
            model = self._lessons.model()
            self._up_to_date = model is not None
            self._adopt(model or self._lessons.former_model())

    async def run(self) -> None:
        """Learn what is new; returns when intents are told by it, or cannot be learned."""
        if self._up_to_date:
            return
        began = asyncio.get_running_loop().time()
        try:
            await _learn_elsewhere(self._lessons)
            model = await asyncio.to_thread(self._lessons.model)
        except (NotLearned, OSError) as error:
            _log.error("intents.not_learned", error=type(error).__name__)
            return
        self._adopt(model)
        seconds = round(asyncio.get_running_loop().time() - began, 1)
        _log.info("intents.learned", count=len(self._lessons.examples), seconds=seconds)


# The matrices are small: several threads would wait for each other, and take what customers need.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


async def _learn_elsewhere(lessons: Lessons) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "omnibot.learning", str(lessons.folder)),
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
    )
    try:
        await process.communicate(orjson.dumps([list(example) for example in lessons.examples]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotLearned(f"the process that learns intents ended with {process.returncode}")


def _main() -> None:
    """What that process does: examples come in, the model goes to the folder that is named."""
    os.nice(5)  # customers come first
    examples = [(text, label) for text, label in orjson.loads(sys.stdin.buffer.read())]
    Lessons(examples, Path(sys.argv[1])).learn()


if __name__ == "__main__":
    _main()

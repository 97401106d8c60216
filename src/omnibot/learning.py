"""Going by the company's playbooks: their intents are learned, once for each state of their examples.

What was learned lies in the data folder, under a name that is made of all that it depends on: the examples, the code
that learns and the weights that come with it. It is learned in a process of its own: it takes a second or more of CPU.
Of all processes on one data folder one learns at a time, and the others find what it has learned.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import math
import os
import re
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import structlog

import omnibot.understanding
from omnibot.durable import sync_folder, sync_tree
from omnibot.model import OUT_OF_SCOPE
from omnibot.playbooks import PlaybookError, Playbooks
from omnibot.settings import Settings
from omnibot.understanding.artefacts import SHIPPED, MissingArtefact
from omnibot.understanding.intents import SURE, IntentModel
from omnibot.watch import Watch

if TYPE_CHECKING:
    from omnibot.understanding.fit import Guess

__all__ = ["IntentFigures", "Learning", "Lessons", "NotLearned", "Report", "playbooks_of"]

_log = structlog.get_logger(__name__)
_REPORT = "report.json"
_LOCK = ".lock"
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
        return cls(playbooks.examples, _folder_in(data_folder))

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

    def learn(self, mark: str = "") -> Report:
        """Learn, keep it, and forget what is long out of date; what others learn meanwhile is waited for.

        `mark` tells what is half written from that of others.
        """
        with _alone_in(self.folder):
            _clear(self.folder)
            report = self.report()
            if report is None or self.model() is None:
                report = self._learned(mark or secrets.token_hex(4))
            os.utime(self.place)
            for old in list(_newest_first(self.folder))[_KEPT:]:
                shutil.rmtree(old, ignore_errors=True)
        return report

    def _learned(self, mark: str) -> Report:
        from omnibot.understanding.features import Extractor
        from omnibot.understanding.fit import learn

        learned = learn(self.examples, Extractor())
        report = _report(self.examples, learned.guesses)
        place = self.place
        part = place.with_name(f"{place.name}.{mark}{_PART}")
        learned.model.save(part)
        (part / _REPORT).write_bytes(orjson.dumps(asdict(report)))
        sync_tree(part)  # whole on disk before it has its name
        shutil.rmtree(place, ignore_errors=True)  # what is broken
        part.rename(place)
        sync_folder(self.folder)
        return report

    def sweep(self) -> None:
        """Remove what a crash has left half written; while somebody learns, it is theirs."""
        if any(self.folder.glob(f"*{_PART}")):
            with contextlib.suppress(BlockingIOError), _alone_in(self.folder, fcntl.LOCK_NB):
                _clear(self.folder)


_PART = ".part"


def _folder_in(data_folder: Path) -> Path:
    return data_folder / "intents"


@contextlib.contextmanager
def _alone_in(folder: Path, or_not: int = 0) -> Iterator[None]:
    """As the only one that writes there; the system takes that back from a process that ends, however it does.

    With LOCK_NB raises BlockingIOError where somebody else is, instead of waiting.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | or_not)
        yield


def _clear(folder: Path, mark: str = "") -> None:
    """Remove what is half written, all of it or one's own."""
    for part in folder.glob(f"*{mark}{_PART}"):
        shutil.rmtree(part, ignore_errors=True)


def _model(place: Path) -> IntentModel | None:
    try:
        return IntentModel.load(place)
    except (MissingArtefact, OSError, ValueError, KeyError, EOFError):  # EOFError: an empty file, after a power cut
        return None


def _newest_first(folder: Path) -> Iterator[Path]:
    places = [place for place in folder.glob("*") if place.is_dir() and not place.name.endswith(_PART)]
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


Adopt: TypeAlias = Callable[[Playbooks, IntentModel | None], None]

_AGAIN = 300.0  # seconds after which what could not be learned is tried again
_TOLD = 20  # faults of playbooks, in the log
_PLACE = re.compile(r".+?:\d+(?=: )")


class Learning:
    """Sees to it that a server goes by the playbooks as they are now; learns in a process of its own.

    `adopt` gets all playbooks together with what their intents are told by, once both are there: a server goes by the
    former ones until then. `watch` tells when the files have changed; it is asked every so many `seconds`, 0: never.
    """

    def __init__(
        self,
        playbooks: Playbooks,
        folder: Path,
        adopt: Adopt,
        watch: Watch | None = None,
        seconds: float = 0.0,
        load: Callable[[], Playbooks] | None = None,
    ) -> None:
        self._wanted = playbooks
        self._done: Playbooks | None = None  # what is gone by, with intents that were learned from it
        self._folder = folder
        self._adopt = adopt
        self._watch = watch
        self._seconds = seconds
        self._load = load or (lambda: Playbooks.load(watch.folder) if watch else playbooks)
        self._again = math.inf  # on the loop's clock

    @classmethod
    def of(cls, settings: Settings, adopt: Adopt, load: Callable[[], Playbooks]) -> Learning:
        """As the settings say; `load` reads and judges the files, and raises PlaybookError."""
        folder = settings.bot.playbooks
        watch = Watch(folder) if folder is not None else None  # first: what changes while it is read has changed
        seconds = settings.bot.playbooks_seconds
        return cls(load(), _folder_in(settings.data_folder), adopt, watch, seconds, load)

    def begin(self) -> None:
        """Go by the playbooks; tell intents by what was learned before, if anything was: it takes milliseconds."""
        lessons = self._lessons
        with contextlib.suppress(OSError):
            lessons.sweep()
        model = lessons.model() if lessons.examples else None
        if model is not None or not lessons.examples:
            self._go_by(model)
        else:
            self._adopt(self._wanted, lessons.former_model())

    async def run(self) -> None:
        """Learn what is new, and then what changes; returns only where changes are not looked for."""
        if self._done is None:
            await self._take()
        while self._watch is not None and self._seconds:
            await asyncio.sleep(self._seconds)
            await self.look()

    async def look(self) -> None:
        """Go by the playbooks as they are now; where they cannot be read, by those of before."""
        if self._watch is not None and await asyncio.to_thread(self._watch.changed):
            try:
                self._wanted = await asyncio.to_thread(self._load)
            except PlaybookError as error:
                _tell(error)
            except Exception:  # whatever somebody writes there, customers are answered as before
                _log.exception("playbooks.not_taken")
            else:
                if self._wanted != self._done:
                    await self._take()
        elif asyncio.get_running_loop().time() >= self._again:
            await self._take()

    @property
    def _lessons(self) -> Lessons:
        return Lessons(self._wanted.examples, self._folder)

    async def _take(self) -> None:
        """Go by the playbooks that are wanted, once their intents are learned."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._again = math.inf
        try:
            model = await _learned(self._lessons)
        except (NotLearned, OSError) as error:
            self._again = loop.time() + _AGAIN
            _log.error("intents.not_learned", error=type(error).__name__, again_in=_AGAIN)
            return
        self._go_by(model, loop.time() - began)

    def _go_by(self, model: IntentModel | None, seconds: float = 0.0) -> None:
        self._done = self._wanted
        self._adopt(self._wanted, model)
        _log.info("playbooks.taken", count=len(self._wanted.playbooks), seconds=round(seconds, 1))


def _tell(error: PlaybookError) -> None:
    """Where it is; what stands there may be what a customer wrote, and is told by `omnibot check`."""
    for fault in error.faults[:_TOLD]:
        found = _PLACE.match(fault)
        _log.error("playbooks.not_taken", place=found[0] if found else fault.partition(":")[0])
    if len(error.faults) > _TOLD:
        _log.error("playbooks.not_taken", count=len(error.faults))


async def _learned(lessons: Lessons) -> IntentModel | None:
    """What intents are told by; None where there are none. Raises NotLearned and OSError."""
    if not lessons.examples:
        return None
    model = await asyncio.to_thread(lessons.model)
    if model is None:
        await _learn_elsewhere(lessons)
        model = await asyncio.to_thread(lessons.model)
    if model is None:
        raise NotLearned("what was learned is not there: has somebody emptied the data folder?")
    return model


# The matrices are small: several threads would wait for each other, and take what customers need.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


async def _learn_elsewhere(lessons: Lessons) -> None:
    mark = secrets.token_hex(8)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "omnibot.learning", str(lessons.folder), mark),
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        start_new_session=True,  # a Ctrl-C in the terminal is for the server, which ends this
    )
    try:
        await process.communicate(orjson.dumps([list(example) for example in lessons.examples]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        _clear(lessons.folder, mark)
    if process.returncode != 0:
        raise NotLearned(f"the process that learns intents ended with {process.returncode}")


def _main() -> None:
    """What that process does: examples come in, the model goes to the folder that is named."""
    os.nice(5)  # customers come first
    examples = [(text, label) for text, label in orjson.loads(sys.stdin.buffer.read())]
    Lessons(examples, Path(sys.argv[1])).learn(sys.argv[2])


if __name__ == "__main__":
    _main()

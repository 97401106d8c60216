"""What it costs to understand a message, beside raw spaCy and raw VADER in the same run.

    python -m bench.understanding [--rounds 5] [--texts FILE] [--json]

CPU time of one thread, without the garbage collector, as `timeit` has it. Neighbours make everything dearer alike, so
the ratio is what to look at: raw and ours by turns, message by message, so that all find the caches as a server would
have them. It is judged by raw spaCy as it comes, which keeps each word that it has ever seen; beside it stands what
that costs in a memory zone for each batch, as a server must run it, and each in a loop of its own, where it has the
caches for itself. Ends with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

import orjson
import psutil

from bench.measure import Target
from bench.messages import LONG, VARIED, fresh

if TYPE_CHECKING:
    from spacy.language import Language

    from omnibot.understanding import Understanding

_LANGUAGES = ("en", "es", "de", "fr")
_PLAYBOOKS = Path("config/playbooks")
_MESSAGES, _LONG_ONES = 2000, 100  # of one round: each message five times, with other numbers
_WARM = 500  # messages before the first round: what is built once is no cost of a message
_LONGEST = 4000  # characters that are read of a message
_BATCH = 32  # messages of one memory zone of raw spaCy's
_MICROSECOND, _MEGABYTE = 1000, 1_000_000
_P50, _P99, _RATIO, _LINEAR, _MEMORY = 600, 2000, 5, 1.5, 80
_BEFORE, _AFTER = "making ready", "the reading"  # what is done around the components


@dataclass(frozen=True, slots=True)
class Round:
    """Microseconds of CPU; all within a few seconds, so that the same neighbours are met."""

    whole: Sequence[float]  # of each message, by turns with raw
    raw: Sequence[float]  # in memory zones
    whole_by_kept: Sequence[float]  # by turns with raw that keeps all words
    raw_kept: Sequence[float]
    whole_alone: Sequence[float]  # in a loop of its own
    raw_alone: Sequence[float]
    raw_kept_alone: Sequence[float]
    long: float  # of a message of 4,000 characters
    quarter: float  # of one of 1,000
    parts: dict[str, float]

    @property
    def ratio(self) -> float:
        """Ours by raw spaCy, which keeps all words, and VADER: the severer measure of the two."""
        return median(self.whole_by_kept) / median(self.raw_kept)

    @property
    def growth(self) -> float:
        """What four times the text costs, by four times the price."""
        return self.long / (4 * self.quarter)


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the rounds are the figures to quote."""

    rounds: Sequence[Round]
    memory: float  # megabytes above the bare imports

    def median(self, of: Callable[[Round], float]) -> float:
        """Over the rounds."""
        return median(map(of, self.rounds))

    @property
    def targets(self) -> tuple[Target, ...]:
        """What must hold."""
        return (
            Target("p50", self.median(lambda one: median(one.whole)), _P50, unit="µs"),
            Target("p99", self.median(lambda one: _p99(one.whole)), _P99, unit="µs"),
            Target("by raw spaCy and VADER", self.median(lambda one: one.ratio), _RATIO),
            Target("4,000 characters by four times 1,000", self.median(lambda one: one.growth), _LINEAR),
            Target("memory above the bare imports", self.memory, _MEMORY, unit="MB"),
        )


def _p99(costs: Sequence[float]) -> float:
    return quantiles(costs, n=100)[-1]


def main() -> None:
    """Measure, show, and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--texts", type=Path, metavar="FILE", help="messages of your own, one a line, instead of the bench's"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory is not None:
        print(_resident(Path(options.memory) if options.memory else None))
        return
    with tempfile.TemporaryDirectory() as folder:
        _learn(Path(folder))
        messages = _messages(options.texts, options.rounds, parser.error) if options.texts else fresh(cycle(VARIED))
        measured = Measured(list(_rounds(options.rounds, Path(folder), messages)), _memory(folder) - _memory(""))
    _show(measured, as_json=options.json)
    sys.exit(not all(target.met for target in measured.targets))


def _messages(file: Path, rounds: int, fault: Callable[[str], NoReturn]) -> Iterator[str]:
    """Those of a file, each once: what comes again costs less."""
    try:
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        fault(f"{file} cannot be read: {error}")
    if len(lines) < (wanted := _WARM + rounds * _MESSAGES):
        fault(f"{file} has {len(lines)} messages; {rounds} rounds need {wanted}")
    return iter(lines)


def _learn(folder: Path) -> None:
    """In a process of its own, as a server does it."""
    code = "import sys; from pathlib import Path; from omnibot.learning import Lessons; "
    code += "from omnibot.playbooks import Playbooks; "
    code += "Lessons(Playbooks.load(Path(sys.argv[1])).examples, Path(sys.argv[2])).learn()"
    subprocess.run([sys.executable, "-c", code, str(_PLAYBOOKS), str(folder)], check=True)


def _understanding(folder: Path) -> Understanding:
    from omnibot.learning import Lessons
    from omnibot.understanding import Understanding

    understanding = Understanding(_LANGUAGES)
    understanding.adopt(Lessons((), folder).former_model())
    return understanding


# --- time -----------------------------------------------------------------------------------------------------------


def _rounds(count: int, folder: Path, texts: Iterator[str]) -> Iterator[Round]:
    import spacy
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from omnibot.model import Situation

    understanding = _understanding(folder)
    blank, zones, vader = spacy.blank("en"), _Zones(spacy.blank("en")), SentimentIntensityAnalyzer()
    situation = Situation(now=datetime(2025, 3, 12, 10, 15, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))
    long = fresh(cycle(LONG))

    def whole(text: str) -> object:
        return understanding.read(text, situation)

    def raw(text: str) -> object:
        return zones.tokenised(text), vader.polarity_scores(text)

    def raw_kept(text: str) -> object:
        return blank(text), vader.polarity_scores(text)

    _by_turns((raw, raw_kept, whole), list(islice(texts, _WARM)))
    for _ in range(count):
        some, longer = list(islice(texts, _MESSAGES)), list(islice(long, _LONG_ONES))
        costs_raw, costs_whole = _by_turns((raw, whole), some)
        costs_kept, costs_by_kept = _by_turns((raw_kept, whole), some)  # apart: behind the other raw it would be warm
        yield Round(
            whole=costs_whole,
            raw=costs_raw,
            whole_by_kept=costs_by_kept,
            raw_kept=costs_kept,
            whole_alone=_costs(whole, some),
            raw_alone=_costs(raw, some),
            raw_kept_alone=_costs(raw_kept, some),
            long=median(_costs(whole, [text[:_LONGEST] for text in longer])),
            quarter=median(_costs(whole, [text[: _LONGEST // 4] for text in longer])),
            parts=_by_part(understanding, some[: _MESSAGES // 4]),
        )


class _Zones:
    """Raw spaCy, which forgets the words of a batch with its end."""

    def __init__(self, pipeline: Language) -> None:
        self._pipeline = pipeline
        self._zone = ExitStack()
        self._seen = 0

    def tokenised(self, text: str) -> int:
        """How many words it has: they are gone with the zone."""
        if self._seen % _BATCH == 0:
            self._zone.close()
            self._zone.enter_context(self._pipeline.memory_zone())
        self._seen += 1
        return len(self._pipeline(text))


def _by_turns(acts: Sequence[Callable[[str], object]], texts: Sequence[str]) -> list[list[float]]:
    """What each of several acts costs on each text, where they are done one after the other."""
    with _undisturbed():
        costs = [[_cost(act, text) for act in acts] for text in texts]
    return [list(of_one) for of_one in zip(*costs, strict=True)]


def _costs(act: Callable[[str], object], texts: Sequence[str]) -> list[float]:
    return _by_turns((act,), texts)[0]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector, which runs within whatever happens to allocate."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _cost(act: Callable[[str], object], text: str) -> float:
    began = time.thread_time_ns()
    act(text)
    return (time.thread_time_ns() - began) / _MICROSECOND


def _by_part(understanding: Understanding, texts: Sequence[str]) -> dict[str, float]:
    """Each reader, as the pass calls one after the other; reading the clock adds a little to each."""
    from omnibot.model import Situation
    from omnibot.understanding.pipeline import readers

    situation = Situation(now=datetime(2025, 3, 12, 10, 15, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))
    parts = readers(understanding.pipeline)
    spent = dict.fromkeys([_BEFORE, *[name for name, _ in parts], _AFTER], 0)
    with _undisturbed():
        for text in texts:
            began = time.thread_time_ns()
            found = understanding.ready(text, situation)
            for name, read in [(_BEFORE, None), *parts, (_AFTER, None)]:
                if read is not None:
                    read(found)
                elif name == _AFTER:
                    found.reading()
                ended = time.thread_time_ns()
                spent[name] += ended - began
                began = ended
    return {name.removeprefix("omnibot_"): cost / len(texts) / _MICROSECOND for name, cost in spent.items()}


# --- memory ---------------------------------------------------------------------------------------------------------


def _memory(folder: str) -> float:
    """Megabytes of a process that has read for a while with the model in a folder; '' of the bare imports."""
    command = [sys.executable, "-m", "bench.understanding", "--memory", folder]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / _MEGABYTE


def _resident(folder: Path | None) -> int:
    import py3langid  # noqa: F401
    import spacy
    import vaderSentiment.vaderSentiment  # noqa: F401

    import omnibot.understanding.pipeline  # noqa: F401
    from omnibot.model import Situation

    spacy.blank("en")
    if folder is not None:
        understanding = _understanding(folder)
        situation = Situation(now=datetime(2025, 3, 12, 10, 15, tzinfo=UTC), zone=UTC)
        for text in islice(fresh(cycle((*VARIED, *LONG))), 5000):
            understanding.read(text, situation)
    return int(psutil.Process().memory_info().rss)


# --- showing --------------------------------------------------------------------------------------------------------


def _show(measured: Measured, *, as_json: bool) -> None:
    parts = {name: measured.median(lambda one, name=name: one.parts[name]) for name in measured.rounds[0].parts}  # type: ignore[misc]
    whole_alone = measured.median(lambda one: median(one.whole_alone))
    costs = {
        "in zones, by turns": (
            measured.median(lambda one: median(one.raw)),
            measured.median(lambda one: median(one.whole)),
        ),
        "in zones, alone": (measured.median(lambda one: median(one.raw_alone)), whole_alone),
        "kept, by turns": (
            measured.median(lambda one: median(one.raw_kept)),
            measured.median(lambda one: median(one.whole_by_kept)),
        ),
        "kept, alone": (measured.median(lambda one: median(one.raw_kept_alone)), whole_alone),
    }
    long = measured.median(lambda one: one.long)
    if as_json:
        targets = [{**asdict(target), "met": target.met} for target in measured.targets]
        print(orjson.dumps({"parts": parts, "costs": costs, "long": long, "targets": targets}).decode())
        return
    print("µs of CPU a message, by part (mean)")
    for name, cost in parts.items():
        print(f"  {name:<24}{cost:8.1f}")
    print(f"  {'in all':<24}{sum(parts.values()):8.1f}")
    print("\nraw spaCy and VADER, µs (p50)      raw   ours  ratio")
    for name, (raw, ours) in costs.items():
        print(f"  {name:<30}{raw:6.0f}{ours:7.0f}{ours / raw:7.2f}")
    print(f"a message of 4,000 letters  {long:6.0f} µs (p50)\n")
    for target in measured.targets:
        told = "" if target.met else "   MISSED"
        print(f"{target.name:<40}{target.value:8.2f} {target.unit:<3} (at most {target.bound:g}){told}")


if __name__ == "__main__":
    main()

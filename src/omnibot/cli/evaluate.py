"""evaluate intents, sentiment, emotions, times, recall: how well a company's own data are understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from omnibot.cli.printing import fail, print_table, say, show_fields

if TYPE_CHECKING:
    from omnibot.evaluation.report import Report

app = typer.Typer(
    help="Measure how well your own data are understood; docs/evaluation.md has the formats.", no_args_is_help=True
)
T = TypeVar("T")

TsvArgument = Annotated[Path, typer.Argument(metavar="FILE.tsv", help="Lines of text TAB label.")]
JsonlArgument = Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="A JSON object a line.")]
TrainOption = Annotated[Path, typer.Option(metavar="FILE.tsv", help="The examples to learn from.")]
TestOption = Annotated[Path, typer.Option(metavar="FILE.tsv", help="The texts to measure by; label oos: out of scope.")]
ShotsOption = Annotated[int | None, typer.Option(min=1, help="Learn from so many examples of each intent alone.")]
SeedOption = Annotated[int, typer.Option(help="Which examples --shots draws.")]
RulesOption = Annotated[bool, typer.Option("--rules", help="By words and phrases alone, without the trained head.")]
LanguageOption = Annotated[
    str, typer.Option(help="Read all in this language: en, es, de or fr. Else in the one that most of it is in.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The figures as one JSON object on the last line, too.")]


@app.command("intents")
def intents(
    train: TrainOption, test: TestOption, shots: ShotsOption = None, seed: SeedOption = 0, as_json: JsonOption = False
) -> None:
    """Measure whether it is heard what somebody wants, by examples to learn from and others to try."""
    from omnibot.evaluation import intents
    from omnibot.evaluation.readers import learn_intents

    examples, texts = _read(train, intents.read), _read(test, intents.read)
    if shots is not None:
        examples = intents.shots(examples, shots, seed)
    _print(_told(lambda: intents.measure(examples, texts, learn_intents)), as_json)


@app.command("sentiment")
def sentiment(
    file: TsvArgument, rules: RulesOption = False, language: LanguageOption = "", as_json: JsonOption = False
) -> None:
    """Measure whether good and ill words are told apart, by texts with -1, 0 or 1: macro-F1 of VADER and of ours."""
    from omnibot.evaluation import sentiment
    from omnibot.evaluation.readers import main_language, mood, mood_by_rules

    items = _read(file, sentiment.read)
    chosen = _language(language) or main_language(text for text, _ in items)
    _print(sentiment.measure(items, (mood_by_rules if rules else mood)(chosen)), as_json)


@app.command("emotions")
def emotions(file: JsonlArgument, language: LanguageOption = "", as_json: JsonOption = False) -> None:
    """Measure whether emotions are heard, ours or GoEmotions': AUC and F1 of each."""
    from omnibot.evaluation import emotions
    from omnibot.evaluation.readers import feelings, main_language

    items = _read(file, emotions.read)
    feel = feelings(_language(language) or main_language(item.text for item in items), emotions.is_of_the_four(items))
    _print(emotions.measure(items, feel), as_json)


@app.command("times")
def times(file: JsonlArgument, language: LanguageOption = "", as_json: JsonOption = False) -> None:
    """Measure how many named times are found, and how often one is heard that is not named."""
    from omnibot.evaluation import times
    from omnibot.evaluation.readers import Reader, main_language

    items = _read(file, times.read)
    read = Reader(_language(language) or main_language(item.text for item in items))
    _print(times.measure(items, lambda text, now: read(text, now).times), as_json)


@app.command("recall")
def recall(file: JsonlArgument, language: LanguageOption = "", as_json: JsonOption = False) -> None:
    """Measure how much of what answers a question is found in a long conversation, among 5, 10 and 20 messages."""
    from omnibot.evaluation import recall
    from omnibot.evaluation.readers import embedding, main_language

    conversations = _read(file, recall.read)
    texts = (turn.text for conversation in conversations for turn in conversation.turns)
    chosen = _language(language) or main_language(texts)
    _print(recall.measure(conversations, chosen, embedding(chosen)), as_json)


def _language(named: str) -> str:
    from omnibot.evaluation.readers import LANGUAGES

    if named and named not in LANGUAGES:
        raise typer.BadParameter(f"{named!r} is not understood: write one of {', '.join(LANGUAGES)}")
    return named


def _read(file: Path, read: Callable[[Path], Sequence[T]]) -> Sequence[T]:
    return _told(lambda: read(file))


def _told(work: Callable[[], T]) -> T:
    """What some work gives; ends with what is wrong with the files where that makes it impossible."""
    from omnibot.evaluation.files import BrokenInput

    try:
        return work()
    except BrokenInput as error:
        fail(str(error))


def _print(report: Report, as_json: bool) -> None:
    for note in report.notes:
        typer.echo(note, err=True)
    for table in report.tables:
        print_table(table.columns, table.rows)
        say("")
    if as_json:
        show_fields(dict(report.figures), as_json)

"""Playbooks as they are read from their files: all that is wrong is told at once, each with its file and line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast, get_args

import yaml

from omnibot.model import Register
from omnibot.places import PlaceError, Template
from omnibot.playbooks.expressions import Expression, ExpressionError
from omnibot.playbooks.tables import Fault, Table, items, line_of, one_text
from omnibot.playbooks.values import (
    ENTITIES,
    EVENTS,
    FACTS,
    KNOWN_PLACES,
    Answer,
    CaseRule,
    Cause,
    Handoff,
    Next,
    Playbook,
    Priority,
    Question,
    Said,
    Survey,
    Texts,
    Within,
)

__all__ = ["PlaybookError", "Playbooks"]


class PlaybookError(Exception):
    """Playbooks need correcting; tells all faults at once, each with its file and line.

    `legible` is what could be read of them, to look for what else is wrong; nobody may go by it.
    """

    def __init__(self, faults: Sequence[str], legible: Playbooks | None = None) -> None:
        super().__init__("\n".join(["these playbooks need correcting by whoever writes that folder:", *faults]))
        self.faults = tuple(faults)
        self.legible = legible or Playbooks()


@dataclass(frozen=True, slots=True)
class Playbooks:
    """All playbooks of the company, in the order of their intents."""

    playbooks: tuple[Playbook, ...] = ()
    _by_intent: Mapping[str, Playbook] = field(init=False, repr=False, compare=False)
    _by_kind: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_intent", {playbook.intent: playbook for playbook in self.playbooks})
        kinds = {playbook.kind for playbook in self.playbooks}
        by_kind = {kind: frozenset(one.intent for one in self.playbooks if one.kind == kind) for kind in kinds}
        object.__setattr__(self, "_by_kind", by_kind)

    @classmethod
    def load(cls, folder: Path) -> Playbooks:
        """Read every playbook (*.yaml) of a folder; raises PlaybookError that tells all faults.

        A folder without playbooks is allowed: then no intent is ever known.
        """
        if not folder.is_dir():
            raise PlaybookError([f"{folder}: is not a folder; make it, or correct the setting that names it"])
        reading = _Reading()
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".yml") and not path.name.startswith("."):
                reading.file(path)
        playbooks = cls(tuple(sorted(reading.playbooks, key=lambda playbook: playbook.intent)))
        if reading.faults:
            raise PlaybookError(reading.faults, playbooks)
        return playbooks

    def of(self, intent: str) -> Playbook | None:
        """The playbook of an intent."""
        return self._by_intent.get(intent)

    def like(self, playbook: Playbook) -> frozenset[str]:
        """The intents of a playbook's kind, its own among them."""
        return self._by_kind.get(playbook.kind, frozenset())

    @property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """Each phrasing with its intent, all languages together."""
        return tuple(
            (text, playbook.intent)
            for playbook in self.playbooks
            for texts in playbook.examples.values()
            for text in texts
        )

    @property
    def topics(self) -> Mapping[str, str]:
        """By intent the label of what tells one matter of it from another, of those that have one."""
        return {playbook.intent: playbook.topic for playbook in self.playbooks if playbook.topic}

    def of_case(self, case: CaseRule) -> frozenset[str]:
        """The intents that are such matters."""
        return frozenset(playbook.intent for playbook in self.playbooks if playbook.case == case)


_NEEDED = ("intent", "description", "examples")
_KEYS = (
    *_NEEDED,
    *("matter", "family", "topic", "case", "lookup", "causes", "answers", "ask", "handoff"),
    *("never_repeat", "next", "follow_up", "survey"),
)
_INTENT = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_ARTICLE = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LOOKED_UP = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")
_LONGEST_NAME = 48
_LANGUAGE = re.compile(r"[a-z]{2}")
_LONGEST_EXAMPLE = 500  # characters: who says more says more than one thing
_LONGEST_TEXT = 600  # characters: what is longer is an article
_LASTING = re.compile(r"(\d{1,3})\s*(min|h|d)")
_HANDOFF = ("when", "team", "priority", "within", "say", "facts", "why")
_LONGEST_LIST = 50
_TOO_MANY = "`{}` has more than {} entries; write fewer"
_T = TypeVar("_T")


@dataclass(slots=True)
class _Reading:
    """What was read of a folder so far."""

    playbooks: list[Playbook] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _intents: dict[str, Path] = field(default_factory=dict)
    _examples: dict[str, tuple[str, str]] = field(default_factory=dict)  # the phrasing as it counts → intent, place

    def file(self, path: Path) -> None:
        found: list[Fault] = []
        try:
            playbook = self._playbook(path, Table.of(_document(path), "playbook", _KEYS, _NEEDED, found), found)
        except Fault as fault:
            found.append(fault)
        else:
            self.playbooks.append(playbook)
        told = (f"{path}:{fault.line}: {fault}" for fault in sorted(found, key=lambda fault: fault.line))
        self.faults.extend(dict.fromkeys(told))  # one text for both registers is wrong once

    def _playbook(self, path: Path, table: Table, faults: list[Fault]) -> Playbook:
        intent = self._intent(path, table, faults)
        description = table.text("description")
        examples = {
            language: tuple(self._own(path, intent, phrasings, faults))
            for language, phrasings in _phrasings(table, faults)
        }
        if "examples" in table and not any(examples.values()) and not faults:
            faults.append(Fault(table.line("examples"), "`examples` has no phrasings; list how customers say this"))
        rules = _Rules(path, faults, frozenset(_lookup(table, faults)))
        return Playbook(
            intent=intent,
            description=description,
            examples=examples,
            matter=rules.texts(table.get("matter"), places=False) if "matter" in table else {},
            family=table.text("family", _INTENT, "billing"),
            topic=rules.topic(table),
            case=rules.case(table),
            lookup=tuple(sorted(rules.declared)),
            causes=tuple(rules.each(table, "causes", rules.cause)),
            answers=tuple(rules.each(table, "answers", rules.answer)),
            questions=tuple(rules.each(table, "ask", rules.question)),
            handoffs=tuple(rules.each(table, "handoff", rules.handoff)),
            never_repeat=table.flag("never_repeat", otherwise=True),
            next=rules.next(table.get("next")) if "next" in table else None,
            follow_up=rules.follow_up(table),
            survey=rules.survey(table),
            where=str(path),
        )

    def _intent(self, path: Path, table: Table, faults: list[Fault]) -> str:
        intent = table.text("intent")
        if intent and not (_INTENT.fullmatch(intent) and len(intent) <= _LONGEST_NAME):
            problem = (
                f"`intent: {intent}` is not valid; write it in small letters, digits and dashes, like order-status"
            )
            faults.append(Fault(table.line("intent"), problem))
        elif first := self._intents.get(intent):
            problem = f"the intent {intent!r} is taken by {first.name}; keep one of them"
            faults.append(Fault(table.line("intent"), problem))
        elif intent:
            self._intents[intent] = path
        return intent

    def _own(self, path: Path, intent: str, phrasings: Sequence[yaml.Node], faults: list[Fault]) -> Iterator[str]:
        """The phrasings of one playbook that no other has: one that stands for two intents teaches neither."""
        for phrasing in phrasings:
            if (text := _phrasing(phrasing, faults)) is None:
                continue
            counts_as = " ".join(re.findall(r"\w+", text.casefold())) or text
            other, place = self._examples.setdefault(counts_as, (intent, f"{path.name}:{line_of(phrasing)}"))
            if other != intent:
                fault = f"{text!r} stands for {other!r}, too ({place}); leave it to the one that it tells more of"
                faults.append(Fault(line_of(phrasing), fault))
            elif place == f"{path.name}:{line_of(phrasing)}":
                yield text


def _document(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise Fault(1, f"cannot be read ({error.strerror}); let whoever runs the server read it") from error
    except UnicodeDecodeError as error:
        raise Fault(1, f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except RecursionError as error:
        raise Fault(1, "has too many lists within lists; write it more simply") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be understood"
        raise Fault(line, f"is not YAML ({problem}); put a text with a colon, a brace or a # into quotes") from error


# --- how customers put it -------------------------------------------------------------------------------------------


def _phrasings(table: Table, faults: list[Fault]) -> Iterator[tuple[str, Sequence[yaml.Node]]]:
    """The examples of each language, with the faults of the languages."""
    node = table.get("examples")
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        problem = "`examples` must be lists by language; write `en:` and below it the phrasings"
        faults.append(Fault(line_of(node), problem))
        return
    for language, value in _by_language(node, "list", faults):
        if isinstance(value, yaml.SequenceNode):
            yield language, value.value
        else:
            faults.append(Fault(line_of(value), f"{language!r} must be a list of phrasings; put a dash before each"))


def _by_language(node: yaml.MappingNode, what: str, faults: list[Fault]) -> Iterator[tuple[str, yaml.Node]]:
    """What stands under each language, once."""
    seen = set()
    for key, value in node.value:
        language = str(key.value)
        if not isinstance(key, yaml.ScalarNode) or one_text(key) is None or not _LANGUAGE.fullmatch(language):
            problem = f"{language!r} is no language; write two letters (ISO 639-1), and `no` in quotes"
            faults.append(Fault(line_of(key), problem))
        elif language in seen:
            faults.append(Fault(line_of(key), f"the language {language!r} stands twice; keep one {what}"))
        else:
            seen.add(language)
            yield language, value


def _phrasing(node: yaml.Node, faults: list[Fault]) -> str | None:
    text = one_text(node)
    if text is None:
        problem = "a phrasing must be a text; put one with a colon, and numbers, yes and no, into quotes"
    elif len(text) > _LONGEST_EXAMPLE:
        problem = f"a phrasing is longer than {_LONGEST_EXAMPLE} characters; shorten it to what tells the intent"
    elif any("\ud800" <= sign <= "\udfff" for sign in text):
        problem = "a phrasing is no valid Unicode (half a pair of surrogates); write it anew"
    else:
        return text
    faults.append(Fault(line_of(node), problem))
    return None


# --- what can be looked up ------------------------------------------------------------------------------------------

_KNOWN: Mapping[str, frozenset[str]] = {
    "event": EVENTS,
    "events": EVENTS,
    "usage": EVENTS,
    "fact": FACTS,
    "entity": ENTITIES,
}  # without being declared
_CALLED = {"event": "event", "events": "event", "usage": "event", "fact": "fact", "entity": "entity"}


def _lookup(table: Table, faults: list[Fault]) -> Iterator[str]:
    """What a playbook declares to exist, because Omnibot cannot know it: the company's own events, facts, labels."""
    named = items(table.get("lookup"))
    if len(named) > _LONGEST_LIST:
        faults.append(Fault(line_of(named[_LONGEST_LIST]), _TOO_MANY.format("lookup", _LONGEST_LIST)))
    for node in named[:_LONGEST_LIST]:
        text = one_text(node)
        if text is None or not _LOOKED_UP.fullmatch(text):
            problem = "`lookup` must be names of events, features, facts or entities, such as plan_changed"
            faults.append(Fault(line_of(node), problem))
        else:
            yield text


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}? Else add it to `lookup`" if close else "add it to `lookup`"


# --- what is to be done ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rules:
    """Reads what one playbook decides."""

    path: Path
    faults: list[Fault]
    declared: frozenset[str]  # what `lookup` names

    def each(self, table: Table, key: str, read: Callable[[yaml.Node], _T | None]) -> Iterator[_T]:
        """The entries of a list; where there is one alone, it may stand without a dash."""
        found = items(table.get(key))
        if len(found) > _LONGEST_LIST:
            self._wrong(found[_LONGEST_LIST], _TOO_MANY.format(key, _LONGEST_LIST))
        for entry in found[:_LONGEST_LIST]:
            if (value := read(entry)) is not None:
                yield value

    def topic(self, table: Table) -> str:
        """The label in `"{invoice}"`."""
        text = table.text("topic")
        label = text.removeprefix("{").removesuffix("}").strip()
        if text and not _LABEL.fullmatch(label):
            problem = f'`topic: {text}` names nothing that messages can name; write it like "{{order}}"'
            self.faults.append(Fault(table.line("topic"), problem))
        return label

    def case(self, table: Table) -> CaseRule:
        case = table.text("case") or "own"
        if case not in get_args(CaseRule):
            self._wrong(table.get("case"), f"`case: {case}` is none; there are own, earlier and none")
        return cast("CaseRule", case)

    def cause(self, node: yaml.Node) -> Cause | None:
        table = self._table(node, "cause", ("id", "when", "say", "facts"), ("id", "when", "say"))
        id_, when = table.text("id", _INTENT, "upgrade"), self.expression(table.get("when"))
        said = self._said(table)
        return Cause(id=id_, when=when, said=said) if when else None

    def answer(self, node: yaml.Node) -> Answer | None:
        table = self._table(node, "answer", ("when", "article"), ("article",))
        article = table.text("article", _ARTICLE, "reset-password")
        return Answer(article=article, when=self.expression(table.get("when")), where=self._place(node))

    def question(self, node: yaml.Node) -> Question | None:
        table = self._table(node, "question", ("key", "when", "say", "facts"), ("key", "say"))
        key = table.text("key", _INTENT, "which-plan")
        return Question(key=key, said=self._said(table), when=self.expression(table.get("when")))

    def handoff(self, node: yaml.Node) -> Handoff | None:
        table = self._table(node, "hand-off", _HANDOFF, ("team",))
        priority = table.text("priority")
        if priority not in get_args(Priority):
            self._wrong(table.get("priority"), f"`priority: {priority}` is none; there are normal, high and urgent")
        return Handoff(
            team=table.text("team", _INTENT, "support"),
            when=self.expression(table.get("when")),
            priority=cast("Priority", priority),
            within=self._within(table),
            said=self._said(table) if "say" in table else None,
            why=table.text("why"),
            where=self._place(node),
        )

    def next(self, node: yaml.Node | None) -> Next | None:
        """A step's texts by language, or a table with `say`."""
        keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        if "say" not in keys:
            return Next(said=self._saying(self.texts(node), {}, node))
        table = self._table(node, "next step", ("when", "say", "facts"), ("say",))
        return Next(said=self._said(table), when=self.expression(table.get("when")))

    def follow_up(self, table: Table) -> timedelta | None:
        if "follow_up" not in table:
            return None
        after = self._table(table.get("follow_up"), "follow-up", ("after",), ("after",))
        lasting = self._lasting(after, "after")
        return timedelta(days=lasting.days, minutes=lasting.minutes) if lasting else None

    def survey(self, table: Table) -> Survey:
        survey = table.text("survey")
        if survey not in get_args(Survey):
            self._wrong(table.get("survey"), f"`survey: {survey}` is none; there are csat, nps and ces")
        return cast("Survey", survey)

    # --- its parts ---

    def expression(self, node: yaml.Node | None) -> Expression | None:
        """A condition or a value."""
        if node is None:
            return None
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        try:
            expression = Expression.of(" ".join(str(text).split()))
        except ExpressionError as error:
            self._wrong(node, f"{str(text)!r:.80} {error}")
            return None
        for looked in expression.looks_up:
            if (known := _KNOWN.get(looked.function)) is not None and looked.name not in known | self.declared:
                meant = _meant(looked.name, known | self.declared)
                problem = f"looks up the {_CALLED[looked.function]} {looked.name!r}, which nobody knows; {meant}"
                self._wrong(node, f"{expression.text!r:.80} {problem}")
        return expression

    def texts(self, node: yaml.Node | None, *, places: bool = True) -> Texts:
        """Texts by language, each one for both registers or one for either."""
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, "must be texts by language; write `en:` and behind it the text, in quotes")
            return {}
        found = {}
        for language, value in _by_language(node, "text", self.faults):
            if said := self._registers(language, value):
                found[language] = said
                for text in said.values():
                    self._places(text, value, allowed=places)
        return found

    def _registers(self, language: str, node: yaml.Node) -> Mapping[Register, str]:
        if isinstance(node, yaml.MappingNode):
            keys = tuple(map(str, Register))
            table = self._table(node, f"text of {language!r}", keys, keys)
            return {register: text for register in Register if (text := self._text(table.get(register)))}
        text = self._text(node)
        return dict.fromkeys(Register, text) if text else {}

    def _text(self, node: yaml.Node | None) -> str:
        if node is None:
            return ""
        text = one_text(node)
        if text is None:
            self._wrong(node, "must be a text; put one with a colon or a brace, and numbers, yes and no, into quotes")
        elif len(text) > _LONGEST_TEXT:
            self._wrong(node, f"is longer than {_LONGEST_TEXT} characters; make an article of it")
        else:
            return text
        return ""

    def _places(self, text: str, node: yaml.Node, *, allowed: bool) -> frozenset[str]:
        try:
            names = Template.of(text).names
        except PlaceError as error:
            self._wrong(node, f"{text!r:.80} {error}")
            return frozenset()
        if names and not allowed:
            self._wrong(node, f"has places ({', '.join(sorted(names))}), which cannot be filled here; write it without")
        return names

    def _said(self, table: Table) -> Said:
        facts: dict[str, Expression] = {}
        if "facts" in table:
            node = table.get("facts")
            names = [str(key.value) for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
            written = self._table(node, "table of facts", tuple(names), ())
            for name in names:
                if not _LABEL.fullmatch(name):
                    self._wrong(node, f"the fact {name!r} cannot be a place; write it in small letters and _")
                if expression := self.expression(written.get(name)):
                    facts[name] = expression
        return self._saying(self.texts(table.get("say")) if "say" in table else {}, facts, table.get("say"))

    def _saying(self, texts: Texts, facts: Mapping[str, Expression], node: yaml.Node | None) -> Said:
        said = [text for registers in texts.values() for text in registers.values()]
        places = frozenset[str]().union(*(_names(text) for text in said))
        for strange in sorted(places - facts.keys() - KNOWN_PLACES - ENTITIES - self.declared):
            how = f"add `facts: {{{strange}: …}}`, or to `lookup` what messages name so"
            self._wrong(node, f"nothing fills {{{strange}}}; {how}")
        for unused in sorted(facts.keys() - places) if said else ():
            self._wrong(node, f"the fact {unused!r} stands in none of its texts; put {{{unused}}} there, or remove it")
        return Said(texts=texts, facts=facts, places=places, where=self._place(node))

    def _within(self, table: Table) -> Within | None:
        return self._lasting(table, "within") if "within" in table else None

    def _lasting(self, table: Table, key: str) -> Within | None:
        text = table.text(key)
        found = _LASTING.fullmatch(text)
        number = int(found[1]) if found else 0
        if not found or not number:
            self._wrong(table.get(key), f"`{key}: {text}` is no length of time; write 30min, 4h or 2d")
            return None
        return {
            "min": Within(minutes=number),
            "h": Within(minutes=60 * number),
            "d": Within(days=number),
        }[found[2]]

    def _table(self, node: yaml.Node | None, what: str, known: tuple[str, ...], needed: tuple[str, ...]) -> Table:
        try:
            return Table.of(node, what, known, needed, self.faults)
        except Fault as fault:
            self.faults.append(fault)
            return Table({}, self.faults)

    def _place(self, node: yaml.Node | None) -> str:
        return f"{self.path}:{line_of(node) if node is not None else 1}"

    def _wrong(self, node: yaml.Node | None, problem: str) -> None:
        self.faults.append(Fault(line_of(node) if node is not None else 1, problem))


def _names(text: str) -> frozenset[str]:
    try:
        return Template.of(text).names
    except PlaceError:  # told already
        return frozenset()

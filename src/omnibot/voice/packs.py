"""Voice packs: how one language says every move, in each register, manner and length; TOML files in a folder each.

    [close.thanks]
    casual.friendly = ["You're welcome.", "Any time."]
    casual.professional = ["You're welcome."]
    formal = ["You are welcome."]                       # friendly or professional

A register has a list of wordings, or a table with `friendly` and `professional`, each a list or a table again, and
with `short` and `long`. Which of several is said follows from what was said last, and from the turn.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

from omnibot.model import Length, Manner, MoveKind, Preferences, Register, Value
from omnibot.model.values import frozen
from omnibot.places import FORMS, Place, PlaceError, Template
from omnibot.voice.moves import ALWAYS, MOVES, NAMES, PREFERRED, Topic
from omnibot.voice.values import DAYS, RELATIONS, Clock, Days, Language, Ordinals

__all__ = ["Pack", "Style", "VoiceError", "Voices"]

Values = Mapping[str, Value]


class VoiceError(Exception):
    """Voice packs need correcting; tells all faults at once, each with its file and line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["these voice packs need correcting by whoever writes that folder:", *faults]))
        self.faults = tuple(faults)


@frozen
class Style:
    """Which of a move's wordings are used."""

    register: Register
    manner: Manner
    length: Length | None = None  # None: as long as it is usual

    @property
    def index(self) -> int:
        """Its place in the cells of a move."""
        return _INDEX[self.register, self.manner, self.length]


_HANDOFF = f"{MoveKind.HANDOFF}."
_STYLES = [Style(*each) for each in product(Register, Manner, (None, *Length))]
_INDEX = {(style.register, style.manner, style.length): index for index, style in enumerate(_STYLES)}


@frozen
class _Wording:
    """One way to say something."""

    template: Template
    needs: frozenset[str]  # places that are not always filled
    preferred: int  # of them, such as are said wherever they are known
    capital: bool  # whether it begins with a value that is not written as it must stay, such as a name

    @classmethod
    def of(cls, template: Template) -> _Wording:
        needs = _needs(template.names)
        told = {"name" if name in NAMES else name for name in needs}
        first = template.parts[0] if template.parts else ""
        capital = isinstance(first, Place) and first.name not in _AS_WRITTEN
        return cls(template, needs, len(told & PREFERRED), capital)


@lru_cache(maxsize=1024)
def _needs(names: frozenset[str]) -> frozenset[str]:
    """Of the places of a wording; most have the same few, and one set of them is enough for all."""
    return names - ALWAYS


_AS_WRITTEN = NAMES | {"company", "bot", "code", "address", "title", "file", "contact"}
_Cell = tuple[_Wording, ...]
_Node: TypeAlias = "list[_Wording] | dict[str, _Node]"  # wordings, or those of each manner and length


@dataclass(frozen=True)
class Pack:
    """How one language says everything."""

    code: str  # ISO 639-1
    register: Register  # for whom nothing else is known
    manner: Manner
    language: Language
    moves: Mapping[str, tuple[_Cell, ...]]  # by `kind.topic`, in the order of styles
    channels: Mapping[str, Mapping[str, str]]
    languages: Mapping[str, str]
    emoji: Mapping[str, tuple[str, ...]]  # by `kind.topic`

    def style(self, preferences: Preferences, *, brief: bool) -> Style:
        """The style that somebody likes; where each sign costs, short for whoever has not asked for another."""
        return Style(
            preferences.register or self.register,
            preferences.manner or self.manner,
            preferences.length or (Length.SHORT if brief else None),
        )

    def say(self, name: str, style: Style, variant: int, values: Values, clock: Clock, told: str = "") -> str:
        """One wording with its places filled; raises KeyError for what nobody has put into words.

        Of several that say as much it is the one that was last used longest ago in `told`, our latest words;
        `variant` chooses among those that were not used at all.
        """
        chosen = _sayable(self.moves[name][style.index], values)
        if not chosen:
            raise KeyError(f"{name} has no words for {sorted(values)}")
        first = variant % len(chosen)
        said: list[str] = []
        for one in (*chosen[first:], *chosen[:first]):
            text = self._put(one, values, clock)
            if len(chosen) == 1 or text not in told:
                return text
            said.append(text)
        return min(said, key=told.rfind)

    def _put(self, wording: _Wording, values: Values, clock: Clock) -> str:
        text = self.fill(wording.template, values, clock)
        return text[:1].upper() + text[1:] if wording.capital else text

    def fill(self, template: Template, values: Values, clock: Clock) -> str:
        """A text with its places filled; raises KeyError for a place without a value."""
        return template.fill(partial(self._filled, values, clock))

    def _filled(self, values: Values, clock: Clock, place: Place) -> str:
        value = values[place.name]
        if place.cases is not None:
            return self._counted(place.cases, value, values, clock)
        return value if type(value) is str else self.language.write(value, clock, place.form)

    def _counted(self, cases: Mapping[str, Template], count: Value, values: Values, clock: Clock) -> str:
        if not isinstance(count, int | float):
            raise KeyError(f"a plural of {count!r}, which is no number")
        case = cases.get(f"={count}") or cases.get(self.language.category(count)) or cases["other"]
        return self.fill(case, {**values, "#": count}, clock)

    def promised(self, topic: str, told: str) -> bool:
        """Whether our latest words pass something to people, by a topic's words."""
        # mostly the first of the words, which are the longest, are missing already
        if not told:
            return False
        for words in self.promises[topic]:
            if (not words or words[0] in told) and all([part in told for part in words]):
                return True
        return False

    @cached_property
    def promises(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """What passes something to people, by topic: of each wording what stands between its places, longest first."""
        return {
            name.removeprefix(_HANDOFF): list(dict.fromkeys(_words(wording) for cell in cells for wording in cell))
            for name, cells in self.moves.items()
            if name.startswith(_HANDOFF)
        }

    def channel(self, channel: str) -> Mapping[str, str]:
        """How a channel is spoken of: `by_channel`, `by_channel_place`, `an_address`."""
        return self._spoken_of(channel)

    @cached_property
    def _spoken_of(self) -> Callable[[str], Mapping[str, str]]:
        """Each reply speaks of its channel, and there are few of them; what people call one may be anything."""
        return lru_cache(64)(self._channel)

    def _channel(self, channel: str) -> Mapping[str, str]:
        forms = self.channels.get(channel) or self.channels["other"]
        return {key: form.replace("{channel}", channel.capitalize()) for key, form in forms.items()}


def _words(wording: _Wording) -> tuple[str, ...]:
    parts = [part for part in wording.template.parts if isinstance(part, str)]
    return tuple(sorted(parts, key=len, reverse=True))


def _sayable(cell: _Cell, values: Values) -> Sequence[_Wording]:
    """The wordings whose places can all be filled; of these the ones that say most of what is known."""
    if len(cell) == 1 and not cell[0].needs:
        return cell
    filled = frozenset([name for name, value in values.items() if value != ""])
    known = [wording for wording in cell if wording.needs <= filled]
    if len(known) < 2:
        return known
    most = max([wording.preferred for wording in known])
    return [wording for wording in known if wording.preferred == most]


@dataclass(frozen=True)
class Voices:
    """The packs by language; the first stands in for languages that we do not write."""

    packs: Mapping[str, Pack]

    @classmethod
    def load(cls, folder: Path, languages: Sequence[str] = ()) -> Voices:
        """Read the packs of some languages, or of all that the folder has; raises VoiceError that tells all faults."""
        faults: list[str] = []
        if not folder.is_dir():
            raise VoiceError([f"{folder}: is not a folder; make it, or correct the setting that names it (bot.voice)"])
        wanted = languages or _found(folder)
        packs = {}
        for code in wanted:
            reading = _Reading(folder / code, code, faults)
            if (pack := reading.pack()) is not None:
                packs[code] = pack
        if not (packs or faults):
            faults.append(f"{folder}: has no packs; put a folder for each language into it, such as {folder / 'en'}")
        if faults:
            raise VoiceError(faults)
        return cls(packs)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Those that we write."""
        return tuple(self.packs)

    def __getitem__(self, language: str) -> Pack:
        return self.packs.get(language) or self.packs[self.languages[0]]


def _found(folder: Path) -> list[str]:
    """The languages that a folder has; English first, which more people read than any other."""
    names = [path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    return sorted(names, key=lambda name: (name != "en", name))


# --- reading --------------------------------------------------------------------------------------------------------

_AXES = {**{str(manner): manner for manner in Manner}, "short": None, "long": None}
_CHANNEL_FORMS = ("by_channel", "by_channel_place", "an_address")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_NO_BREAK = "\u00a0"
_TABLES = ("language", "times", "ordinals", "channels", "languages", "emoji")
_PLACES_OF_DAYS = frozenset({"day", "weekday", "time", "hour"})
_PATTERNS = ("day", "day_of_year", "time", "hour")


@dataclass(slots=True)
class _File:
    """One file of a pack, with the lines on which its tables and keys stand."""

    path: Path
    lines: dict[str, int] = field(default_factory=dict)

    def find_lines(self, text: str) -> None:
        header = ""
        for number, line in enumerate(text.splitlines(), 1):
            if found := _HEADER.match(line):
                header = _bare(found[1])
                self.lines.setdefault(header, number)
            elif found := _KEY.match(line):
                self.lines.setdefault(f"{header}.{_bare(found[1])}".lstrip("."), number)

    def place(self, *steps: str) -> str:
        """`file:line` of a key, or of the nearest table around it."""
        for length in range(len(steps), 0, -1):
            if line := self.lines.get(".".join(steps[:length])):
                return f"{self.path}:{line}"
        return f"{self.path}:1"


def _bare(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)


@dataclass(slots=True)
class _Reading:
    """One language's folder."""

    folder: Path
    code: str
    faults: list[str]
    tables: dict[str, tuple[_File, Any]] = field(default_factory=dict)  # by `kind.topic`, or a table's name

    def pack(self) -> Pack | None:
        """The pack; None where something is wrong with it, which is added to the faults."""
        before = len(self.faults)
        if not self.folder.is_dir():
            languages = "or take the language out of bot.languages"
            self.faults.append(
                f"{self.folder}: is missing, so nothing can be said in {self.code!r}; make it, {languages}"
            )
            return None
        for path in sorted(self.folder.glob("*.toml")):
            self._read(path)
        if len(self.faults) > before:
            return None  # what could not be read would be told as missing, too
        moves = {name: cells for name, topic in MOVES.items() if (cells := self._move(name, topic))}
        settings, locale = self._language()
        days, ordinals = self._days(), self._ordinals()
        channels, names, emoji = self._channels(), self._texts("languages"), self._emoji()
        if len(self.faults) > before:
            return None
        return Pack(
            code=self.code,
            register=Register(settings["register"]),
            manner=Manner(settings["manner"]),
            language=Language(locale, days, ordinals),
            moves=moves,
            channels=channels,
            languages=names,
            emoji=emoji,
        )

    def _fault(self, file: _File | None, steps: Sequence[str], text: str) -> None:
        self.faults.append(f"{file.place(*steps) if file else self.folder}: {text}")

    # --- files ---

    def _read(self, path: Path) -> None:
        file = _File(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            file.find_lines(text)
            tables = tomllib.loads(text)
        except OSError as error:
            self.faults.append(f"{path}:1: cannot be read ({error.strerror}); let whoever runs the server read it")
        except UnicodeDecodeError as error:
            self.faults.append(f"{path}:1: is not UTF-8 (byte {error.start}); save it as UTF-8")
        except tomllib.TOMLDecodeError as error:
            line = found[1] if (found := _AT_LINE.search(str(error))) else "1"
            said = _AT_LINE.sub("", str(error)).strip()
            self.faults.append(f"{path}:{line}: is not TOML ({said}); correct that line")
        else:
            for name, table in tables.items():
                self._table(file, name, table)

    def _table(self, file: _File, name: str, table: object) -> None:
        if not isinstance(table, dict):
            self._fault(file, (name,), f"{name!r} stands outside of any table; put it below a line like [close.thanks]")
        elif name in _TABLES:
            self._keep(file, name, table)
        else:
            for topic, registers in table.items():
                if f"{name}.{topic}" in MOVES:
                    self._keep(file, f"{name}.{topic}", registers)
                else:
                    self._fault(
                        file, (name, topic), f"nothing is called {name}.{topic}; {_meant(f'{name}.{topic}', MOVES)}"
                    )

    def _keep(self, file: _File, name: str, table: object) -> None:
        if name in self.tables:
            other = self.tables[name][0]
            self._fault(file, name.split("."), f"[{name}] stands in {other.path.name}, too; keep one")
        else:
            self.tables[name] = (file, table)

    # --- moves ---

    def _move(self, name: str, topic: Topic) -> tuple[_Cell, ...]:
        """The wordings of a move by style; () where something is wrong."""
        file, registers = self.tables.get(name, (None, None))
        steps = tuple(name.split("."))
        if file is None:
            self._fault(None, (), f"has no words for {name}; add [{name}] to one of its files")
            return ()
        if not isinstance(registers, dict):
            self._fault(file, steps, f"[{name}] must have the keys casual and formal")
            return ()
        for key in registers.keys() - set(Register):
            self._fault(file, (*steps, key), f"{name} has {key!r}; there are casual and formal")
        cells: list[_Cell] = []
        for register in Register:
            if register in registers:
                cells += self._cells(file, (*steps, register), registers[register], topic)
            else:
                self._fault(file, steps, f'{name} has no words in the register {register}; add {register} = ["…"]')
        return tuple(cells)

    def _cells(self, file: _File, steps: tuple[str, ...], node: object, topic: Topic) -> Iterator[_Cell]:
        """The wordings of one register, by manner and length."""
        read = self._node(file, steps, node, topic)
        told: set[tuple[str, ...]] = set()
        for manner, length in product(Manner, (None, *Length)):
            wordings = _choose(read, manner, length)
            if wordings is None:
                lacks = (manner,)
                if lacks not in told:
                    action = f'add {manner} = ["…"], or a list for both manners'
                    self._fault(file, steps, f"{'.'.join(steps)} has no words in the manner {manner}; {action}")
                    told.add(lacks)
                continue
            cell = tuple(wordings)
            for case in topic.cases:
                if wordings and not any(wording.needs <= case for wording in cell) and (manner, *case) not in told:
                    told.add((manner, *case))
                    self._fault(file, steps, f"{'.'.join(steps)} ({manner}) {_lacking(cell, case)}")
            yield cell

    def _node(self, file: _File, steps: tuple[str, ...], node: object, topic: Topic) -> _Node:
        """Lists of wordings instead of lists of texts: made once, however many styles they are of."""
        if isinstance(node, list) and node and all(isinstance(text, str) and text.strip() for text in node):
            read = [self._template(file, steps, text, topic) for text in node]
            return [_Wording.of(template) for template in read if template is not None]
        if isinstance(node, dict) and node and node.keys() <= _AXES.keys():
            return {key: self._node(file, (*steps, key), inner, topic) for key, inner in node.items()}
        if isinstance(node, dict):
            strange = sorted(node.keys() - _AXES.keys())
            said = f"has {strange[0]!r}; there are {', '.join(_AXES)}" if strange else "is empty; write some wordings"
        else:
            said = 'must be a list of wordings, none of them empty; write ["…", "…"]'
        self._fault(file, steps, f"{'.'.join(steps)} {said}")
        return []

    def _template(self, file: _File, steps: tuple[str, ...], text: str, topic: Topic) -> Template | None:
        try:
            template = Template.of(self._unbroken(text))
        except PlaceError as error:
            self._fault(file, steps, f"{_short(text)} {error}")
            return None
        if strange := sorted(template.names - topic.places):
            known = ", ".join(f"{{{name}}}" for name in sorted(topic.places))
            self._fault(
                file, steps, f"{_short(text)} has a place {{{strange[0]}}} that nothing fills; there are {known}"
            )
            return None
        return template

    def _unbroken(self, text: str) -> str:
        """With no-break spaces where the language has no line end: French before its question marks."""
        table = self.tables["language"][1] if "language" in self.tables else {}
        before, after = (re.escape(str(table.get(f"no_break_{side}", ""))) for side in ("before", "after"))
        if before:
            text = re.sub(f" (?=[{before}])", _NO_BREAK, text)
        return re.sub(f"(?<=[{after}]) ", _NO_BREAK, text) if after else text

    # --- what else a language has ---

    def _own(self, name: str) -> tuple[_File | None, Mapping[str, Any]]:
        file, table = self.tables.get(name, (None, None))
        if file is None:
            self._fault(None, (), f"has no table [{name}]; add it to one of its files")
        return file, table or {}

    def _language(self) -> tuple[Mapping[str, str], Any]:
        from babel import Locale, UnknownLocaleError

        file, table = self._own("language")
        settings = {"register": str(Register.CASUAL), "manner": str(Manner.FRIENDLY), **table}
        for key, kinds in (("register", Register), ("manner", Manner)):
            if settings[key] not in set(kinds):
                self._fault(file, ("language", key), f"{key} is {settings[key]!r}; there are {', '.join(kinds)}")
        try:
            return settings, Locale.parse(str(settings.get("locale", self.code)))
        except (UnknownLocaleError, ValueError):
            named = settings.get("locale", self.code)
            self._fault(file, ("language", "locale"), f"{named!r} is no locale; write one like {self.code}_XX")
            return settings, None

    def _days(self) -> Days:
        file, table = self._own("times")
        patterns = {key: table.get(key) for key in _PATTERNS}
        if file is not None:
            for key, pattern in patterns.items():
                self._pattern(file, key, pattern)
        words: dict[str, dict[str, Template]] = {}
        for form in DAYS if file is not None else ():
            told = table.get(form)
            words[form] = {}
            for relation in RELATIONS:
                text = told.get(relation) if isinstance(told, dict) else None
                if template := self._of_day(file, form, relation, text):
                    words[form][relation] = template
        return Days(**{key: str(pattern) for key, pattern in patterns.items()}, words=words)

    def _pattern(self, file: _File, key: str, pattern: object) -> None:
        from babel.dates import parse_pattern

        try:
            if not (isinstance(pattern, str) and pattern.strip()):
                raise ValueError("a text is needed")
            parse_pattern(pattern)
        except ValueError as error:
            said = f'times.{key} is no CLDR pattern ({error}); write one like "d MMMM"'
            self._fault(file, ("times", key), said)

    def _of_day(self, file: _File | None, form: str, relation: str, text: object) -> Template | None:
        steps = ("times", form, relation)
        if not isinstance(text, str):
            self._fault(
                file, steps, f"has no words for {'.'.join(steps)} ({FORMS.get(form, 'a day by itself')}); add them"
            )
            return None
        try:
            template = Template.of(text)
        except PlaceError as error:
            self._fault(file, steps, f"{_short(text)} {error}")
            return None
        if strange := sorted(template.names - _PLACES_OF_DAYS):
            known = ", ".join(f"{{{name}}}" for name in sorted(_PLACES_OF_DAYS))
            self._fault(
                file, steps, f"{_short(text)} has a place {{{strange[0]}}} that nothing fills; there are {known}"
            )
        return template

    def _ordinals(self) -> Ordinals:
        file, table = self._own("ordinals")
        words = table.get("words", [])
        others = {key: text for key, text in table.items() if key != "words"}
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            self._fault(
                file, ("ordinals", "words"), 'ordinals.words must be a list; write ["first", "second", "third"]'
            )
        if file is not None and not all(isinstance(text, str) and "{n}" in text for text in others.values()):
            self._fault(file, ("ordinals",), 'ordinals need the number in each text; write other = "{n}th"')
        if file is not None and "other" not in others:
            self._fault(file, ("ordinals",), 'ordinals lack `other`; add other = "{n}th" for all other numbers')
        return Ordinals(tuple(words), others)

    def _channels(self) -> Mapping[str, Mapping[str, str]]:
        file, table = self._own("channels")
        for name, forms in table.items():
            written = forms if isinstance(forms, dict) else {}
            if set(written) != set(_CHANNEL_FORMS) or not all(isinstance(form, str) for form in written.values()):
                wanted = ", ".join(_CHANNEL_FORMS)
                self._fault(file, ("channels", name), f"channels.{name} must have the texts {wanted}")
        if file is not None and "other" not in table:
            self._fault(
                file, ("channels",), "channels lack `other`, for those that are not named; add [channels.other]"
            )
        return table

    def _texts(self, name: str) -> Mapping[str, str]:
        file, table = self._own(name)
        for key, text in table.items():
            if not isinstance(text, str):
                self._fault(file, (name, key), f"{name}.{key} must be a text")
        return table

    def _emoji(self) -> Mapping[str, tuple[str, ...]]:
        file, table = self.tables.get("emoji", (None, {}))
        for name, signs in table.items():
            if name not in MOVES:
                self._fault(file, ("emoji", name), f"nothing is called {name}; {_meant(name, MOVES)}")
            if not (isinstance(signs, list) and signs and all(isinstance(sign, str) for sign in signs)):
                self._fault(file, ("emoji", name), f'emoji.{name} must be a list of emoji; write ["🙂"]')
        return {name: tuple(signs) for name, signs in table.items()}


def _choose(node: _Node, manner: Manner, length: Length | None) -> list[_Wording] | None:
    """What a node has for a manner and a length; None where it has nothing. What is short need not tell manners."""
    if isinstance(node, list):
        return node
    of_length = {Length.SHORT: ("short",), Length.DETAILED: ("long",), None: ()}[length]
    usual: tuple[str, ...] = (manner,) if node.keys() & set(Manner) else ("long", "short")
    for key in (*of_length, *usual):
        if key in node and (chosen := _choose(node[key], manner, length)) is not None:
            return chosen
    return None


def _lacking(cell: _Cell, case: frozenset[str]) -> str:
    """What is wrong with wordings of which none can be said in a case."""
    if all(wording.needs & NAMES for wording in cell) and not case & NAMES:
        return "has no words for whoever has not told their name; add a wording without {name}"
    without = (
        f"without other places than {', '.join(f'{{{name}}}' for name in sorted(case))}" if case else "without any"
    )
    return f"has no wording that can always be said; add one {without}"


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else "take it away"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


@lru_cache(1024)
def template_of(text: str) -> Template:
    """A company's text taken apart; raises PlaceError. Its playbooks were checked when they were read."""
    return Template.of(text)

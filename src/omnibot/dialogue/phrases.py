"""What people say that is not a question about the product: greetings, thanks, wishes about how to be answered.

The forms are in `<language>.toml` beside this module. A form must match a whole clause, so that "how do I answer by
email?" stays a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from functools import cache
from typing import Any

from omnibot.dialogue.addresses import ADDRESS, Named, Replaced
from omnibot.dialogue.hints import Form, Hints, beginnings
from omnibot.dialogue.times_of_day import place_of, quiet_hours, zone_named
from omnibot.dialogue.words import LANGUAGES, Passage, as_words, phrase_data
from omnibot.model import ProofPurpose
from omnibot.model.values import frozen

__all__ = [
    "CLOSING",
    "Alarm",
    "EmojiOnly",
    "Said",
    "Talk",
    "Wanted",
    "Wish",
    "alarm",
    "asks_for_a_person",
    "asks_us_to_act",
    "brings_code",
    "emoji_only",
    "goes_on",
    "is_address_alone",
    "mentions_linking",
    "named",
    "noted",
    "said",
    "says_of_itself",
    "wanted",
    "without_greeting",
]


class Talk(StrEnum):
    """Small talk, by what it wants in return."""

    HELLO = "hello"
    HOW_ARE_YOU = "how_are_you"
    WHO_ARE_YOU = "who_are_you"
    WHAT_CAN_YOU_DO = "help"
    THANKS = "thanks"
    SOLVED = "solved"
    PRAISE = "praise"  # of the product, or of who helped; told by its playbook
    GOODBYE = "goodbye"
    NOTED = "noted"  # "ok": nothing
    LIGHT = "light"  # a joke, the weather
    NOT_HELPED = "not_helped"  # what we said before
    THERE = "there"  # whether anybody is
    SOMETHING_ELSE = "something_else"  # than what they were told or asked


CLOSING = frozenset({Talk.SOLVED, Talk.PRAISE, Talk.THANKS, Talk.GOODBYE})  # a conversation, or a part of it


class Wish(StrEnum):
    """What a customer wants to be different from now on."""

    CHANNEL = "channel"
    LENGTH = "length"
    REGISTER = "register"
    LANGUAGE = "language"
    MANNER = "manner"
    DETAIL = "detail"
    COMPLEXITY = "complexity"
    EMOJI = "emoji"
    ZONE = "zone"
    QUIET = "quiet"
    LEVEL = "level"
    SHOWN = "shown"  # what was noted of all that
    RESET = "reset"


@frozen
class Said:
    """What one clause says: small talk, or a wish with its value; and in which language it is said."""

    what: Talk | Wish
    language: str
    value: str = ""


def said(clause: Passage, language: str = "") -> Said | None:
    """Small talk or a wish, if the clause is nothing else.

    `language` is the one that they are taken to write: a "merci" in German is German, and it is left open whose it is
    where neither they nor one language alone has it.
    """
    if not 0 < len(clause.each) <= _MOST_WORDS:
        return None
    hinted = _hinted(clause)
    if not hinted & _all_hints().said:
        return None
    found: Said | None = None
    for phrases in _spoken(language):
        if not (hinted & phrases.hints.said and (one := phrases.said(clause.words, hinted))):
            continue
        if found is not None:
            return replace(found, language="") if one.what is found.what else found
        if language in ("", one.language):
            return one
        found = one
    return found


def says_of_itself(clause: Passage) -> bool:
    """Whether a clause may be small talk, a wish or a name, and is worth to be asked which; most are not."""
    hinted = _hinted(clause) if clause.hints is None else clause.hints
    return hinted & _of_itself() != 0


@cache
def _of_itself() -> int:
    return _all_hints().said | _all_hints().named


def asks_for_a_person(sentence: Passage) -> bool:
    """Whether a sentence asks for somebody of flesh and blood, whatever else it says."""
    hinted = _hinted(sentence)
    if not hinted & _person():
        return False
    words = sentence.words
    for phrases in _spoken():
        if hinted & phrases.hints.person_anywhere and phrases.person_anywhere.search(spaced := f" {words} "):
            if not phrases.no_person.search(spaced):
                return True
        elif hinted & phrases.hints.person and phrases.person.fullmatch(words):
            return True
    return False


@cache
def _person() -> int:
    return _all_hints().person | _all_hints().person_anywhere


@frozen
class Wanted:
    """What a clause wants linked, unlinked or forgotten: addresses that it names, or a kind of them."""

    purpose: ProofPurpose
    kind: str  # a channel, `number`, `here`, or '' where none is named
    named: Sequence[Named]
    language: str
    odd: bool = False  # it was to be an address, in words that are none


def mentions_linking(sentence: Passage) -> bool:
    """Whether it is worth to look for what is wanted in a sentence without an address in it."""
    if not _hinted(sentence) & _all_hints().linking:
        return False
    words = sentence.words
    return any([stem in words for stem in _stems()])  # a list, which is made faster than a generator


@cache
def _stems() -> tuple[str, ...]:
    return tuple(dict.fromkeys(stem for language in LANGUAGES for stem in _linking(language).stems))


def wanted(clause: Passage, replaced: Replaced | None) -> Wanted | None:
    """What a clause wants linked, unlinked or forgotten, if it is nothing else; its addresses stand as words."""
    if len(clause.each) > _MOST_WORDS:
        return None
    hinted = ~0 if _is_command(clause.text) else _hinted(clause)
    if not hinted & _all_hints().wanted:
        return None
    words = clause.words
    for language in LANGUAGES:
        if hinted & _hints_of(language).wanted and (found := _linking(language).wanted(words, clause.text, replaced)):
            return found
    return None


def _is_command(text: str) -> bool:
    return text.lstrip().startswith("/")


def is_address_alone(clause: Passage) -> bool:
    """Whether a clause is an address and nothing else."""
    if len(clause.each) > _MOST_WORDS:
        return False
    return any(_linking(language).alone.fullmatch(clause.words) for language in LANGUAGES)


def brings_code(clause: Passage) -> bool:
    """Whether a clause says a code."""
    if len(clause.each) > _MOST_WORDS:
        return False
    return any(_linking(language).code.fullmatch(clause.words) for language in LANGUAGES)


class Alarm(StrEnum):
    """What calls for a person whatever else is said."""

    SERIOUS = "serious"  # fraud, lawyers
    UPSET = "upset"


def alarm(message: Passage) -> Alarm | None:
    """Whether a text is serious or upset by its words; a lexicon of moods knows neither lawyers nor Spanish."""
    if not _hinted(message) & _all_hints().alarm:
        return None
    found = None
    for match in _alarms().finditer(f" {message.words} "):
        found = Alarm(match.lastgroup or "")
        if found is Alarm.SERIOUS:
            break
    return found


@cache
def _alarms() -> re.Pattern[str]:
    """What alarms in any language; each kind is a group."""
    forms = {kind: [form for language in LANGUAGES for form in phrase_data(language)["alarm"][kind]] for kind in Alarm}
    return re.compile(as_words(f"(?P<{kind}>{'|'.join(of_kind)})" for kind, of_kind in forms.items()))


def asks_us_to_act(sentence: Passage) -> bool:
    """Whether a sentence wants something done for its writer rather than told."""
    hinted = _hinted(sentence)
    if not hinted & _all_hints().do_it:
        return False
    words = sentence.words
    return any(hinted & phrases.hints.do_it and phrases.do_it.fullmatch(words) for phrases in _spoken())


def goes_on(sentence: Passage) -> bool:
    """Whether a few words ask on from an answer: "and for a year?"."""
    if not sentence.text.rstrip().endswith("?") or len(sentence.each) > _FEW_WORDS:
        return False
    return any(phrases.goes_on.fullmatch(sentence.words) for phrases in _spoken())


def named(clause: Passage) -> str | None:
    """The name that a clause asks to be called by; None when it asks no such thing, or no such name can be."""
    hinted = _hinted(clause)
    if not hinted & _all_hints().named:
        return None
    text = clause.text.strip().strip("¡!¿?.")
    for phrases in _spoken():
        if hinted & phrases.hints.named and (name := phrases.named(text)):
            return name
    return None


def without_greeting(clause: Passage, language: str = "") -> tuple[str, Passage]:
    """The language of a greeting that a clause begins with ('' without one), and the rest of the clause.

    `language`: theirs, if the greeting is one in it.
    """
    if not clause.each or clause.each[0][:_BEGINNING] not in _greets():
        return "", clause
    for phrases in _spoken(language):
        if match := phrases.greeting.match(clause.text):
            return phrases.language, Passage(clause.text[match.end() :].strip(" ,.!¡-–—"))
    return "", clause


_BEGINNING = 2  # letters, as many as the shortest greeting has


@cache
def _greets() -> frozenset[str]:
    """How the words begin that greetings begin with, in any language."""
    forms = (form for language in LANGUAGES for form in phrase_data(language)["greeting"]["forms"])
    return frozenset(word[:_BEGINNING] for word in beginnings(forms))


class EmojiOnly(StrEnum):
    """What a message without words shows."""

    GLAD = "glad"  # a thumb, a heart, a smile
    HELLO = "hello"  # a hand that waves
    CROSS = "cross"  # an angry face, a thumb down
    OTHER = "other"


def emoji_only(message: Passage) -> EmojiOnly | None:
    """What a message of nothing but signs shows; None for one with words, or with nothing."""
    if message.each or not message.text.strip():
        return None
    shown = (kind for kind, signs in _SHOWN.items() if not signs.isdisjoint(message.text))
    return next(shown, EmojiOnly.OTHER)


_MOST_WORDS = 16  # of a wish
_FEW_WORDS = 7  # of a question that goes on
_SHOWN: Mapping[EmojiOnly, frozenset[str]] = {  # the weightiest first
    EmojiOnly.CROSS: frozenset("😡🤬😠👿💢😤👎🖕"),
    EmojiOnly.GLAD: frozenset("👍👌🙏❤💙💚💛🧡💜🤍😊🙂😀😃😄😁😍🥰🎉🙌👏✅💯🤗😇🤝✨☺"),
    EmojiOnly.HELLO: frozenset("👋🙋"),
}
_LONGEST_NAME = 40  # characters
_NAME = re.compile(r"[^\W\d_]+(?:[.’'-][^\W\d_]+)*\.?(?: [^\W\d_]+(?:[.’'-][^\W\d_]+)*\.?){0,3}")


@frozen
class _Kind:
    """The forms of one thing that a clause may say."""

    hint: int
    forms: re.Pattern[str]
    what: Talk | Wish
    value: str  # '' where it is named, or there is none


@frozen
class _Phrases:
    """The forms of one language, compiled."""

    language: str
    hints: _Hints
    kinds: Mapping[int, _Kind]  # by its hint, a bit; of two that a clause may be the one with the lower comes first
    channel: re.Pattern[str]
    channels: Mapping[str, str]
    named_language: re.Pattern[str]
    languages: Mapping[str, str]
    person: re.Pattern[str]
    person_anywhere: re.Pattern[str]
    no_person: re.Pattern[str]
    do_it: re.Pattern[str]
    goes_on: re.Pattern[str]
    call_me: re.Pattern[str]
    no_names: frozenset[str]
    greeting: re.Pattern[str]
    until: re.Pattern[str]
    night: re.Pattern[str]

    def said(self, words: str, hinted: int) -> Said | None:
        left = hinted & self.hints.said
        while left:
            kind = self.kinds[left & -left]
            if kind.forms.fullmatch(words):
                return self._as_said(kind, words)
            left &= left - 1
        return None

    def _as_said(self, kind: _Kind, words: str) -> Said:
        what, value = kind.what, kind.value
        # The last one is meant: "text me the answer by email".
        if what is Wish.CHANNEL and not value:
            value = self.channels[self.channel.findall(words)[-1]]
        elif what is Wish.LANGUAGE:
            value = self.languages[self.named_language.findall(words)[-1]]
        elif what is Wish.QUIET and not value:
            value = quiet_hours(words, self.until, self.night)
        elif what is Wish.ZONE:
            value = zone_named(words)
        return Said(what, self.language, value)

    def named(self, clause: str) -> str | None:
        match = self.call_me.fullmatch(clause)
        return self._as_name(match["name"]) if match else None

    def _as_name(self, text: str) -> str | None:
        """A name as it should be written; None for what is none (a time, a link, markup, a sentence)."""
        text = " ".join(text.split()).strip(" \"'“”«».,;:!")
        if len(text) > _LONGEST_NAME or not _NAME.fullmatch(text):
            return None
        if any(word in self.no_names for word in text.casefold().split()):
            return None
        return text.title() if text.islower() else text


@frozen
class _Linking:
    """The forms in which one language speaks of addresses that belong together."""

    language: str
    stems: tuple[str, ...]
    forms: Mapping[ProofPurpose, re.Pattern[str]]
    commands: Mapping[ProofPurpose, re.Pattern[str]]
    odd: re.Pattern[str]
    noun: re.Pattern[str]
    nouns: Mapping[str, str]
    alone: re.Pattern[str]
    code: re.Pattern[str]

    def wanted(self, words: str, text: str, replaced: Replaced | None) -> Wanted | None:
        named = replaced.in_words(words) if replaced else []
        patterns = self.commands if _is_command(text) else self.forms
        for purpose, pattern in patterns.items():
            if pattern.fullmatch(words):
                return Wanted(purpose, self._kind(words), named, self.language)
        if self.odd.fullmatch(words):
            return Wanted(ProofPurpose.LINK, self._kind(words), (), self.language, odd=True)
        return None

    def _kind(self, words: str) -> str:
        """The first that is named; "here" only where nothing else is: "link my number to this chat"."""
        kinds = [self.nouns[noun] for noun in self.noun.findall(words)]
        return next((kind for kind in kinds if kind != "here"), kinds[0] if kinds else "")


@cache
def _linking(language: str) -> _Linking:
    data = phrase_data(language)["linking"]
    nouns: Mapping[str, str] = data["nouns"]
    places = {
        "noun": _any(nouns),
        "address": ADDRESS,
        **{place: data[place] for place in ("adjective", "tail", "account")},
    }

    def form(text: str) -> str:
        while "<" in (filled := re.sub(r"(?<!P)<(\w+)>", lambda place: places[place[1]], text)) and filled != text:
            text = filled
        return filled

    around, asking, more = phrase_data(language)["around"], data["asking"], data["more"]
    before, behind = rf"(?:(?:{around}|{asking}) )*", rf"(?: (?:{around}|{more}))*"

    def compiled(forms: Iterable[str]) -> re.Pattern[str]:
        return re.compile(f"{before}(?:{form('|'.join(forms))}){behind}")

    command = form(r"(?:{})(?: \w+bot)?(?: (?:my|mi|this|este|esta))?(?: <noun>)?(?: <address>)?(?: .*)?")
    return _Linking(
        language=language,
        stems=tuple(data["stems"]),
        forms={purpose: compiled(data[purpose]) for purpose in ProofPurpose},
        commands={purpose: re.compile(command.replace("{}", _COMMANDS[purpose])) for purpose in ProofPurpose},
        odd=compiled(data["odd"]),
        noun=re.compile(rf"\b{_any(nouns)}\b"),
        nouns=nouns,
        alone=re.compile(f"{before}{form(data['alone'])}{behind}"),
        code=re.compile(f"{before}{data['code']}{behind}"),
    )


_COMMANDS = {
    ProofPurpose.LINK: "link|vincular|enlazar",
    ProofPurpose.UNLINK: "unlink|desvincular|desenlazar",
    ProofPurpose.FORGET: "forget|olvidar",
}


@cache
def _spoken(first: str = "") -> tuple[_Phrases, ...]:
    """The forms of all languages, those of one before the others."""
    return tuple(map(_phrases, sorted(LANGUAGES, key=lambda language: language != first)))


@cache
def _phrases(language: str) -> _Phrases:
    data = phrase_data(language)
    words = _places(data)

    def form(forms: Iterable[str]) -> str:
        return "|".join(_filled(forms, words))

    before, behind, hint = _before(data), _behind(data), _hints().bits
    wishes = [
        _Kind(hint[f"{kind} {language}"], re.compile(f"{before}(?:{form(forms)}){behind}"), *_wish(kind))
        for kind, forms in data["wishes"].items()
    ]
    talk = [
        _Kind(hint[f"{kind} {language}"], re.compile(form(forms)), Talk(kind), "")
        for kind, forms in data["talk"].items()
    ]
    name, greeting, person = data["name"], data["greeting"], data["person"]
    besides = "|".join(name["around"])
    return _Phrases(
        language=language,
        hints=_hints_of(language),
        kinds={kind.hint: kind for kind in (*wishes, *talk)},
        channel=re.compile(rf"\b{words['channel']}\b"),
        channels=data["channels"],
        named_language=re.compile(rf"\b{words['language']}\b"),
        languages=data["languages"],
        person=re.compile(form(person["alone"])),
        person_anywhere=re.compile(as_words([form(person["anywhere"])])),
        no_person=re.compile(as_words([form(person["never"])])),
        do_it=re.compile(data["ask"]["do_it"]),
        goes_on=re.compile(data["ask"]["goes_on"]),
        call_me=re.compile(
            rf"(?:(?:{besides})[,\s]+)*(?:{'|'.join(name['asks'])})\s+(?P<name>.{{1,60}}?)(?:[,\s]+(?:{besides}))*",
            re.IGNORECASE,
        ),
        no_names=frozenset(name["never"].split()),
        greeting=re.compile(
            rf"\s*¡?(?:{'|'.join(greeting['forms'])})\b(?:\s+(?:{'|'.join(greeting['vocatives'])})\b)*", re.IGNORECASE
        ),
        until=re.compile(rf"\b{data['quiet']['until']}$"),
        night=re.compile(rf"\b{data['quiet']['night']}\b"),
    )


def _places(data: Mapping[str, Any]) -> Mapping[str, str]:
    """What stands for the places of forms."""
    return {**data["words"], "channel": _any(data["channels"]), "language": _any(data["languages"])}


def _before(data: Mapping[str, Any]) -> str:
    """What may stand before a wish."""
    around, asking = data["around"], data["asking"]
    return rf"(?:(?:{around}) )*(?:(?:{asking}) )?(?:(?:{around}) )*"


def _behind(data: Mapping[str, Any]) -> str:
    """What may stand behind one."""
    return f"(?: (?:{data['around']}))*"


def _filled(forms: Iterable[str], places: Mapping[str, str]) -> list[str]:
    return [re.sub(r"<(\w+)>", lambda place: places[place[1]], form) for form in forms]


# --- what need not be tried ---


@frozen
class _Hints:
    """The bits of what may be said in one language, or in any."""

    said: int  # of all wishes and small talk
    person: int
    person_anywhere: int
    named: int
    do_it: int
    linking: int
    wanted: int
    alarm: int


def _hinted(passage: Passage) -> int:
    if passage.hints is None:
        passage.hints = _hints().of(passage.each)
    return passage.hints


@cache
def _hints() -> Hints:
    common = {word for language in LANGUAGES for word in phrase_data(language)["search"]["ignored"].split()}
    return Hints([form for language in LANGUAGES for form in _forms(language)], common)


@cache
def _hints_of(language: str) -> _Hints:
    bits, data = _hints().bits, phrase_data(language)
    said = sum(bits[f"{kind} {language}"] for kind in (*data["wishes"], *data["talk"]))
    others = [kind.name for kind in fields(_Hints) if kind.name != "said"]
    return _Hints(said=said, **{name: bits[f"{name} {language}"] for name in others})


@cache
def _all_hints() -> _Hints:
    each = list(map(_hints_of, LANGUAGES))
    return _Hints(**{kind.name: sum(getattr(one, kind.name) for one in each) for kind in fields(_Hints)})


def _forms(language: str) -> Iterator[Form]:
    """All that is said in a language, by what it may be known by."""
    data = phrase_data(language)
    places = _places(data)

    def of(*groups: Iterable[str]) -> list[str]:
        return [form for forms in groups for form in _filled(forms, places)]

    for kind, forms in data["wishes"].items():
        yield Form(f"{kind} {language}", of(forms), before=_before(data), behind=_behind(data))
    for kind, forms in data["talk"].items():
        yield Form(f"{kind} {language}", of(forms))
    yield Form(f"person {language}", of(data["person"]["alone"]))
    yield Form(f"person_anywhere {language}", anywhere=_whole_words(of(data["person"]["anywhere"])))
    yield Form(f"named {language}", anywhere=data["name"]["asks"])
    yield Form(f"do_it {language}", [data["ask"]["do_it"]])
    yield Form(f"linking {language}", anywhere=data["linking"]["stems"])
    linking = _linking(language)
    yield Form(f"wanted {language}", [form.pattern for form in (*linking.forms.values(), linking.odd)])
    yield Form(f"alarm {language}", anywhere=_whole_words(of(*data["alarm"].values())))


def _whole_words(forms: Iterable[str]) -> list[str]:
    return [f" {form} " for form in forms]


def noted(language: str, wish: str, value: str) -> str:
    """How it is spoken of what was noted of somebody, in a language; '' where there are no words for it."""
    data = phrase_data(language if language in LANGUAGES else LANGUAGES[0])
    forms: Mapping[str, str] = data["noted"]
    if exact := forms.get(f"{wish} {value}"):
        return exact
    return forms.get(wish, "").format(value=_as_written(data, wish, value))


_CALLED = {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp"}


def _as_written(data: Mapping[str, Any], wish: str, value: str) -> str:
    match wish:
        case Wish.CHANNEL:
            return _CALLED.get(value, value.capitalize())
        case Wish.LANGUAGE:
            return data["noted_languages"].get(value, value)  # type: ignore[no-any-return]
        case Wish.ZONE:
            return place_of(value)
        case _:
            return value.replace("-", "–")


def _any(names: Iterable[str]) -> str:
    """Any of some names; the longest first, since "text" begins "text message"."""
    return f"(?:{'|'.join(sorted(names, key=len, reverse=True))})"


def _wish(kind: str) -> tuple[Wish, str]:
    """`length short` is a wish and its value; `channel` names its value in the phrase."""
    wish, _, value = kind.partition(" ")
    return Wish(wish), value

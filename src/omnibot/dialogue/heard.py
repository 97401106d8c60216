"""A turn as a list of things that were said: small talk, wishes, a name, questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from omnibot.dialogue.addresses import Kind, Named, Replaced, may_name, replaced
from omnibot.dialogue.articles import Article
from omnibot.dialogue.knowledge import Knowledge
from omnibot.dialogue.phrases import (
    Alarm,
    EmojiOnly,
    Said,
    Talk,
    Wish,
    alarm,
    asks_for_a_person,
    asks_us_to_act,
    brings_code,
    emoji_only,
    is_address_alone,
    mentions_linking,
    named,
    said,
    says_of_itself,
    wanted,
    without_greeting,
)
from omnibot.dialogue.search import Found
from omnibot.dialogue.words import Passage, is_mashed
from omnibot.model import Choice, MessageId, ProofPurpose, TurnMessage
from omnibot.model.values import frozen
from omnibot.stems import folded

__all__ = [
    "ARTICLE_CHOICE",
    "INTENT_CHOICE",
    "Answered",
    "Heard",
    "LinkSaid",
    "WishSaid",
    "chosen",
    "is_asked",
    "listen",
    "sentences",
]

ARTICLE_CHOICE = "article:"  # begins the value of a choice that asks for an article
BY_BUTTON = "chosen by a button"
INTENT_CHOICE = "intent:"  # begins the value of one that says what was meant

_LONGEST = 3000  # characters of a message that are searched for questions
_SENTENCES = 16
_CLAUSES = 5


@frozen
class WishSaid:
    """A wish about how to be answered, and the message that it stands in."""

    wish: Wish
    value: str
    source: MessageId


@frozen
class LinkSaid:
    """Somebody wants an address linked, unlinked or forgotten, and the message that it stands in."""

    purpose: ProofPurpose
    kind: str  # a channel, `number`, `here`, or '' where none is named
    source: MessageId
    named: Named | None = None

    @property
    def is_open(self) -> bool:
        """Whether it lacks its address: the next one that is written alone is meant."""
        named = self.named
        return named is None or named.kind is Kind.ODD or (named.kind is Kind.NUMBER and named.text[:1] != "+")


@frozen
class Answered:
    """A question that an article answers."""

    article: Article
    why: str
    to_be_done: bool = False  # they want it done for them


@dataclass(slots=True)
class Heard:
    """Everything that a turn says, in its order."""

    talk: list[Talk] = field(default_factory=list)
    wishes: list[WishSaid] = field(default_factory=list)
    links: list[LinkSaid] = field(default_factory=list)
    code: bool = False  # a code that was not asked for here
    name: tuple[str, MessageId] | None = None
    person: bool = False
    alarms: set[Alarm] = field(default_factory=set)
    answered: list[Answered] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)  # questions and reports that no article answers
    left: list[str] = field(default_factory=list)  # questions without an answer, in one breath with one that has one
    asides: list[str] = field(default_factory=list)  # a few words beside something that was understood
    language: str = ""  # of the phrases, for when the words were too few to tell
    before: Callable[[], Sequence[str]] = tuple  # what they wrote before, the latest first; few ask for it
    to_be_done: bool = False  # they want something done for them that no article tells of
    meant: str = ""  # the intent that they chose of those that we offered

    @property
    def matters(self) -> bool:
        """Whether anything was asked or reported, answered or not."""
        return bool(self.answered or self.unanswered)

    @property
    def understood(self) -> bool:
        """Whether anything was made of the turn."""
        return bool(self.talk or self.wishes or self.links or self.code or self.name or self.person or self.answered)


def listen(
    messages: Sequence[TurnMessage], knowledge: Knowledge, language: str, before: Callable[[], Sequence[str]] = tuple
) -> Heard:
    """Take a turn's messages apart; questions are looked up in the knowledge, each article once.

    `before` tells what they wrote before this turn, the latest first: an address alone may complete it.
    """
    heard = Heard(before=before)
    loose: list[_Loose] = []
    for message in messages:
        if pressed := _pressed(message, knowledge, language):
            _add(heard, pressed)
            continue
        whole = Passage((message.text or message.pressed)[:_LONGEST])
        if alarmed := alarm(whole):
            heard.alarms.add(alarmed)
        if shown := emoji_only(whole):
            _note_shown(shown, whole, heard)
            continue
        for sentence in _sentences(whole):
            if rest := _without_links(sentence, message, heard):
                loose += _hear(rest, message, heard, knowledge, language)
    _answer(loose, heard, knowledge, language)
    return heard


def _note_shown(shown: EmojiOnly, message: Passage, heard: Heard) -> None:
    match shown:
        case EmojiOnly.GLAD:
            heard.talk.append(Talk.NOTED)
        case EmojiOnly.HELLO:
            heard.talk.append(Talk.HELLO)
        case EmojiOnly.CROSS:
            heard.alarms.add(Alarm.UPSET)
        case EmojiOnly.OTHER:
            heard.asides.append(message.text)


_LONGEST_CHOICE = 200  # characters
_NUMBER = re.compile(r"\W*(\d{1,2})\W*")  # "2", "2.", "#2", "(2)", "2️⃣"


def chosen(text: str, choices: Sequence[Choice]) -> Choice | None:
    """The choice that somebody means who writes its number or its label instead of pressing it."""
    if not choices or len(text) > _LONGEST_CHOICE:
        return None
    if number := _NUMBER.fullmatch(text):
        place = int(number[1])
        return choices[place - 1] if 1 <= place <= len(choices) else None
    said = folded(text)
    return next((choice for choice in choices if folded(choice.label) == said), None)


@frozen
class _Loose:
    """What is left of a sentence when small talk and wishes are taken out: it may be a question."""

    passage: Passage
    clauses: Sequence[Passage]

    @property
    def is_question(self) -> bool:
        """Whether it begins or ends as one."""
        return _is_asking(self.passage.text)


_SENTENCE_END = re.compile(r"(?<=[.!?…;])\s")
_NUMBERED = re.compile(r"(?<=[.!?…;])\s|\s(?=\(?[2-9]\)\s)")  # "1) how do I … 2) what does …"
# What case does not matter to is compared slowly: words that begin with another letter are passed over before.
_CLAUSE_END = re.compile(
    r"[,:–—]\s+|\s(?=[-aAbByYpPuUeEmM])(?i:-+|and then|and|also|but|y|pero|además|und|aber|außerdem|et|mais)\s+"
)
_BEGINS = re.compile(
    r"\s*¿|\s*(?:how|what|why|where|when|who|which|can|could|do|does|did|is|are|will|would|should"
    r"|i need|i want|c[oó]mo|qu[eé]|por qu[eé]|d[oó]nde|cu[aá]ndo|cu[aá]l|cu[aá]nto|puedo|necesito|quiero"
    r"|wie|was|warum|wieso|wo|wann|wer|welche[rsnm]?|kann ich|kannst|k[oö]nnen|ich brauche|ich m[oö]chte"
    r"|comment|pourquoi|quand|combien|quelle?s?|puis-je|est-ce que|qu'est-ce|j'ai besoin|je voudrais)\b",
    re.IGNORECASE,
)


def _is_asking(text: str) -> bool:
    return is_asked(text) or _BEGINS.match(text) is not None


_COMMAND = re.compile(r"/\w+(?:@\w+)?")  # a menu's: one that we do not know asks what there is


def _sentences(message: Passage) -> list[Passage]:
    """At most so many sentences, each with single spaces: long runs of them cost the expressions their square."""
    sentences = [
        sentence
        for line in message.text.splitlines()
        if (words := line.split())
        for sentence in (_NUMBERED if ") " in line else _SENTENCE_END).split(" ".join(words))
    ]
    if len(sentences) == 1:
        return [Passage(sentences[0], message.each, message.hints)]
    return list(map(Passage, sentences[:_SENTENCES]))


def is_asked(text: str) -> bool:
    """Whether a text that nothing answers ends as a question."""
    return text.rstrip().endswith("?")


def sentences(text: str) -> list[str]:
    """A text sentence by sentence, as they are listened to."""
    return [sentence.text for sentence in _sentences(Passage(text[:_LONGEST]))]


def _clauses(sentence: Passage) -> Sequence[Passage]:
    if sentence.clauses is None:
        parts = _CLAUSE_END.split(sentence.text, maxsplit=_CLAUSES)
        clauses = [clause for part in parts if (clause := part.strip())]
        sentence.clauses = [sentence] if clauses == [sentence.text] else list(map(Passage, clauses))
    return sentence.clauses


def _hear(sentence: Passage, message: TurnMessage, heard: Heard, knowledge: Knowledge, language: str) -> list[_Loose]:
    """Note what is understood of a sentence; return what is not."""
    if asks_for_a_person(sentence):
        heard.person = True
        return []
    if _note(sentence, message, heard, language):
        return []
    clauses = _clauses(sentence)
    left = (
        [clause for clause in clauses if not _note(clause, message, heard, language)] if len(clauses) > 1 else clauses
    )
    if not left:
        return []
    whole = left == clauses
    greeted, first = without_greeting(left[0], language)
    if greeted:
        whole = False
        heard.talk.append(Talk.HELLO)
        heard.language = heard.language or greeted
        left = [first, *left[1:]] if first.text and not _is_vocative(first, knowledge, language) else left[1:]
        if left and _note(left[0], message, heard, language):
            left = left[1:]
        if not left:
            return []
    if not whole:
        sentence = left[0] if len(left) == 1 else Passage(" ".join(clause.text for clause in left))
    return [_Loose(sentence, left)]


_COMMANDED = re.compile(r"(\s*/\w+)@\w+")  # "/link@ourbot", as groups have it


def _without_links(sentence: Passage, message: TurnMessage, heard: Heard) -> Passage | None:
    """A sentence without what it says about addresses that belong together; None when nothing is left."""
    names, text = None, sentence.text
    if command := text.lstrip().startswith("/"):
        text = _COMMANDED.sub(r"\1", text)
    if may_name(text):
        if brings_code(sentence):
            heard.code = True
            return None
        names = replaced(text)
    if not (names or command or mentions_linking(sentence)):
        return sentence
    whole = Passage(names.text if names else text) if names or command else sentence
    clauses = _clauses(whole)
    if _note_link(whole, names, message, heard) or _note_greeted_link(whole, names, message, heard):
        return None
    left = [clause for clause in clauses if not _note_link(clause, names, message, heard)]
    if len(left) == len(clauses):
        return sentence
    rest = " ".join(clause.text for clause in left)
    return Passage(names.restored(rest) if names else rest) if left else None


def _note_greeted_link(clause: Passage, names: Replaced | None, message: TurnMessage, heard: Heard) -> bool:
    """The "Hola" of "Hola mi correo es …"."""
    greeted, rest = without_greeting(clause)
    if not (greeted and rest.text and _note_link(rest, names, message, heard)):
        return False
    heard.talk.append(Talk.HELLO)
    return True


def _note_link(clause: Passage, names: Replaced | None, message: TurnMessage, heard: Heard) -> bool:
    """Keep what a clause wants linked, unlinked or forgotten."""
    if names and is_address_alone(clause):
        return _complete(names.in_words(clause.words)[0], message, heard)
    found = wanted(clause, names)
    if found is None:
        return False
    named: Sequence[Named | None] = [Named(Kind.ODD, "")] if found.odd else found.named or [None]
    heard.links += [LinkSaid(found.purpose, found.kind, message.id, one) for one in named]
    heard.language = heard.language or found.language
    return True


def _complete(named: Named, message: TurnMessage, heard: Heard) -> bool:
    """An address alone is the one that was lacking: in what they said just now, or before we asked for it."""
    if heard.links and heard.links[-1].is_open:
        lacking = heard.links.pop()
    elif earlier := _open_before(heard.before(), message):
        lacking = earlier
    else:
        return False
    heard.links.append(replace(lacking, named=named, source=message.id))
    return True


def _open_before(texts: Sequence[str], message: TurnMessage) -> LinkSaid | None:
    """What was wanted and lacks its address, in what they wrote last; addresses that were none may stand between."""
    for text in texts:
        before = Heard()
        whole = Passage(text[:_LONGEST])
        left = [each for sentence in _sentences(whole) if (each := _without_links(sentence, message, before))]
        if before.links:
            return before.links[-1] if before.links[-1].is_open else None
        names = replaced(text[:_LONGEST])
        if not left or names is None or not is_address_alone(Passage(names.text)):
            return None
    return None


def _is_vocative(passage: Passage, knowledge: Knowledge, language: str) -> bool:
    """The "Max" of "Hi Max": a word or two that ask nothing."""
    words = passage.text.split()
    return len(words) <= 2 and "?" not in passage.text and not any(knowledge.knows(word, language) for word in words)


def _note(clause: Passage, message: TurnMessage, heard: Heard, language: str) -> bool:
    """Keep what a clause says, if it is small talk, a wish or a name."""
    if not says_of_itself(clause):
        return False
    if name := named(clause):
        heard.name = (name, message.id)
        return True
    match said(clause, language):
        case Said(Talk() as talk, spoken):
            heard.talk.append(talk)
        case Said(Wish() as wish, spoken, value):
            heard.wishes.append(WishSaid(wish, value, message.id))
        case _:
            return False
    heard.language = heard.language or spoken
    return True


def _pressed(message: TurnMessage, knowledge: Knowledge, language: str) -> Answered | None:
    if not message.pressed.startswith(ARTICLE_CHOICE):
        return None
    article = knowledge.article(message.pressed.removeprefix(ARTICLE_CHOICE), language)
    return Answered(article, BY_BUTTON) if article else None


def _answer(loose: Sequence[_Loose], heard: Heard, knowledge: Knowledge, language: str) -> None:
    """Look up what is left, sentence by sentence, else as a whole: people cut one question into several messages."""
    missed: list[_Loose] = []
    for sentence in loose:
        parts = _parts(sentence, knowledge, language)
        found = _found(sentence, parts, knowledge, language)
        to_be_done = asks_us_to_act(sentence.passage)
        for each in found:
            _add(heard, _answered(each, to_be_done=to_be_done))
        if len(found) == 1:
            heard.left += _second_questions(sentence, parts, language)
        if not found:
            missed.append(sentence)
            heard.to_be_done |= to_be_done
    if missed and len(loose) > 1 and not heard.answered:
        together = knowledge.find(" ".join(sentence.passage.text for sentence in missed), language)
        if together:
            _add(heard, _answered(together))
            return
    for sentence in missed:
        text = sentence.passage.text
        if _COMMAND.fullmatch(text):
            heard.talk.append(Talk.WHAT_CAN_YOU_DO)
            continue
        if is_mashed(sentence.passage):
            continue
        matters = len(set(sentence.passage.content(language)))
        if len(sentence.clauses) > 1 and len(asked := _asked(sentence, language)) > 1:
            heard.unanswered += [f"{clause.text.rstrip(' ?')}?" for clause in asked]
            continue
        if heard.answered and not (matters and sentence.is_question):
            heard.asides.append(text)  # context of what was answered
        elif heard.answered and any(
            knowledge.is_within(sentence.passage, one.article.id, language) for one in heard.answered
        ):
            heard.asides.append(text)  # the same once more: "My bill is higher. Did anything change?"
        elif matters <= 2 and heard.understood and not sentence.is_question:
            heard.asides.append(text)  # a signature, a name
        else:
            heard.unanswered.append(text)


def _asked(sentence: _Loose, language: str) -> list[Passage]:
    """The clauses of a sentence that ask something of their own: of "can I change it, with which I …?" the first."""
    asking = [clause for clause in sentence.clauses if _is_asking(clause.text) and clause.content(language)]
    return [clause for clause in asking if _BEGINS.match(clause.text)] or asking


def _second_questions(sentence: _Loose, parts: Mapping[Passage, Found], language: str) -> list[str]:
    """What is asked in one breath with what one article answers, and has none: "how do I invite, and how … ?"."""
    if len(sentence.clauses) < 2:
        return []
    asked = _asked(sentence, language)
    left = [clause.text for clause in asked if clause not in parts]
    return left if len(left) < len(asked) > 1 else []


def _parts(sentence: _Loose, knowledge: Knowledge, language: str) -> Mapping[Passage, Found]:
    """What answers the clauses of a sentence, where it has several."""
    if len(sentence.clauses) < 2:
        return {}
    return {clause: found for clause in sentence.clauses if (found := knowledge.about(clause, language))}


def _found(sentence: _Loose, parts: Mapping[Passage, Found], knowledge: Knowledge, language: str) -> list[Found]:
    """Two questions in one sentence are two; otherwise the sentence is looked up as it stands."""
    if len(parts) > 1 and len({part.article.id for part in parts.values()}) > 1:
        return list(parts.values())
    whole = knowledge.about(sentence.passage, language)
    if not parts:
        return [whole] if whole else []
    best = max((whole, *parts.values()) if whole else parts.values(), key=_score, default=None)
    return [best] if best else []


def _score(found: Found) -> float:
    return found.score


def _answered(found: Found, *, to_be_done: bool = False) -> Answered:
    return Answered(found.article, f"score {found.score:.2f} by {', '.join(found.matched)}", to_be_done)


def _add(heard: Heard, answered: Answered) -> None:
    if answered.article.id not in [other.article.id for other in heard.answered]:
        heard.answered.append(answered)

"""What a message names: orders, invoices, products, plans, versions, error codes, amounts and dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING

from omnibot.model import Entity, NamedTime, TimeKind
from omnibot.model.values import frozen
from omnibot.understanding.utterance import Utterance

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.pipeline import EntityRuler
    from spacy.tokens import Doc

__all__ = ["Catalogue", "Entities", "Place"]

_MOST = 50  # entities of one message
Place = tuple[int, int]  # characters: from, to


@frozen
class Catalogue:
    """What the company calls its things, as its settings have it.

    `spellings` has by a product's or plan's name how else people write it; `patterns` has by label expressions for what
    else is to be found (the value is the first group, or all of it).
    """

    products: Sequence[str] = ()
    plans: Sequence[str] = ()
    spellings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def names(self) -> Iterator[tuple[str, str, str]]:
        """Label, name and one of its spellings, for every spelling."""
        for label, names in (("product", self.products), ("plan", self.plans)):
            for name in names:
                for spelling in (name, *self.spellings.get(name, ())):
                    yield label, name, spelling


class Entities:
    """A spaCy EntityRuler for what the company names; for numbers, the words before them.

    E-mail addresses and phone numbers are left to who compares them with their proof: a reading is kept, and would be
    one more place for them. So are numbers that may be a payment card's.
    """

    def __init__(self, pipeline: Language, catalogue: Catalogue) -> None:
        self._vocab = pipeline.vocab
        self._ruler = _ruler(pipeline, catalogue)
        cut = [pipeline.make_doc(spelling) for _, _, spelling in catalogue.names()]
        self._beginnings = frozenset(words[0].lower_ for words in cut if len(words))
        self._patterns = [
            (label, re.compile(pattern)) for label, patterns in catalogue.patterns.items() for pattern in patterns
        ]

    def read(self, utterance: Utterance, times: Sequence[NamedTime] = ()) -> tuple[Entity, ...]:
        """What is named, in the order of the text; where two overlap, what the company configured, and dates last."""
        found = list(self._of_the_company(utterance))
        found += _dates(times)
        if utterance.has_figures:
            found += _amounts(utterance)
            found += _numbered(utterance)
        elif _FAILURE_HINT.search(utterance.text):
            found += _failures(utterance)
        return _without_overlaps(found) if len(found) > 1 else tuple(found)

    def _of_the_company(self, utterance: Utterance) -> Iterator[Entity]:
        for label, pattern in self._patterns:
            for match in pattern.finditer(utterance.text):
                start, end = match.span()
                if start < end:
                    value = match[1] if pattern.groups and match[1] else match[0]
                    yield Entity(label, match[0], _spelling(value), start, end)
        if self._ruler is None:
            return
        if utterance.doc is not None:
            doc = self._ruler(utterance.doc)
            places = [(word.idx, word.idx + len(word)) for word in doc]
        elif self._beginnings.isdisjoint(utterance.words):
            return
        else:
            doc, places = self._ruler(self._cut(utterance)), utterance.spans
        for entity in doc.ents:
            if entity.ent_id_:
                start, end = places[entity.start][0], places[entity.end - 1][1]
                yield Entity(entity.label_, utterance.text[start:end], entity.ent_id_, start, end)

    def _cut(self, utterance: Utterance) -> Doc:
        """A document of the words as they are cut for all readers."""
        from spacy.tokens import Doc

        return Doc(self._vocab, words=[utterance.text[start:end] for start, end in utterance.spans])


def _ruler(pipeline: Language, catalogue: Catalogue) -> EntityRuler | None:
    names = list(catalogue.names())
    if not names:
        return None
    from spacy.pipeline import EntityRuler

    class Phrases(EntityRuler):
        """Without the token patterns that there are none of: half the price."""

        def match(self, doc: Doc) -> list[tuple[int, int, int]]:
            longest = sorted(self.phrase_matcher(doc), key=lambda match: (match[1] - match[2], match[1]))
            return [match for match in longest if match[1] < match[2]]

    ruler = Phrases(pipeline, phrase_matcher_attr="LOWER", overwrite_ents=True)
    with pipeline.select_pipes(disable=pipeline.pipe_names):  # names are cut into words, and not read
        ruler.add_patterns([{"label": label, "pattern": spelling, "id": name} for label, name, spelling in names])
    return ruler


def _dates(times: Iterable[NamedTime]) -> Iterator[Entity]:
    for time in times:
        if time.at is not None and time.kind is not TimeKind.DURATION:
            yield Entity("date", time.text, time.at.date().isoformat(), time.start, time.end, time.confidence)


def _without_overlaps(found: Sequence[Entity]) -> tuple[Entity, ...]:
    """The first of those that overlap; dates yield, since what looks like a day may be part of a number."""
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda one: one.label == "date"):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda one: one.start)[:_MOST])


# --- numbers, by the words before them -------------------------------------------------------------------------------

_NUMBER = re.compile(r"\d")
_ORDER, _ERROR, _VERSION = "order", "error_code", "version"


def _words(those: str) -> list[str]:
    return those.split()


def _by_word(**words: str) -> Mapping[str, str]:
    return {word: label for label, those in words.items() for word in _words(those)}


_LABELS = _by_word(
    order="""
        order orders ordernumber purchase booking reservation
        pedido pedidos compra reserva
        bestellung bestellungen bestellnummer bestellnr auftrag auftragsnummer auftragsnr buchung buchungsnummer
        commande commandes réservation
    """,
    invoice="""
        invoice invoices receipt
        factura facturas recibo
        rechnung rechnungen rechnungsnummer rechnungsnr
        facture factures
    """,
    ticket="ticket tickets case incidencia caso ticketnummer vorgang vorgangsnummer dossier incident",
    error_code="""
        error errors err errno http exit
        fehler fehlercode fehlernummer fehlermeldung statuscode
        erreur erreurs
    """,
    version="""
        version versions v ver release build firmware versión
        ios ipados android macos windows ubuntu debian chrome firefox safari python php java
    """,
)
_CALLED = frozenset(_words("# no nr num number numbers nummer número numero núm n nº n° n.º id º °"))
_SAID = frozenset(_words("is was are es ist war est the de der la le"))
_ASIDE = (
    _CALLED | _SAID | frozenset(_words(". : ( [ \" ' ref reference code codes código codigo status with mit message"))
)
_AND = frozenset(_words("and & , y e und et or /"))
_COUNTED = frozenset(
    _words("""
        times time minutes minute hours hour days day weeks week months month people items pieces users x percent %
        veces minutos horas días personas mal minuten stunden tage leute stück fois heures jours personnes
    """)
)
_BACK = 4  # words before a number that are looked at
_CARD = range(13, 20)  # digits of a payment card
_FEWEST_DIGITS = 4
_VERSION_NUMBER = re.compile(r"v?\d+(?:\.\d+)*(?:[.-]?(?:alpha|beta|rc|b|lts)[.-]?\d*)?")
_LONE_VERSION = re.compile(r"v\d+(?:\.\d+)+\S*|\d+\.\d+\.\d+(?:[.-]?(?:alpha|beta|rc)[.-]?\d*)?")
_DAY = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{2}|(?:19|20)\d\d)")
_MEASURE = re.compile(r"\d{1,4}[a-zµ]{1,3}")  # 10am, 12kg, 500mb
_HEXADECIMAL = re.compile(r"0x[0-9a-f]{3,16}")


def _numbered(utterance: Utterance) -> Iterator[Entity]:
    words, may_fail = utterance.words, _FAILURE_HINT.search(utterance.text) is not None
    before: tuple[int, str] | None = None  # the last number, and what it is
    for place in range(len(words)) if may_fail else utterance.odd_words:
        word = words[place]
        if word.isalpha() or not _NUMBER.search(word):
            if may_fail and (failure := _failure(utterance, place)):
                yield failure
            continue
        label, since = _label(words, place)
        if not label and before and _continues(words, before[0], place):
            label = before[1]
        entity = _read_as(label, utterance, place, since) if label else None
        if entity is None:
            entity = _alone(utterance, place)
        if entity is not None:
            before = place, entity.label
            yield entity


def _label(words: Sequence[str], place: int) -> tuple[str, int]:
    """What the words before a number call it, and where they do."""
    for back in range(place - 1, max(-1, place - 1 - _BACK), -1):
        word = words[back]
        if label := _LABELS.get(word):
            return label, back
        if word == "code" and back and words[back - 1] == "status":
            return _ERROR, back
        if word not in _ASIDE:
            break
    return "", place


def _continues(words: Sequence[str], last: int, place: int) -> bool:
    """Whether only an "and" stands between two numbers."""
    between = words[last + 1 : place]
    return 0 < len(between) < _BACK and all(word in _AND or word == "#" for word in between)


def _read_as(label: str, utterance: Utterance, place: int, since: int) -> Entity | None:
    words = utterance.words
    word = words[place]
    if place + 1 < len(words) and words[place + 1] in _COUNTED:
        return None
    if label == _ERROR:
        return _entity(label, utterance, place, _code(word), 0.9)
    if label == _VERSION:
        is_one = _VERSION_NUMBER.fullmatch(word)
        return _entity(label, utterance, place, word.removeprefix("v"), 0.9) if is_one else None
    return (
        _entity(label, utterance, place, word.upper(), 0.9) if _is_a_number_of_ours(word, words[since:place]) else None
    )


def _is_a_number_of_ours(word: str, before: Sequence[str]) -> bool:
    """Not how much is ordered or billed, nor a payment card."""
    digits = sum(sign.isdigit() for sign in word)
    if digits in _CARD and word.isdigit():
        return False
    if not _CALLED.isdisjoint(before):
        return True
    if not word.isdigit():
        return digits > 1 and "." not in word and not _MEASURE.fullmatch(word)
    return digits >= _FEWEST_DIGITS + (not _SAID.isdisjoint(before))


def _alone(utterance: Utterance, place: int) -> Entity | None:
    """What a number tells without a word before it."""
    word = utterance.words[place]
    if _HEXADECIMAL.fullmatch(word):
        return _entity(_ERROR, utterance, place, _code(word), 0.8)
    if word[0] in "v0123456789" and _LONE_VERSION.fullmatch(word) and not _DAY.fullmatch(word):
        return _entity(_VERSION, utterance, place, word.removeprefix("v"), 0.7)
    if place and utterance.words[place - 1] == "#" and word.isdigit() and _FEWEST_DIGITS <= len(word) < _CARD.start:
        return _entity(_ORDER, utterance, place, word, 0.5)
    return None


def _entity(label: str, utterance: Utterance, place: int, value: str, confidence: float) -> Entity:
    start, end = utterance.spans[place]
    return Entity(label, utterance.text[start:end], value, start, end, confidence)


def _code(text: str) -> str:
    return f"0x{text[2:].upper()}" if text.startswith("0x") else text.upper()


def _spelling(text: str) -> str:
    return " ".join(text.upper().split())


# --- failures that have names ---------------------------------------------------------------------------------------

_CALLS = "CONN|TIMEDOUT|ADDR|NOENT|ACCES|PIPE|HOSTUN"  # of the system
_FAILURE_HINT = re.compile(f"ERR_|Error|Exception|E(?:{_CALLS})")
_FAILURE = re.compile(rf"ERR_\w+|[A-Z]\w*[a-z](?:Error|Exception)|E(?:{_CALLS})\w*")


def _failures(utterance: Utterance) -> Iterator[Entity]:
    for place in range(len(utterance.spans)):
        if failure := _failure(utterance, place):
            yield failure


def _failure(utterance: Utterance, place: int) -> Entity | None:
    """ERR_CONNECTION_REFUSED, ECONNRESET, NullPointerException: as written, they have one spelling already."""
    start, end = utterance.spans[place]
    text = utterance.text[start:end].rpartition(".")[2]
    return _entity(_ERROR, utterance, place, text, 0.9) if _FAILURE.fullmatch(text) else None


# --- amounts --------------------------------------------------------------------------------------------------------

_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "$": "USD", "zł": "PLN"}
_DOLLARS = {"us": "USD", "ca": "CAD", "c": "CAD", "au": "AUD", "a": "AUD", "nz": "NZD", "s": "SGD", "hk": "HKD"}
_CURRENCIES = _by_word(
    EUR="eur euro euros",
    USD="usd dollar dollars dólares dolares bucks",
    GBP="gbp pound pounds libras quid",
    CHF="chf franken",
    JPY="jpy yen",
    INR="inr rupees",
    CAD="cad",
    AUD="aud",
    PLN="pln zloty",
    MXN="mxn",
    BRL="brl reais",
)
_DOUBTFUL = frozenset(["pound", "pounds", "libras"])  # they are weights, too
_FIGURE = r"(\d{1,12}(?:[.,'\u00a0\u202f]\d{1,12}){0,4})"
_SIGN_FIRST = re.compile(rf"(?:\b(us|ca|c|au|a|nz|s|hk))?([$€£¥₹])[ ]?{_FIGURE}(?:\s?(k|m)\b)?", re.IGNORECASE)
_SIGN_LAST = re.compile(
    rf"(?<![\w.,$€£¥₹]){_FIGURE}(?:\s?(k|m))?[ \u00a0]?([$€£¥₹]|zł|(?:{'|'.join(_CURRENCIES)})\b)", re.IGNORECASE
)
_CODE_FIRST = re.compile(rf"\b(eur|usd|gbp|chf|jpy|inr|cad|aud|pln|mxn|brl) ?{_FIGURE}(?:\s?(k|m)\b)?", re.IGNORECASE)
_SIGN = re.compile("[$€£¥₹]|zł")
_THOUSANDS = {"k": 1000, "m": 1_000_000}
_WHOLE = frozenset(["JPY"])  # without cents


def _amounts(utterance: Utterance) -> Iterator[Entity]:
    text = utterance.text
    if not (_SIGN.search(text) or not _CURRENCIES.keys().isdisjoint(utterance.words) or _glued(utterance)):
        return
    for match in _SIGN_FIRST.finditer(text):
        dollars = _DOLLARS.get((match[1] or "").lower(), "USD")
        yield _amount(match, match[3], dollars if match[2] == "$" else _SIGNS[match[2]], match[4])
    for match in _SIGN_LAST.finditer(text):
        name = match[3].lower()
        currency = _SIGNS.get(name) or _CURRENCIES[name]
        yield _amount(match, match[1], currency, match[2], 0.6 if name in _DOUBTFUL else 0.9)
    for match in _CODE_FIRST.finditer(text):
        yield _amount(match, match[2], match[1].upper(), match[3])


def _glued(utterance: Utterance) -> bool:
    """Whether a currency stands at a figure without a space: 20EUR."""
    return any(utterance.words[place].lstrip("0123456789.") in _CURRENCIES for place in utterance.odd_words)


def _amount(
    match: re.Match[str], figure: str, currency: str, thousands: str | None, confidence: float = 0.95
) -> Entity:
    number = _figure(figure) * _THOUSANDS.get((thousands or "").lower(), 1)
    value = f"{number:.0f} {currency}" if currency in _WHOLE else f"{number:.2f} {currency}"
    return Entity("amount", match[0], value, *match.span(), confidence)


def _figure(text: str) -> Decimal:
    """1,234.50 and 1.234,50 and 12,5; a single mark before three digits parts thousands."""
    marks = [sign for sign in text if not sign.isdigit()]
    if not marks:
        return Decimal(text)
    whole, _, rest = text.rpartition(marks[-1])
    alike = len(set(marks)) == 1
    parts_thousands = marks[-1] not in ".," or (alike and (len(marks) > 1 or (len(rest) == 3 and whole != "0")))
    figures = "".join(sign for sign in (text if parts_thousands else whole) if sign.isdigit())
    return Decimal(figures if parts_thousands else f"{figures}.{rest}")

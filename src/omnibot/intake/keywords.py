"""STOP, START and HELP: the words by which a person opens and closes an address.

The whole message decides, never a word in it: "how do I stop an export?" is a question, "stop please" is not.
In doubt it is a question: staff read it, while a wrong STOP would silence somebody who waits for an answer.
Sources: CTIA Messaging Principles 5.1.3; Twilio's default words; 47 CFR 64.1200(a)(10), by which "reasonable
means" such as "please don't text me any more" count as well.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

__all__ = ["Opt", "opt"]

_LONGEST = 80  # characters: no request of the grammar below is longer
_LONGEST_WITH_SIGNS = 400  # "STOP!!!!!!!!!" is short once its signs are folded


class Opt(StrEnum):
    """What a person wants to happen to messages on the address that they write from."""

    OUT = "out"
    IN = "in"
    HELP = "help"


def opt(text: str, *, carrier: bool) -> Opt | None:
    """What a message asks for as a whole, in English, Spanish, German or French; None when it is anything else.

    `carrier`: the address is reached over a network that has rules of its own about words such as "cancel",
    "end" and "quit" (SMS, WhatsApp); elsewhere these are ordinary words of a conversation.
    """
    words = _folded(text)
    if not words:
        return None
    for wanted, pattern in _CARRIER_PATTERNS if carrier else _PATTERNS:
        if pattern.fullmatch(words):
            return wanted
    return None


_SIGNS = re.compile(r"[\W_]+")
_UNSEEN = frozenset(("Cf", "Mn", "Me"))  # accents, and what shows nothing: a word is the same with and without them
_APOSTROPHES = str.maketrans("", "", "'’‘`´")
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
_ASCII_APOSTROPHES = b"'`"


def _folded(text: str) -> str:
    """Lower-case words without accents, hidden signs and punctuation, one space apart; '' when too long for one."""
    if len(text) > _LONGEST_WITH_SIGNS:
        text = text.strip()
        if len(text) > _LONGEST_WITH_SIGNS:
            return ""
    if text.isascii():  # the same in a tenth of the time
        words = " ".join(text.encode().translate(_ASCII, _ASCII_APOSTROPHES).decode().split())
    else:
        decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).casefold())
        letters = "".join(sign for sign in decomposed if unicodedata.category(sign) not in _UNSEEN)
        words = _SIGNS.sub(" ", letters).strip()
    return words if len(words) <= _LONGEST else ""


# Words around a request that change nothing about it.
_BEFORE = (
    r"(?:(?:please|pls|plz|kindly|ok|okay|hi|hello|hey|just|por favor|porfa|hola|favor de|oye"
    r"|bitte|hallo|guten tag|bonjour|salut|merci de|sil (?:vous|te) plait|svp|stp) )*"
)
_AFTER = (
    r"(?: (?:please|pls|plz|thanks|thank you|thx|now|immediately|already|right now"
    r"|por favor|porfa|porfavor|gracias|ya|ahora|ahora mismo"
    r"|bitte|danke|sofort|jetzt|sil (?:vous|te) plait|svp|stp|merci|maintenant|tout de suite))*"
)
_MESSAGES = (
    r"(?:(?:sending|with) )?(?:me )?(?:(?:all|any|more|these|the|this|your|those|such) )*"
    r"(?:messages?|msgs?|texts?|sms|e ?mails?|mails?|spam|notifications?|reminders?|updates)"
)
_TO_ME = r"(?:messaging|texting|emailing|mailing|contacting|writing|spamming|notifying|bothering)"
_LISTS = r"(?:the|this|these|your|all)(?: (?:\w+ )?(?:lists?|messages|texts|emails|newsletters?))?"
_MENSAJES = r"(?:mensajes?|sms|textos?|correos?|e ?mails?|notificaciones|publicidad|avisos)"
_ESCRIBIR = r"(?:escrib(?:as|an|ais)|mand(?:es|en|eis)|env(?:ies|ien|ieis)|contact(?:es|en|eis)|molest(?:es|en|eis))"
_ENVIAR = r"(?:escribir|mandar|enviar|contactar|molestar)(?:me|nos)"
_NACHRICHTEN = r"(?:nachrichten|sms|e ?mails?|mails?|mitteilungen|werbung|newsletter)"
_SCHREIB = r"(?:schreib(?:t|en sie)?|schick(?:t|en sie)?|sende(?:t|n sie)?|kontaktier(?:e|t|en sie)?)"
_MESSAGES_FR = r"(?:messages?|sms|textos?|e ?mails?|mails?|courriels?|publicites?|notifications?)"
_ECRIRE = r"(?:ecri(?:s|vez)|contacte[sz]?|envoie|envoyez|derange[sz]?|derangez)"

_STOP = "|".join(
    (
        r"stop(?: it| this| all)?",
        r"stopall",
        rf"unsubscribe(?: me)?(?: from {_LISTS})?",
        r"revoke",
        r"opt ?out",
        r"opt me out",
        r"i want to (?:unsubscribe|opt out)",
        rf"(?:stop|quit|cease) {_TO_ME}(?: to)?(?: me| us)?(?: any ?more| again)?",
        rf"(?:stop|quit|cease|no more) {_MESSAGES}(?: to me| to this number)?",
        r"(?:do not|dont|never) (?:text|message|e ?mail|contact|write(?: to)?|spam|bother) (?:me|us)"
        r"(?: any ?more| again)?",
        rf"(?:do not|dont) send {_MESSAGES}(?: to me)?(?: any ?more| again)?",
        rf"(?:remove|delete|take) (?:me|my number|this number) (?:from|off)(?: of)? {_LISTS}",
        r"baja",
        r"parar|detener|basta",
        r"(?:dame|darme|denme|deme|quiero darme|quiero la|solicito la|solicito) (?:de )?baja",
        r"cancelar (?:mi |la )?suscripcion a (?:estos |los |sus )?" + _MENSAJES,
        rf"no mas(?: {_MENSAJES})?",
        rf"no (?:me|nos) {_ESCRIBIR}(?: mas)?(?: {_MENSAJES})?(?: nunca)?",
        rf"(?:deja|dejen|deje|dejad|paren|para) de {_ENVIAR}(?: mas)?(?: {_MENSAJES})?",
        rf"no quiero(?: recibir)? mas {_MENSAJES}",
        rf"(?:quiero )?dejar de recibir (?:sus |estos |los )?{_MENSAJES}",
        r"stopp(?:en)?|aufhoren",
        rf"(?:ich (?:will|mochte|wunsche) )?keine (?:weiteren )?{_NACHRICHTEN}(?: mehr)?"
        r"(?: erhalten| bekommen| schicken| senden)?",
        rf"{_SCHREIB} (?:mir|mich|uns) (?:bitte )?"
        rf"(?:nicht mehr|nie wieder|nichts mehr|keine {_NACHRICHTEN}(?: mehr)?)",
        r"(?:mir )?nicht mehr (?:schreiben|kontaktieren)",
        rf"hor(?:t|en sie)? auf mir (?:{_NACHRICHTEN} )?zu (?:schreiben|schicken|senden)",
        r"arrete[rz]?|arret|desabonne(?:r|z)(?: moi)?",
        r"(?:je (?:veux|souhaite) )?me desabonner|desinscription",
        rf"(?:arrete[rz]? |cesse[rz]? )de (?:m|me |nous )(?:ecrire|contacter|envoyer (?:des|vos|ces) {_MESSAGES_FR})",
        rf"(?:ne )?(?:m|me |nous ){_ECRIRE} plus(?: (?:de|aucun) {_MESSAGES_FR})?",
        rf"plus (?:de|aucun) {_MESSAGES_FR}",
        rf"je ne (?:veux|souhaite) plus (?:recevoir )?(?:de |vos |aucun ){_MESSAGES_FR}",
    )
)
_CARRIER_STOP = r"cancel|end|quit|cancelar|cancela|fin|salir|alto|pare|para|abbestellen|abmelden"
_START = "|".join(
    (
        r"start|unstop|subscribe(?: me)?|resume",
        r"opt ?in|opt me in",
        r"start (?:texting|messaging|emailing|writing)(?: to)? me(?: again)?",
        r"alta|reanudar|reactivar",
        r"(?:dame|darme|denme|deme|quiero darme) de alta",
    )
)


def _request(core: str) -> re.Pattern[str]:
    return re.compile(rf"{_BEFORE}(?:{core}){_AFTER}")


_IN = (Opt.IN, _request(_START))
_HELP = (Opt.HELP, re.compile(r"help|info|ayuda|hilfe|aide"))  # bare: "help please" is a customer who needs some
_PATTERNS = ((Opt.OUT, _request(_STOP)), _IN, _HELP)
_CARRIER_PATTERNS = ((Opt.OUT, _request(f"{_STOP}|{_CARRIER_STOP}")), _IN, _HELP)

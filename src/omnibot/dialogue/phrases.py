"""What people say that is not a question about the product: greetings, thanks, wishes about how to be answered.

Every form must match a whole clause (folded: lower case, no accents, no punctuation), so that "how do I answer by
email?" stays a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from omnibot.dialogue.words import folded

__all__ = ["Said", "Talk", "Wish", "asks_for_a_person", "is_only_emoji", "named", "said", "without_greeting"]


class Talk(StrEnum):
    """Small talk, by what it wants in return."""

    HELLO = "hello"
    HOW_ARE_YOU = "how_are_you"
    WHO_ARE_YOU = "who_are_you"
    WHAT_CAN_YOU_DO = "help"
    THANKS = "thanks"
    SOLVED = "solved"
    GOODBYE = "goodbye"
    NOTED = "noted"  # "ok": nothing


class Wish(StrEnum):
    """What a customer wants to be different from now on."""

    CHANNEL = "channel"
    LENGTH = "length"
    REGISTER = "register"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Said:
    """What one clause says: small talk, or a wish with its value; and in which language it is said."""

    what: Talk | Wish
    language: str
    value: str = ""


def said(clause: str) -> Said | None:
    """Small talk or a wish, if the clause is nothing else."""
    words = folded(clause)
    if not words or len(words) > _LONGEST:
        return None
    for language, forms in _FORMS.items():
        for what, value, form in forms:
            if match := form.fullmatch(words):
                if value:
                    return Said(what, language, value)
                if what is Wish.CHANNEL:
                    named_channel = _CHANNELS.get(_captured(match))
                    return Said(what, language, named_channel) if named_channel else None
                if what is Wish.LANGUAGE:
                    return Said(what, language, _LANGUAGES[_captured(match)])
                return Said(what, language)
    return None


def _captured(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)


def asks_for_a_person(clause: str) -> bool:
    """Whether a clause asks for somebody of flesh and blood, whatever else it says."""
    words = folded(clause[:_LONGEST_ASKED])
    return bool(_PERSON.fullmatch(words) or (_PERSON_ANYWHERE.search(words) and not _NO_PERSON.search(words)))


def named(clause: str) -> str | None:
    """The name that a clause asks to be called by; None when it asks no such thing, or no such name can be."""
    match = _CALL_ME.fullmatch(clause.strip().strip("¡!¿?."))
    return _as_name(match["name"]) if match else None


def without_greeting(clause: str) -> tuple[str, str]:
    """The language of a greeting that a clause begins with ('' without one), and the rest of the clause."""
    for language, greeting in _GREETINGS.items():
        if match := greeting.match(clause):
            return language, clause[match.end() :].strip(" ,.!¡-–—")
    return "", clause


def is_only_emoji(text: str) -> str:
    """'glad' for a thumb, a heart or a smile and nothing else; 'other' for other signs; '' for words."""
    if folded(text):
        return ""
    signs = [sign for sign in text if sign in _GLAD_EMOJI]
    return "glad" if signs else "other"


_LONGEST = 120
_LONGEST_ASKED = 500

_CHANNELS: Mapping[str, str] = {
    **dict.fromkeys(("e mail", "email", "mail", "correo", "correo electronico", "mail electronico"), "email"),
    "telegram": "telegram",
    **dict.fromkeys(("sms", "text", "texts", "text message", "text messages", "mensaje de texto"), "sms"),
    **dict.fromkeys(("whatsapp", "whats app", "wasap", "guasap"), "whatsapp"),
    "slack": "slack",
    **dict.fromkeys(("here", "this channel", "this chat", "aqui", "aca", "este canal", "este chat"), "here"),
}
_LANGUAGES: Mapping[str, str] = {
    **dict.fromkeys(("english", "ingles"), "en"),
    **dict.fromkeys(("spanish", "espanol", "castellano"), "es"),
    **dict.fromkeys(("german", "aleman", "deutsch"), "de"),
    **dict.fromkeys(("french", "frances", "francais"), "fr"),
    **dict.fromkeys(("italian", "italiano"), "it"),
    **dict.fromkeys(("portuguese", "portugues"), "pt"),
    **dict.fromkeys(("dutch", "holandes", "neerlandes"), "nl"),
    **dict.fromkeys(("catalan",), "ca"),
}
_CHANNEL = "(" + "|".join(sorted(_CHANNELS, key=len, reverse=True)) + ")"
_LANGUAGE = "(" + "|".join(_LANGUAGES) + ")"
_GLAD_EMOJI = frozenset("👍👌🙏❤💙💚💛🧡💜🤍😊🙂😀😃😄😁😍🥰🎉🙌👏✅💯🤗😇🤝✨☺")

# What may stand around a wish without changing it.
_AROUND_EN = (
    "please|pls|plz|and|also|so|but|ok|okay|well|kindly|just|btw|by the way|from now on|in (?:the )?future|next time"
    "|instead|rather|always|thanks|thank you|if possible|if you can|then|maybe|a bit|a little|for me|this time"
)
_BEFORE_EN = (
    rf"(?:(?:{_AROUND_EN}) )*"
    r"(?:(?:can|could|would|will) you (?:please |kindly |just |maybe |always |be so kind and )?"
    r"|(?:id|i would|i) (?:like|prefer|rather|love)(?: it)?(?: if)? (?:you (?:could |would |can )?|to be )?"
    r"|i want you to |you can |you may |lets |feel free to )?"
    rf"(?:(?:{_AROUND_EN}) )*"
)
_AFTER_EN = rf"(?: (?:{_AROUND_EN}))*"
_AROUND_ES = (
    "por favor|porfa|porfavor|y|tambien|pero|bueno|mejor|a partir de ahora|desde ahora|de ahora en adelante|en adelante"
    "|la proxima vez|siempre|gracias|si es posible|si puede ser|un poco|solo|ya|entonces"
)
_BEFORE_ES = (
    rf"(?:(?:{_AROUND_ES}) )*"
    r"(?:(?:me )?(?:puedes|puede|podrias|podria|podeis|pueden|podrian) "
    r"|(?:preferiria|prefiero|me gustaria|quiero|quisiera)(?: que)?(?: me)? |me )?"
    rf"(?:(?:{_AROUND_ES}) )*"
)
_AFTER_ES = rf"(?: (?:{_AROUND_ES}))*"

_ANSWER = (
    r"(?:answer|reply|respond|write|contact|message|get back|talk|reach|email|text|send(?: (?:it|them|that))?"
    r"|send (?:me )?(?:the|your|all|any) (?:answers?|repl(?:y|ies)|messages?|responses?)|be (?:contacted|answered))"
)
_ANSWERS = r"(?: answers?| repl(?:y|ies)| messages?| responses?| explanations?)"
_RESPONDE = (
    r"(?:respond\w{1,5}|contest\w{1,5}|escrib\w{1,5}|contact\w{1,5}|mand\w{1,5}|envi\w{1,5}|comunic\w{1,5}|habl\w{1,5})"
)
_HABLA = r"(?:habl\w{1,5}|respond\w{1,5}|contest\w{1,5}|escrib\w{1,5}|explic\w{1,5})"

_SMALL_TALK: Mapping[str, Mapping[Talk, str]] = {
    "en": {
        Talk.HELLO: r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|morning|dear)"
        r"(?: (?:there|again|all|everyone|everybody|team|support(?: team)?|omnibot|bot|sir|madam|or|folks|guys))*",
        Talk.HOW_ARE_YOU: r"(?:so )?(?:how are (?:you|things)(?: doing)?|hows it going|how is it going|whats up)"
        r"(?: today| there)?",
        Talk.WHO_ARE_YOU: r"(?:so )?(?:who|what) (?:are you|is this)|are you (?:an? )?(?:real |actual )?"
        r"(?:bot|chatbot|robot|human|person|machine|ai|computer|real)(?: or (?:an? )?(?:real )?\w+)?"
        r"|am i (?:talking|speaking|chatting|writing) (?:to|with) (?:an? )?(?:real )?(?:bot|robot|human|person|machine)"
        r"(?: or (?:an? )?(?:real )?\w+)?|is this (?:an? )?(?:bot|robot|human|person|machine)|whats your name"
        r"|what is your name",
        Talk.WHAT_CAN_YOU_DO: r"(?:please )?(?:help|help me|what (?:else )?can you do(?: for me)?|how can you help(?: me)?"
        r"|what can i ask(?: you)?|i (?:need|want) (?:some |your )?help|can (?:you|somebody|someone|anyone) help(?: me)?"
        r"|i have a (?:quick )?(?:question|problem)|can i ask (?:you )?(?:something|a question)|menu|options|info)"
        r"(?: please)?",
        Talk.THANKS: r"(?:(?:ok|okay|great|perfect|cool|super|nice|awesome|wonderful|excellent|brilliant|lovely|and"
        r"|all right|alright|no|yes|fine|good|oh|ah|wow) )*"
        r"(?:many thanks|thanks?|thank you|thank u|thx|tysm|ty|cheers|much appreciated|i (?:really )?appreciate it"
        r"|appreciate it|appreciated)"
        r"(?: (?:a lot|a million|a bunch|so much|very much|again|in advance|you|indeed|team|mate|guys|everyone|omnibot"
        r"|bot|then|much|really|for (?:your|the|all|that|this|all your|all the)"
        r"(?: (?:quick|fast|great|kind|prompt))?(?: (?:help|answer|reply|info|information|support|time|assistance|response"
        r"|explanation|clarification))?|(?:that|this|it) (?:helps|helped)(?: a lot)?))*",
        Talk.SOLVED: r"(?:(?:ok|okay|great|perfect|yes|yay|oh) )*(?:(?:that|it|this|everything)(?: has)?(?: just| now)? "
        r"(?:works|worked|is working|helps|helped|did it|did the trick|solved it|fixed it|solved the problem|is solved"
        r"|is fixed)(?: now| again| great| perfectly| a lot| for me)*|problem solved|solved|all (?:good|set)(?: now)?"
        r"|perfect|great|awesome|excellent|wonderful|brilliant|amazing)",
        Talk.GOODBYE: r"(?:(?:ok|okay|well|and|thanks) )*(?:bye(?: bye)?|goodbye|good bye|see (?:you|ya)"
        r"(?: later| soon| around| tomorrow)?|take care|good night|talk (?:to you )?(?:later|soon)|have a "
        r"(?:nice|good|great|lovely|wonderful) (?:day|evening|weekend|one|time|night|week)|until (?:next time|tomorrow)"
        r"|(?:best|kind|warm)?(?: )?regards|best wishes|best|cheers|sincerely|yours)(?: (?:now|then|too|for now))*",
        Talk.NOTED: r"(?:ok|okay|k|kk|sure|yes|yep|yeah|no|nope|alright|all right|fine|understood|i see|got it|cool|nice"
        r"|good|hmm|aha|ah|oh|right|noted|will do|makes sense|never ?mind|no problem|ill try(?: that| it)?"
        r"|let me (?:try|check)(?: that| it)?)(?: (?:then|ok|okay|thats fine|good))*",
    },
    "es": {
        Talk.HELLO: r"(?:hola|buenas(?: tardes| noches)?|buenos dias|buen dia|saludos|estimad[oa]s?|hey)"
        r"(?: (?:a todos|equipo|de nuevo|otra vez|omnibot|bot|buenas(?: tardes| noches)?|buenos dias|senores|que tal))*",
        Talk.HOW_ARE_YOU: r"(?:y )?(?:como (?:estas|esta|estan|te va|le va|va todo|andas)|que tal(?: estas| todo)?"
        r"|todo bien)(?: hoy)?",
        Talk.WHO_ARE_YOU: r"(?:quien|que) (?:eres|es usted|sois)(?: tu)?|(?:eres|es usted) (?:una? )?"
        r"(?:bot|robot|humano|humana|persona|ia|maquina|real)(?: (?:real|o .{1,30}))?"
        r"|(?:estoy )?(?:hablo|hablando|habl[oe]) con (?:una? )?(?:bot|robot|humano|persona|maquina)(?: real)?"
        r"|como te llamas|cual es tu nombre",
        Talk.WHAT_CAN_YOU_DO: r"ayuda|ayudame|que (?:mas )?(?:puedes|sabes) hacer(?: por mi)?|en que (?:me )?puedes ayudar(?:me)?"
        r"|(?:necesito|quiero|quisiera) (?:tu |su |un poco de )?ayuda|(?:me )?puedes? ayudar(?:me)?|me ayudas"
        r"|(?:tengo|hago|una) (?:una |la )?(?:pregunta|duda|consulta)|tengo un problema|menu|opciones",
        Talk.THANKS: r"(?:(?:ok|vale|perfecto|genial|muy bien|estupendo|bien|ah|si|no|listo|y) )*"
        r"(?:(?:muchas |muchisimas |mil |y )?gracias|se agradece|te lo agradezco|se lo agradezco|agradecid[oa])"
        r"(?: (?:de nuevo|otra vez|de antemano|por (?:todo|tu|su|la|el)(?: (?:ayuda|respuesta|tiempo|apoyo|informacion))?"
        r"|a ti|a usted|equipo|muy amables?|y (?:un )?saludos?))*",
        Talk.SOLVED: r"(?:(?:ok|vale|si|genial|perfecto|ya) )*(?:(?:ya )?(?:funciona|funciono|esta resuelto|esta solucionado"
        r"|me sirve|me sirvio|quedo (?:resuelto|solucionado))(?: bien| perfecto| perfectamente)?|(?:problema )?"
        r"(?:resuelto|solucionado)|perfecto|genial|estupendo|excelente|fantastico)",
        Talk.GOODBYE: r"(?:(?:vale|ok|bueno|y|gracias) )*(?:adios|hasta (?:luego|pronto|manana|la proxima|la vista)|chao|chau"
        r"|nos vemos|que (?:tengas?|tengan|pases?|pasen) (?:un |una )?(?:buen|buena|bonito|feliz|lindo) \w+"
        r"|buen (?:dia|fin de semana)|(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|atentamente|un abrazo|cuidate)",
        Talk.NOTED: r"(?:vale|ok|okay|bien|muy bien|de acuerdo|entendido|entiendo|si|no|listo|claro|bueno|ya|aja|ah|lo pruebo"
        r"|voy a probar(?:lo)?|no hay problema)(?: (?:vale|ok|entonces))*",
    },
}

_WISHES: Mapping[str, tuple[tuple[Wish, str, str], ...]] = {
    "en": (
        (
            Wish.CHANNEL,
            "",
            rf"{_ANSWER}(?: to)?(?: me| us)?(?: back)?(?: (?:the|your) (?:answers?|repl(?:y|ies)))?"
            rf"(?: (?:only|better))? (?:(?:by|via|through|over|on|in|per|using|with)(?: an?| my)? )?{_CHANNEL}",
        ),
        (
            Wish.CHANNEL,
            "",
            rf"(?:use|(?:switch|change|move) to|continue (?:by|on|via|in)|(?:by|via)) (?:my )?{_CHANNEL}",
        ),
        (
            Wish.CHANNEL,
            "",
            rf"i (?:prefer|like|want) (?:to (?:be|get|receive|have) .{{1,30}} (?:by|via|on|over) )?{_CHANNEL}",
        ),
        (Wish.CHANNEL, "", rf"{_CHANNEL} (?:is|would be|works) (?:better|best|fine|easier)(?: for me)?"),
        (Wish.CHANNEL, "email", r"(?:e ?mail|mail) me(?: the answers?| your answers?| back)?"),
        (Wish.CHANNEL, "sms", r"text me(?: the answers?| your answers?| back)?"),
        (Wish.CHANNEL, "", rf"(?:my )?preferred channel is (?:by )?{_CHANNEL}"),
        (
            Wish.LENGTH,
            "short",
            r"(?:(?:keep|make) (?:it|them|this|that|(?:your |the )?(?:answers?|repl(?:y|ies)|messages?)) (?:\w+ )?)?"
            rf"(?:be |answer(?: me)? |write |reply )?(?:more |much |very )?(?:short|shorter|brief|briefer|briefly|concise"
            rf"|concisely|shortly)(?: and (?:sweet|simple|to the point|concise|brief|short))?{_ANSWERS}?",
        ),
        (
            Wish.LENGTH,
            "short",
            rf"(?:(?:that|this|it)(?: is| was|s)|your{_ANSWERS} (?:are|is|was)|thats) (?:a bit |way |much |far )?"
            r"too (?:long|much(?: text)?|wordy|detailed)|less (?:text|detail|details|words|detailed)|get to the point"
            r"|tl ?dr|fewer words|in short|in brief|too long|too much text|shorten your answers?",
        ),
        (
            Wish.LENGTH,
            "detailed",
            r"(?:(?:make|keep) (?:it|them|your answers?) |be |answer(?: me)? |explain (?:it |this |that |things )?|write |"
            r"give me |tell me |i need |i want |with |in |some )?(?:(?:a bit |a little |much )?more |greater |full |the |all the )*"
            rf"(?:details?|detailed|in depth|step by step|thorough|elaborate)(?: about (?:it|this|that))?{_ANSWERS}?",
        ),
        (
            Wish.LENGTH,
            "detailed",
            rf"(?:long|longer|full){_ANSWERS}|explain (?:it |this |that |more )?(?:in (?:more )?detail|better|step by step"
            r"|more)|(?:that|this|it)(?: is| was|s) too (?:short|brief)|longer|elaborate(?: more| on (?:that|this|it))?",
        ),
        (
            Wish.REGISTER,
            "formal",
            r"(?:be |speak |talk |write |answer |reply |stay |keep it )?(?:to me |with me )?(?:more |very )?"
            r"(?:formal|formally|professionally)|(?:address|treat) me (?:more )?formally|use (?:my (?:last name|surname)"
            r"|formal language)|(?:a )?more formal tone",
        ),
        (
            Wish.REGISTER,
            "casual",
            r"(?:be |speak |talk |write |answer |reply |keep it )?(?:to me |with me )?(?:more )?(?:casual|casually"
            r"|informal|informally|relaxed|less formal|less formally)|(?:theres )?no need to be (?:so |that )?formal"
            r"|you dont (?:need|have) to be (?:so |that )?formal|dont be (?:so |that )?formal"
            r"|(?:call me by |use |just )(?:my )?first name|(?:my )?first name is (?:fine|ok|okay|enough)",
        ),
        (
            Wish.LANGUAGE,
            "",
            rf"(?:(?:speak|talk|answer|reply|respond|write|continue|switch|change)(?: to)?(?: me)?(?: back)? )?(?:in|to) "
            rf"{_LANGUAGE}|(?:speak|use) {_LANGUAGE}|(?:do|can) you (?:speak|write|understand) {_LANGUAGE}"
            rf"|can we (?:speak|talk|write|do this|switch to)(?: in)? {_LANGUAGE}|i (?:only )?(?:prefer|speak) {_LANGUAGE}"
            rf"|(?:(?:in|auf|en) )(deutsch|francais)",
        ),
    ),
    "es": (
        (
            Wish.CHANNEL,
            "",
            rf"{_RESPONDE}(?: (?:la|las|tu|su|tus|sus) respuestas?)?(?: siempre| mejor| solo)? "
            rf"(?:(?:por|en|via|a|al|a mi|a traves de(?:l)?|con)(?: el| mi| un)? )?{_CHANNEL}",
        ),
        (Wish.CHANNEL, "", rf"(?:usa|use|usar|(?:el|mejor el)|por|via|prefiero(?: el)?)(?: mi)? {_CHANNEL}"),
        (
            Wish.LENGTH,
            "short",
            r"(?:se |sea |ser |respuestas? |respond\w{1,4} |contest\w{1,4} |hazlo |hacerlo |algo )?(?:mas |muy )?"
            r"(?:breves?|cort[oa]s?|concis[oa]s?|brevemente|resumid[oa]s?|breve y conciso)|(?:demasiado|muy) larg[oa]"
            r"|es (?:demasiado|muy) larg[oa]|menos (?:texto|detalles?)|al grano|ve al grano|en resumen|en corto|resumen",
        ),
        (
            Wish.LENGTH,
            "detailed",
            r"(?:se |sea |ser |dame |deme |con |quiero |necesito |respond\w{1,4} |contest\w{1,4} |respuestas? "
            r"|explic\w{1,5} )?(?:con )?(?:mucho )?(?:mas )(?:detalles?|detallad[oa]s?|larg[oa]s?|informacion|en detalle)"
            r"|(?:explic\w{1,6} )?(?:paso a paso|en detalle|con detalles?|detalladamente)|respuestas? (?:detalladas?|largas?)"
            r"|(?:es |muy |demasiado )+cort[oa]",
        ),
        (
            Wish.REGISTER,
            "formal",
            r"(?:trat\w{1,4}|habl\w{1,4}|llam\w{1,4}|dirigirse a mi)? ?de usted|(?:se |sea |ser )?mas formal(?:es)?"
            r"|con mas formalidad|(?:hablame|hableme|escribame) (?:mas )?formal(?:mente)?",
        ),
        (
            Wish.REGISTER,
            "casual",
            r"(?:tuteame|tutearme|tuteo|tuteeme|tutearnos)|(?:trat\w{1,4}|habl\w{1,4}) de tu|de tu|(?:se |sea )?menos formal"
            r"|no (?:hace falta|es necesario) (?:ser |tanta |tan )+formal(?:idad)?|no seas tan formal|mas (?:informal|cercano)",
        ),
        (
            Wish.LANGUAGE,
            "",
            rf"(?:(?:{_HABLA}|seguir|seguimos|podemos hablar|cambi\w{{1,4}})(?: conmigo)? )?(?:en|a|al) {_LANGUAGE}"
            rf"|hablas? {_LANGUAGE}|habla usted {_LANGUAGE}|prefiero (?:el )?{_LANGUAGE}|solo hablo {_LANGUAGE}",
        ),
    ),
}


def _forms(language: str, before: str, after: str) -> Iterator[tuple[Talk | Wish, str, re.Pattern[str]]]:
    for wish, value, form in _WISHES[language]:
        yield wish, value, re.compile(f"{before}(?:{form}){after}")
    for talk, form in _SMALL_TALK[language].items():
        yield talk, "", re.compile(f"(?:{form})")


_FORMS: Mapping[str, tuple[tuple[Talk | Wish, str, re.Pattern[str]], ...]] = {
    "en": tuple(_forms("en", _BEFORE_EN, _AFTER_EN)),
    "es": tuple(_forms("es", _BEFORE_ES, _AFTER_ES)),
}

_GREETINGS: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\s*(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|dear)\b"
        r"(?:\s+(?:there|again|all|everyone|team|support team|support|omnibot)\b)*",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\s*¡?(?:hola|buenas tardes|buenas noches|buenas|buenos d[ií]as|buen d[ií]a)\b(?:\s+(?:a todos|equipo|de nuevo)\b)*",
        re.IGNORECASE,
    ),
}

_SOMEBODY = (
    r"(?:person|people|human|human being|agent|someone|somebody|anyone|representative|rep|colleague|operator|advisor"
    r"|adviser|supervisor|manager|employee|staff|support(?: team| agent| person)?|customer (?:service|support|care))"
)
_ALGUIEN = (
    r"(?:persona|humano|humana|agente|alguien|operadora?|asesora?|representante|companer[oa]|encargad[oa]|responsable"
    r"|supervisora?|empleado|atencion al cliente|soporte)"
)
_PERSON_ANYWHERE = re.compile(
    rf"\b(?:speak|talk|chat|connect me|transfer me|put me through|pass me|escalate(?: this| it)?) (?:to|with)"
    rf" (?:an? |the |some |your |one of your |any )?(?:real |actual |live |human |other |different )*{_SOMEBODY}\b"
    rf"|\b(?:want|need|get me|give me|prefer|is there|would like|id like) (?:to have )?(?:an? )?"
    r"(?:real |actual |live |human )*(?:person|human|human being|agent|human agent|representative|operator)\b"
    rf"|\b(?:hablar|chatear|comunicarme|comunicame|comuniqueme|pasame|paseme|ponme) con (?:una? |algun[oa]? |el |la )?"
    rf"(?:otr[oa] )?{_ALGUIEN}\b"
    rf"|\b(?:quiero|necesito|prefiero|quisiera) (?:a )?(?:una? )?(?:persona|humano|agente|asesor|operador)\b"
)
_PERSON = re.compile(
    rf"(?:please |can i have |could i have |give me )?(?:an? |some )?(?:real |actual |live |human )*{_SOMEBODY}"
    r"(?: please| now)*|(?:una? )?(?:persona|humano|agente|asesor|operador)(?: (?:real|humano|humana|por favor|ya))*"
)
_NO_PERSON = re.compile(r"\b(?:dont|do not|no need to|how (?:do|can|to)|no (?:quiero|necesito|hace falta)|why)\b")

# A name is read from the clause itself, not from its folded form: its capitals and accents belong to it.
_CALL_ME = re.compile(
    r"(?:(?:please|and|also|but|so|hi|hello|hey|from now on|y|pero|por favor|hola)[,\s]+)*"
    r"(?:(?:you can|you may|just|please|could you|can you|puedes|puede|prefiero que)\s+)*"
    r"(?:call me|address me as|my name is|my name[’']s|ll[aá]m[ae]me|llamarme|me llames|me llamo|mi nombre es|soy)\s+"
    r"(?P<name>.{1,60}?)"
    r"(?:[,\s]+(?:please|from now on|instead|thanks|by the way|por favor|a partir de ahora|gracias))*",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_]+(?:[.’'-][^\W\d_]+)*\.?(?: [^\W\d_]+(?:[.’'-][^\W\d_]+)*\.?){0,3}")
_LONGEST_NAME = 40
_NO_NAME = frozenset(
    [
        "a",
        "about",
        "after",
        "an",
        "and",
        "any",
        "anytime",
        "as",
        "asap",
        "at",
        "back",
        "before",
        "but",
        "by",
        "cliente",
        "client",
        "customer",
        "de",
        "del",
        "desde",
        "el",
        "en",
        "estoy",
        "for",
        "from",
        "if",
        "immediately",
        "in",
        "it",
        "la",
        "later",
        "like",
        "maybe",
        "me",
        "my",
        "names",
        "new",
        "not",
        "now",
        "nuevo",
        "nueva",
        "of",
        "on",
        "or",
        "please",
        "por",
        "que",
        "right",
        "soon",
        "sorry",
        "stupid",
        "the",
        "this",
        "today",
        "tomorrow",
        "tonight",
        "un",
        "una",
        "usuario",
        "when",
        "whatever",
        "whenever",
        "with",
        "you",
        "your",
        "yourself",
        "first",
        "last",
        "name",
        "nombre",
        "apellido",
        "muy",
    ]
)


def _as_name(text: str) -> str | None:
    """A name as it should be written; None for what is none (a time, a link, markup, a sentence)."""
    text = " ".join(text.split()).strip(" \"'“”«».,;:!")
    if len(text) > _LONGEST_NAME or not _NAME.fullmatch(text):
        return None
    words = text.split()
    if any(folded(word) in _NO_NAME for word in words[:1]) or any(folded(word) in _CLAUSE_WORDS for word in words):
        return None
    return text.title() if text.islower() else text


_CLAUSE_WORDS = frozenset(
    [
        "and",
        "is",
        "are",
        "was",
        "am",
        "to",
        "that",
        "when",
        "if",
        "because",
        "the",
        "with",
        "for",
        "on",
        "at",
        "by",
        "my",
        "your",
        "he",
        "she",
        "it",
    ]
)

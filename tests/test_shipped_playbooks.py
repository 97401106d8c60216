"""What the playbooks that ship make of what stands in none of them: as customers write it, in four languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omnibot.dialogue import Knowledge
from omnibot.model import OUT_OF_SCOPE, Intent, Situation
from omnibot.playbooks import Playbooks
from omnibot.understanding.features import Extractor
from omnibot.understanding.fit import fit
from omnibot.understanding.intents import Intents
from omnibot.understanding.utterance import Utterance, legible

SITUATION = Situation(now=datetime(2026, 3, 4, 9, tzinfo=UTC), zone=UTC)
Hear = Callable[[str], Intent]
PAGE = re.compile(r"\w+ > \w+")  # Settings > Members

WANTED = {
    "api-limits": [
        "what's the rate limit on Pro?",
        "wo liegt das Rate Limit?",
        "¿cuál es el rate limit?",
        "My API calls return 429",
        "We get HTTP 429 errors from your API",
        "mis llamadas a la API devuelven 429",
        "unsere API-Aufrufe liefern 429",
        "nos appels API renvoient 429",
    ],
    "api-timeout": [
        "POST /v2/orders returns 504",
        "My API calls return 504",
        "POST /v2/orders liefert 504 nach 60 s",
        "POST /v2/orders devuelve 504 a los 60 s",
        "POST /v2/orders renvoie 504 après 60 s",
        "DELETE /v1/exports gives a 504 timeout",
    ],
    "bill-changed": [
        "WHY WAS I CHARGED TWICE",
        "WARUM WURDE DOPPELT ABGEBUCHT",
        "POURQUOI AI-JE ETE DEBITE DEUX FOIS",
        "POR QUE ME HAN COBRADO DOS VECES",
    ],
    "billing-details": [
        "Sehr geehrte Damen und Herren, könnten Sie mir bitte mitteilen, wie ich unsere Rechnungsadresse ändern kann?",
        "ALSO HOW DO I CHANGE MY CARD",
        "we need a VAT number on it",
        "et le virement ?",
    ],
    "bug-report": ["the app just closes when I tap on a contact", "die App hängt sich beim Hochladen auf"],
    "cancellation": ["kündige", "cancel everything then", "résiliez tout alors", "pues cancelo todo"],
    "change-email": [
        "I changed jobs and have a new email",
        "kann ich die E-Mail ändern, mit der ich mich einlogge?",
        "¿puedo cambiar mi correo?",
        "j'ai changé d'adresse mail",
    ],
    "data-export": ["can I have all our data as a file?", "der Export wird nicht fertig"],
    "feature-request": ["it would be lovely to have a widget", "könnt ihr bitte Tastenkürzel einbauen?"],
    "invoices": [
        "wie kann ich meine Rechnung per E-Mail bekommen?",
        "facture ?",
        "Rechnung?",
        "where's my invoice from june",
        "no me llega la factura de mayo",
    ],
    "opening-hours": ["wie lange habt ihr heute auf?", "vous êtes ouverts à quelle heure ?", "open on Saturday?"],
    "outage": ["App down!!!", "L'appli est en panne !!!", "your service is offline since an hour"],
    "password-reset": ["slt g oublié mon mdp", "halo hab mein paswort vergesen", "i forgto my pasword"],
    "person": ["Bonjour, je voudrais parler à quelqu'un", "human", "kan ich mit eim menschen reden"],
    "personal-data": [
        "What do you know about me",
        "Was wissen Sie über mich?",
        "Que savez-vous de moi ?",
        "¿Qué saben de mí?",
    ],
    "plan-change": [
        "was kostet pro?",
        "c'est combien, Pro ?",
        "what would Business cost us a year?",
        "Can I get a discount?",
        "¿hay una prueba gratuita?",
        "bekomme ich Rabatt?",
        "y a-t-il un essai gratuit ?",
    ],
    "praise": ["super happy with your product", "je suis ravi de votre application"],
    "refund": ["por favor devuélvanme mi dinero", "je demande à être remboursé", "refund my money"],
    "request-status": [
        "when will somebody look at it?",
        "wann kommt endlich eine Antwort?",
        "¿y cuánto tardáis?",
        "und wie lange dauert das?",
        "et ça prend combien de temps ?",
    ],
    "team-members": [
        "Good morning, I was wondering whether you could kindly tell me how I might add my assistant to our workspace?",
        "And would it also be possible to limit what she can see?",
        "Buenos días, ¿sería tan amable de decirme cómo puedo añadir a una compañera?",
    ],
    "two-factor": ["my daughter set it up and now it asks for a code??", "je n'ai pas de code"],
}
OTHERS = [
    "do you ship to Mars?",
    "my cousin plays the trumpet",
    "wie hoch ist der Eiffelturm?",
    "¿cuántos habitantes tiene Lima?",
    "une table pour quatre ce soir",
    "who painted the Mona Lisa?",
]

DO_NOT_KNOW = [
    "no idea",
    "No idea what you mean.",
    "I’m not sure",
    "I don't know, sorry",
    "ni idea",
    "no lo sé",
    "Keine Ahnung, was das ist",
    "weiß ich leider nicht",
    "aucune idée",
    "je sais pas",
]


@pytest.fixture(scope="module")
def hear() -> Hear:
    extractor = Extractor()
    playbooks = Playbooks.load(Path(__file__).parents[1] / "config" / "playbooks")
    intents = Intents(fit(playbooks.examples, extractor))
    stand_there = {text.casefold() for text, _ in playbooks.examples}

    def heard(text: str) -> Intent:
        assert text.casefold() not in stand_there
        utterance = Utterance(legible(text), SITUATION, "en")
        return intents.wanted(utterance, extractor(utterance.said))

    return heard


@pytest.mark.parametrize("intent", WANTED)
def test_what_customers_want_is_told(hear: Hear, intent: str) -> None:
    heard = {text: hear(text) for text in WANTED[intent]}
    assert {text: (one.value, one.known) for text, one in heard.items()} == dict.fromkeys(heard, (intent, True))


def test_every_playbook_that_ships_is_tried() -> None:
    playbooks = Playbooks.load(Path(__file__).parents[1] / "config" / "playbooks").playbooks
    assert {playbook.intent for playbook in playbooks} == {*WANTED, OUT_OF_SCOPE}


def test_a_next_step_leads_to_a_page_that_its_article_knows() -> None:
    """ "Settings > Team" behind an article that says Settings > Members sends people looking for a page."""
    config = Path(__file__).parents[1] / "config"
    knowledge = Knowledge.load(config / "knowledge")
    for playbook in Playbooks.load(config / "playbooks").playbooks:
        for language, texts in (playbook.next.said.texts if playbook.next else {}).items():
            told = [knowledge.article(answer.article, language) for answer in playbook.answers]
            for page in {page for text in texts.values() for page in PAGE.findall(text)}:
                assert any(page in article.detailed for article in told if article), (playbook.intent, page)


@pytest.mark.parametrize("text", OTHERS)
def test_what_no_playbook_is_for_is_taken_for_none(hear: Hear, text: str) -> None:
    heard = hear(text)
    assert heard.value == OUT_OF_SCOPE or not heard.known


@pytest.mark.parametrize("text", DO_NOT_KNOW)
def test_who_does_not_know_wants_nothing(hear: Hear, text: str) -> None:
    assert not hear(text).known


def test_who_does_not_know_how_to_do_it_wants_it_done(hear: Hear) -> None:
    asked = {text: hear(text) for text in ("no idea how to get our data out of here", "keine Ahnung, wie ich kündige")}
    assert [(one.value, one.known) for one in asked.values()] == [("data-export", True), ("cancellation", True)]

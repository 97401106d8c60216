"""What of all that was said answers a question."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.memory.kin import Kin
from omnibot.memory.search import Said, Search

CHAT = [
    ("Melanie", "Hey Caroline! How was your week?"),
    ("Caroline", "Busy, Mel. I adopted two kittens from the shelter."),
    ("Melanie", "Oh, how sweet! What are they called?"),
    ("Caroline", "Pixel and Byte. They sleep in my cello case."),
    ("Melanie", "I swam in the lake with the children yesterday. It was freezing."),
    ("Caroline", "Brave! I only ever swim in the pool."),
    ("Melanie", "My father built us a raft."),
    ("Caroline", "My father could not build a paper boat."),
    ("Melanie", "Does the cello still squeak?"),
    ("Caroline", "Less. My teacher is pleased."),
]


def search(said: list[tuple[str, str]] = CHAT, language: str = "en", embed=None) -> Search:
    messages = [Said(str(place), speaker, text) for place, (speaker, text) in enumerate(said)]
    return Search(messages, language, embed)


def best(question: str, said: list[tuple[str, str]] = CHAT, language: str = "en") -> str:
    found = search(said, language).best(question, 1)
    return said[int(found[0].id)][1] if found else ""


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        ("Which pets has Caroline got from the shelter?", "Busy"),
        ("Where did Melanie swim?", "I swam"),
        ("Where does Caroline swim?", "Brave!"),
        ("What did Melanie's dad build?", "My father built"),
        ("What couldn't Caroline's dad build?", "My father could not"),
    ],
)
def test_a_question_finds_what_answers_it(question: str, beginning: str) -> None:
    assert best(question).startswith(beginning)


def test_the_names_of_those_who_speak_are_no_words() -> None:
    assert search().best("Caroline? Mel? Melanie's?") == []


def test_a_word_that_a_name_begins_with_is_no_nickname() -> None:
    said = [("Carla", "My car broke down."), ("Timothy", "Poor Carla!"), ("Timothy", "Tim here, on my bicycle.")]
    assert [hit.id for hit in search(said).best("Whose car is it?", 1)] == ["0"]
    assert search(said).best("Tim?") == []


def test_a_name_that_both_have_asks_about_neither() -> None:
    family = [("Ann Lee", "I paint boats."), ("Bob Lee", "I paint boats.")]
    first, second = search(family).best("Which Lee paints boats?")
    assert first.score == second.score
    assert [hit.id for hit in search(family).best("Does Bob Lee paint?")] == ["1", "0"]


def test_what_answers_is_found_beside_what_asks() -> None:
    # "Pixel and Byte" has no word of the question: the one before lends to it
    names = [hit.id for hit in search().best("What are the kittens called?", 3)]
    assert "3" in names


def test_a_statement_is_nearer_than_a_question() -> None:
    said = [
        ("A", "Is your knee better?"),
        ("B", "rain"),
        ("B", "snow"),
        ("B", "hail"),
        ("A", "My knee got better then"),
    ]
    assert [hit.id for hit in search(said).best("knee better", 2)] == ["4", "0"]


def test_what_asks_at_its_end_alone_has_told_something() -> None:
    said = [
        ("A", "Is my knee better? Will it be better by the summer?"),
        *[("B", "rain")] * 3,
        ("A", "My knee is better since the summer. And yours?"),
    ]
    assert search(said).best("better knee summer", 1)[0].id == "4"


def test_when_is_answered_by_what_names_a_time() -> None:
    said = [
        ("A", "We visited grandma twice, then came home again"),
        *[("B", "hm")] * 4,
        ("A", "We visited grandma last Friday, all of us together"),
    ]
    assert best("When did A visit grandma?", said).endswith("together")
    assert [hit.id for hit in search(said).best("Did A visit grandma?", 2)] == ["0", "5"]


@pytest.mark.parametrize(
    ("language", "question", "beginning"),
    [
        ("de", "Wann kommen die Handwerker?", "Der Handwerker"),
        ("es", "¿Qué facturas faltan?", "Falta"),
        ("fr", "Quelles commandes sont annulées ?", "J'ai annulé"),
    ],
)
def test_other_languages_have_their_own_stems(language: str, question: str, beginning: str) -> None:
    said = [
        ("A", "Der Handwerker kommt am Dienstag."),
        ("A", "Falta la factura de mayo."),
        ("A", "J'ai annulé la commande."),
        ("B", "…"),
    ]
    assert best(question, said, language).startswith(beginning)


def test_meanings_find_what_words_do_not() -> None:
    directions = {"music": [1.0, 0.0], "cello": [0.9, 0.1]}

    def embed(text: str) -> np.ndarray:
        near = [np.array(vector, np.float32) for word, vector in directions.items() if word in text]
        return near[0] if near else np.array([0.0, 1.0], np.float32)

    assert search().best("music") == []
    found = {hit.id for hit in search(embed=embed).best("music", 4)}
    assert {"3", "8"} <= found


def test_a_word_stands_for_its_kin() -> None:
    said = [Said("0", "A", "The kittens sleep on my coat"), *[Said(str(n), "B", "rain and wind") for n in range(1, 9)]]

    def far(text: str) -> np.ndarray:
        return np.array([1.0, 0.0] if "feline" in text else [0.0, 1.0], np.float32)

    assert Search(said, "en", far, kin=Kin({})).best("felines", 1) == []
    [first] = Search(said, "en", far, kin=Kin({"felin": "coal:90 kitten:61"})).best("felines", 1)
    assert first.id == "0"


def test_kin_are_shipped_for_english() -> None:
    assert {"dog", "cat"} <= dict(Kin.of_language("en").of("pet")).keys()
    assert Kin.of_language("en").of("xyzzy") == [] == Kin.of_language("fi").of("pet")


def test_of_nothing_said_nothing_is_found() -> None:
    assert search([]).best("anything") == []
    assert Search([], "en", lambda text: np.zeros(2, np.float32)).best("anything") == []
    assert search([("A", "")]).best("") == []


@given(st.lists(st.tuples(st.text(max_size=5), st.text()), max_size=6), st.text(), st.integers(1, 8))
def test_whatever_is_said_and_asked(said: list[tuple[str, str]], question: str, limit: int) -> None:
    found = search(said, embed=lambda text: np.array([len(text) + 1.0], np.float32)).best(question, limit)
    assert len(found) <= min(limit, len(said))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert len({hit.id for hit in found}) == len(found)

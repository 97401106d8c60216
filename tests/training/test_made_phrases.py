import random

import pytest

from training import phrases


def test_composed_sentences_are_filled_and_the_same_for_the_same_seed():
    made = list(phrases.composed(500, 4))
    assert made == list(phrases.composed(500, 4)) != list(phrases.composed(500, 5))
    assert len(set(made)) > 450
    assert not any("{" in text or "  " in text for text in made)


def test_every_word_is_swept():
    made = list(phrases.swept(["tunnel", "seven"], 3, 0))
    assert len(made) == 6
    assert all("tunnel" in text for text in made[:3])
    assert all("seven" in text for text in made[3:])


def test_recombined_sentences_have_the_words_of_their_texts_alone():
    texts = ["where is my parcel, because it is late", "one", "i want a refund and i want it now"]
    words = {word.strip(",") for text in texts for word in text.split()}
    for text in phrases.recombined(texts, 200, 9):
        assert text.strip()
        assert {word.strip(",") for word in text.split()} <= words


@pytest.mark.parametrize("field", sorted(phrases._THINGS))
def test_every_field_has_things_deeds_and_states(field):
    chance = random.Random(0)
    assert all(phrases._clause(chance, field).strip() for _ in range(20))

"""Features against a reference that is written for reading, not for speed."""

import math
import re
from itertools import count, pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.understanding.artefacts import artefact, save_artefact
from omnibot.understanding.encoder import Encoder, WordPieces
from omnibot.understanding.features import BUCKETS, DENSE, Extractor, spelt, words
from tests.costs import Work, assert_linear

MESSAGE = "Hi there, I still can't log in to my account: the reset e-mail for order 48812 never arrives!"


@pytest.fixture(scope="module")
def extract():
    return Extractor()


# --- hashed -----------------------------------------------------------------------------------------------------


def reference(text):
    """Bucket -> weight, each n-gram for itself: blocks of words with their pairs, and of letters."""
    idf = artefact("hashed")["idf"]
    said = [spelt(word) for word in re.findall(r"[^\W_]+(?:['.@_-]+[^\W_]+)*|[^\w\s]", text.lower())]
    hashes = [crc32(word.encode()) for word in said]
    pairs = [(first * 0x9E3779B1 % 2**32) ^ second for first, second in pairwise(hashes)]
    letters = [
        crc32(f" {word} "[start:end].encode(), crc32(b"letters"))
        for word in said
        for start in range(len(word) + 2)
        for end in range(start + 2, min(start + 5, len(word) + 2) + 1)
    ]
    total = np.zeros(BUCKETS)
    for block in (hashes + pairs, letters):
        buckets = [hashed % BUCKETS for hashed in block]
        length = math.sqrt(sum(float(idf[bucket]) ** 2 for bucket in buckets))
        for bucket in buckets:
            total[bucket] += float(idf[bucket]) / length
    return total


def summed(features):
    total = np.zeros(BUCKETS)
    np.add.at(total, features.hashed_ids, features.hashed_weights)
    return total


@pytest.mark.parametrize("text", [MESSAGE, "no", "¿Dónde está mi pedido?", "2fa 24/7 v10.3.221", "a a a b", "x" * 60])
def test_hashed_features_are_those_of_the_reference(extract, text):
    assert np.allclose(summed(extract(text)), reference(text), atol=1e-6)


@given(st.text())
def test_hashed_features_are_those_of_the_reference_for_any_text(extract, text):
    if words(text):
        assert np.allclose(summed(extract(text)), reference(text.encode("utf-8", "replace").decode()), atol=1e-5)


def test_a_word_is_hashed_by_crc32_for_ever(extract):
    """CRC-32 of "a" and of "abc" are E8B7BE43 and 352441C2: shipped weights would mean other words by another hash."""
    assert extract("a").hashed_ids[0] == 0xBE43 % BUCKETS
    assert extract("ABC").hashed_ids[0] == 0x41C2 % BUCKETS


def test_either_block_has_length_1(extract):
    weights = extract("where is it").hashed_weights
    assert np.linalg.norm(weights[:5]) == pytest.approx(1)  # three words, two pairs
    assert np.linalg.norm(weights[5:]) == pytest.approx(1)


def test_references_differ_by_their_length_alone(extract):
    one, other, longer = extract("order 48812"), extract("order 90017"), extract("order 488121")
    assert np.allclose(summed(one), summed(other))
    assert not np.allclose(summed(one), summed(longer))
    assert not np.allclose(summed(extract("the 1 of 12")), summed(extract("the 2 of 34")))


# --- dense ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    """A vocabulary of seven pieces, each of which points in a direction of its own."""
    pieces = ["##able", "un", "##aff", "a", "##n", "zurich", "!"]
    vectors = (np.eye(len(pieces)) * 127).astype(np.int8)
    scales = np.full(len(pieces), 1 / 127, np.float32)
    save_artefact("encoder", {"vectors": vectors, "scales": scales, **WordPieces.of(pieces).arrays}, tmp_path)
    return Encoder(tmp_path)


def rows(encoder, word):
    return np.frombuffer(encoder.wordpieces(word), np.uint16).tolist()


def test_words_are_cut_into_the_longest_pieces(small):
    assert rows(small, "unaffable") == [1, 2, 0]  # the example of BERT's authors
    assert rows(small, "an!a") == [3, 4, 6, 3]


def test_accents_count_for_nothing_and_a_rest_voids_its_part(small):
    assert rows(small, "zürich") == [5]
    assert rows(small, "unx") == []
    assert rows(small, "a-unx") == [3]
    assert rows(small, "") == []


def test_pieces_add_up_to_a_direction(small):
    encoded = small.encode(np.array([1, 1, 1, 3, 3, 3, 3], np.uint16))
    assert encoded == pytest.approx([0, 0.6, 0, 0.8, 0, 0, 0])
    assert not small.encode(np.array([], np.uint16)).any()


def test_pieces_of_one_hash_are_refused():
    with pytest.raises(ValueError, match="same hash"):
        WordPieces.of(["codding", "gnu"])  # CRC-32 gives both the same


def test_what_means_the_same_stands_near(extract):
    """Without a word in common."""
    asked = extract("my parcel never came").dense
    assert asked @ extract("the package has not been delivered").dense > 0.5
    assert asked @ extract("please turn the music up").dense < 0.3


# --- any text ---------------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_the_meaning_alone_is_that_of_the_features(extract, text):
    assert np.array_equal(extract.meaning(text), extract(text).dense)


@given(st.text(st.characters(), max_size=300))
def test_any_text_has_features(extract, text):
    features = extract(text)
    assert len(features.hashed_ids) == len(features.hashed_weights)
    assert features.dense.shape == (DENSE,)
    assert features.dense.dtype == features.hashed_weights.dtype == np.float32
    assert np.isfinite(features.hashed_weights).all()
    assert ((features.hashed_ids >= 0) & (features.hashed_ids < BUCKETS)).all()
    assert np.linalg.norm(features.dense) == pytest.approx(1, abs=1e-4) or not features.dense.any()


@pytest.mark.parametrize("text", ["", " \n\t", "___", "\ud800", "\x00", "👩‍👩‍👧" * 50, "漢字" * 30, "i̇İ" * 9, "٤٥٦٧٨"])
def test_odd_texts_have_features(extract, text):
    features = extract(text)
    assert bool(len(features.hashed_ids)) == bool(words(text))


@pytest.mark.parametrize("unit", ["{} ", "{}", "!?", "🙃", "ab{}-", "{}\n{}@x.y "])
def test_time_is_linear_in_the_length(extract, unit):
    """With words that are new, which are the dear ones."""
    numbers = count(10**6)

    def extracting(times: int) -> Work:
        return lambda: extract("".join(unit.format(next(numbers), next(numbers)) for _ in range(times)))

    assert_linear(extracting, 8_000)


def test_words_are_forgotten_and_read_again_alike(extract):
    before = extract(MESSAGE)
    for number in range(200):
        extract(" ".join(f"w{number}x{other}" for other in range(100)))
    assert len(extract._words) + len(extract._words._older) <= 2 * 4096
    after = extract(MESSAGE)
    assert (after.hashed_ids == before.hashed_ids).all()
    assert (after.hashed_weights == before.hashed_weights).all()
    assert (after.dense == before.dense).all()


def test_the_codes_that_http_answers_with_are_told_apart_and_other_references_are_not() -> None:
    """Whether calls are too many or too slow is said by nothing else: "My API calls return 429", "… 504"."""
    assert [spelt(word) for word in ("429", "504", "4711", "48812", "430", "v429")] == [
        "429", "504", "0000", "00000", "000", "v000",
    ]  # fmt: skip

import numpy as np
import pytest

from omnibot.understanding.artefacts import artefact
from omnibot.understanding.features import BUCKETS, DENSE, NOTHING_SAID, Features, Word
from omnibot.understanding.linear import Heads, log_softmax, shared

RANDOM = np.random.default_rng(7)


def weights(count):
    return RANDOM.normal(size=(BUCKETS, count)), RANDOM.normal(size=(DENSE, count)), RANDOM.normal(size=(2, count))


def word(own, *letters):
    """A word whose n-grams weigh 1 each."""
    return Word.of(own, letters, np.ones(BUCKETS, np.float32), b"")


def features(*ids, pairs=()):
    """Of words that are one n-gram each, at half their weight."""
    dense = RANDOM.normal(size=DENSE)
    return Features(
        [word(one) for one in ids],
        np.array(pairs, np.uint32),
        np.full(len(pairs), 0.25, np.float32),
        0.5,
        2.0,
        (dense / np.linalg.norm(dense)).astype(np.float32),
    )


def test_scores_are_weighted_sums():
    hashed, dense = np.zeros((BUCKETS, 2)), np.zeros((DENSE, 2))
    hashed[5], hashed[9] = (1, -2), (3, 0)
    dense[0] = (0, 10)
    heads = Heads.quantised(["yes", "no"], hashed, dense, np.array([0.25, -0.25]))
    seen = Features(
        [word(9, 5), word(9)],
        np.array([5], np.uint32),
        np.array([0.75], np.float32),
        0.5,
        0.25,
        np.eye(DENSE, dtype=np.float32)[0],
    )
    assert heads.labels == ("yes", "no")
    assert heads.scores(seen) == pytest.approx([1 + 3 + 0.25, -2 + 10 - 0.25], abs=0.02)
    assert heads.parts(seen)[1] == pytest.approx([0, 10])


def test_eight_bits_are_near_to_what_was_trained():
    hashed, dense, biases = weights(6)
    heads = Heads.quantised("abcdef", hashed, dense, biases)
    seen = features(*range(0, 9000, 30))
    exact = 0.5 * hashed[seen.hashed_ids].sum(0) + seen.dense @ dense + biases.sum(0)
    assert heads.scores(seen) == pytest.approx(exact, abs=0.3)  # 300 roundings of at most 0.017 · 0.5


def test_a_text_without_words_gets_the_biases():
    heads = Heads.quantised("ab", *weights(2)[:2], np.array([[1, 2], [3, 4]]))
    assert heads.scores(NOTHING_SAID).tolist() == [4, 6]


def test_probabilities_are_the_mean_of_both_parts():
    hashed, dense = np.zeros((BUCKETS, 2)), np.zeros((DENSE, 2))
    heads = Heads.quantised("ab", hashed, dense, np.log([[0.9, 0.1], [0.4, 0.6]]))
    assert np.exp(heads.log_probabilities(features(1))) == pytest.approx([0.6, np.sqrt(0.06)])


def test_softmax_bears_large_scores():
    assert log_softmax(np.array([1000.0, 0.0, -1000.0])) == pytest.approx([0, -1000, -2000])


def test_what_is_saved_scores_alike(tmp_path):
    heads = Heads.quantised(["joy", "anger", "fear"], *weights(3))
    size = heads.save("moods", tmp_path)
    read = Heads.load("moods", tmp_path)
    seen = features(1, 2, 3)
    assert read.labels == ("joy", "anger", "fear")
    assert read.parts(seen) == pytest.approx(heads.parts(seen), rel=1e-5)
    assert size < 3 * (BUCKETS + DENSE) + 2000
    assert artefact("moods", tmp_path)["hashed"].dtype == np.int8


def test_saving_what_was_read_changes_nothing(tmp_path):
    Heads.quantised("ab", *weights(2)).save("one", tmp_path)
    Heads.load("one", tmp_path).save("two", tmp_path)
    for name, array in artefact("one", tmp_path).items():
        assert artefact("two", tmp_path)[name] == pytest.approx(array, rel=1e-6) if name != "labels" else True


def test_heads_side_by_side_score_as_alone(tmp_path):
    alone = [Heads.quantised("abc", *weights(3)), Heads.quantised("d", *weights(1)), Heads.quantised("ef", *weights(2))]
    together = shared(*alone)
    for seen in (features(4, 5), features(6)):
        for one, other in zip(alone, together, strict=True):
            assert other.labels == one.labels
            assert other.parts(seen) == pytest.approx(one.parts(seen), rel=1e-5)
            assert other.log_probabilities(seen) == pytest.approx(one.log_probabilities(seen), rel=1e-5)
    again = shared(*together)
    assert again[2].scores(seen) == pytest.approx(alone[2].scores(seen), rel=1e-5)
    again[2].save("third", tmp_path)
    assert Heads.load("third", tmp_path).scores(seen) == pytest.approx(alone[2].scores(seen), rel=1e-5)


def test_the_first_that_is_asked_works_for_all():
    first, second = shared(Heads.quantised("a", *weights(1)), Heads.quantised("b", *weights(1)))
    seen = features(1)
    first.scores(seen)
    assert second._weights is first._weights
    assert second._weights.see(seen) is first._weights.see(seen)


def test_what_words_add_is_told_apart():
    hashed = np.zeros((BUCKETS, 2))
    hashed[3], hashed[4], hashed[6], hashed[7] = (0, 1), (0, 2), (0, -4), (1, 8)
    heads = shared(Heads.quantised("x", *weights(1)), Heads.quantised("ab", hashed, np.zeros((DENSE, 2)), np.zeros(2)))[
        1
    ]
    seen = Features(
        [word(3, 4, 4), word(6), word(3)],
        np.array([7, 6], np.uint32),
        np.array([0.5, 0.25], np.float32),
        0.5,
        0.25,
        np.zeros(DENSE, np.float32),
    )
    assert heads.of_words(seen, 1) == pytest.approx([0.5, -2, 0.5], abs=0.1)
    shares = heads.of_words_in_all(seen, 1)
    assert shares == pytest.approx([0.5 + 4 * 0.25 + 2, -2 + 2 - 0.5, 0.5 - 0.5], abs=0.1)
    assert float(shares.sum()) == pytest.approx(float(heads.scores(seen)[1]), rel=1e-4)
    assert heads.of_words_in_all(seen, 0) == pytest.approx([0.25, 0.25, 0], abs=0.1)


def test_what_words_say_is_forgotten_and_told_again():
    heads = Heads.quantised("abcdefgh", *weights(8))
    most = heads._weights._said._most = 50  # and not 31,250 words
    seen = features(1, 2, pairs=[3])
    before = heads.scores(seen).copy()
    heads.scores(features(*range(3, 120)))
    assert 0 < len(heads._weights._said) <= most
    assert heads.scores(seen) == pytest.approx(before)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"heads for 2 labels need weights of \(32768, 2\)"):
        Heads.quantised("ab", np.zeros((BUCKETS, 3)), np.zeros((DENSE, 2)), np.zeros(2))

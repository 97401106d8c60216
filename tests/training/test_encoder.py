"""The pieces that the encoder is trained with; the training itself needs torch, and is measured in the model card."""

import numpy as np
import pytest

from omnibot.understanding.artefacts import SHIPPED, artefact, save_artefact
from omnibot.understanding.encoder import Encoder, WordPieces
from omnibot.understanding.features import Extractor
from training import encoder

PIECES = ["where", "is", "parcel", "##s", "my"]


def test_wordpieces_of_other_scripts_and_purposes_are_left_out():
    vocabulary = ["[PAD]", "[unused7]", "[", "!", "€", "”", "7", "the", "##ing", "##", "漢", "и", "##й", "é", "の", ""]
    assert encoder.kept_pieces(vocabulary) == ["[", "!", "€", "”", "7", "the", "##ing", "##"]


def test_bags_hold_each_texts_pieces():
    bags = encoder.bags(["Where is my parcel", "", "parcels", "where xyz"], WordPieces.of(PIECES))
    assert bags.rows.tolist() == [0, 1, 4, 2, 2, 3, 0]
    assert bags.starts.tolist() == [0, 4, 4, 6, 7]
    rows, starts = bags.of(np.array([2, 0]))
    assert rows.tolist() == [2, 3, 0, 1, 4, 2]
    assert starts.tolist() == [0, 2]


def test_sums_are_directions():
    bags = encoder.bags(["where is", "zzz", "is is is my my my my"], WordPieces.of(PIECES))
    assert encoder.summed(np.eye(5, dtype=np.float32), bags) == pytest.approx(
        np.array([[0.5**0.5, 0.5**0.5, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0.6, 0, 0, 0.8]])
    )


def test_the_turn_keeps_what_says_most():
    """Points near a plane in ten dimensions: two axes keep nearly all of their lengths and angles."""
    chance = np.random.default_rng(3)
    points = (chance.normal(size=(500, 2)) @ chance.normal(size=(2, 10)) + chance.normal(size=(500, 10)) / 1000).astype(
        np.float32
    )
    turn = encoder.projection(points, 2)
    assert turn.shape == (10, 2)
    assert turn.T @ turn == pytest.approx(np.eye(2), abs=1e-5)
    assert (points @ turn) @ (points @ turn).T == pytest.approx(points @ points.T, abs=0.05)


def test_what_is_said_often_begins_with_less():
    rows = np.array([0] * 9_000 + [1] * 10)
    begun = encoder.beginnings(np.ones((3, 2), np.float32), rows)
    assert begun[0, 0] < 0.01 < 0.4 < begun[1, 0] < begun[2, 0] <= 1


def test_a_new_encoder_is_turned_to_the_old_one():
    old = encoder.directions(np.random.default_rng(1).normal(size=(100, 6)))
    quarter = np.eye(6, dtype=np.float32)
    quarter[:2, :2] = [[0, 1], [-1, 0]]
    turn = encoder.rotation(old @ quarter, old)
    assert turn == pytest.approx(quarter.T, abs=1e-5)
    assert turn.T @ turn == pytest.approx(np.eye(6), abs=1e-5)


def test_texts_that_are_looked_at_three_times_weigh_three_times():
    pytest.importorskip("torch")
    texts = encoder.bags(["where", "where"], WordPieces.of(PIECES))
    begun = np.full((5, 2), 0.1, np.float32)
    fitted = encoder.fitted(texts, np.eye(2, dtype=np.float32), begun, 200, seed=0, times=np.array([3, 1]))
    assert fitted[0, 0] > fitted[0, 1]


def test_rounding_to_8_bits_errs_by_half_a_step():
    vectors = np.random.default_rng(5).normal(size=(50, 16)).astype(np.float32)
    vectors[7] = 0
    rows, scales = encoder.quantised(vectors)
    assert rows.dtype == np.int8
    assert np.abs(rows * scales[:, None] - vectors).max() <= scales.max() / 2 + 1e-6


def test_rarity_counts_a_text_once():
    """In the texts "a a" and "a b": buckets that both have count 2 of 2, and those of neither 0 of 2."""
    extract = Extractor()
    rarity = encoder.rarity(["a a", "a b"], extract)
    both, one = extract("a").hashed_ids[0], extract("b").hashed_ids[0]
    assert rarity[both] == pytest.approx(1)
    assert rarity[one] == pytest.approx(1 + np.log(3 / 2))
    assert rarity.max() == pytest.approx(1 + np.log(3))


def test_sentences_are_the_same_for_the_same_seed(monkeypatch):
    for many in ("_SWEPT", "_COMPOSED", "_RECOMBINED"):
        monkeypatch.setattr(encoder, many, getattr(encoder, many) // 4)
    texts = ["Where is my parcel? It is late.", "thanks", "i want to book a flight, and a hotel"]
    words = ["parcel", "late", "##ing", "7", "tunnel", "ß"]
    made = encoder.sentences(texts, words, 1)
    assert made == encoder.sentences(texts, words, 1)
    assert made != encoder.sentences(texts, words, 2)
    assert len(made) == len(set(made))
    assert set(texts) < set(made)
    assert any("tunnel" in sentence for sentence in made)


def test_ten_examples_of_each_intent_are_drawn():
    examples = [(f"{intent} {number}", intent) for intent in ("pay", "outofdomain", "fly") for number in range(20)]
    drawn = encoder.few(examples, 0)
    assert [intent for _, intent in drawn] == ["fly"] * 10 + ["pay"] * 10
    assert len(set(drawn)) == 20
    assert drawn == encoder.few(examples, 0) != encoder.few(examples, 1)


def test_training_draws_sums_to_their_targets(tmp_path):
    torch = pytest.importorskip("torch")
    texts = encoder.bags(["where is my parcel", "my parcels", "where", "is my"] * 300, WordPieces.of(PIECES))
    targets = np.tile(np.eye(4, dtype=np.float32), (300, 1))
    begun = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    fitted = [encoder.fitted(texts, targets, begun.copy(), 40, seed=0) for _ in range(2)]
    assert torch.get_num_threads() == 1
    assert (fitted[0] == fitted[1]).all()
    before, after = (np.diag(encoder.summed(vectors, texts)[:4]).mean() for vectors in (begun, fitted[0]))
    assert after > before


def test_the_shipped_encoder_has_what_it_says():
    stored = artefact("encoder")
    rows, scales = stored["vectors"], stored["scales"]
    assert rows.shape == (len(scales), 256)
    assert sorted(stored["rows"].tolist()) == list(range(len(scales)))
    assert (np.diff(stored["hashes"].astype(np.int64)) > 0).all()
    encoder_ = Encoder(SHIPPED)
    assert len(encoder_.wordpieces("where")) == 2
    assert len(encoder_.wordpieces("unbelievably")) > 2


def test_the_same_vectors_are_turned_as_they_were(tmp_path, monkeypatch):
    pieces = WordPieces.of(PIECES)
    chance = np.random.default_rng(2)
    monkeypatch.setattr(encoder, "DENSE", 3)
    vectors = chance.normal(size=(5, 3)).astype(np.float32)
    bags = encoder.bags(["where", "is my", "my parcels", "parcel"], pieces)
    monkeypatch.setattr(encoder, "artefact", lambda name: artefact(name, tmp_path))
    first = encoder._to_the_shipped(vectors, bags, [])
    assert (first["turn"] == np.eye(3)).all()
    save_artefact("encoder", {**first, "turn": np.eye(3)[::-1]}, tmp_path)
    assert (encoder._to_the_shipped(vectors, bags, [])["turn"] == np.eye(3)[::-1]).all()

import json
from zlib import crc32

import pytest

from training import datasets

HEAD = "conversationId\tturnNumber\tutteranceId\tutterance\tslot-labels\tintent\n"


@pytest.fixture
def data(tmp_path):
    """A folder of data sets as their authors lay them out, with lines of our own."""
    for domain in datasets.DOMAINS:
        (tmp_path / "multidogo" / domain).mkdir(parents=True)
        (tmp_path / "multidogo" / domain / "train.tsv").write_text(HEAD)
    (tmp_path / "multidogo/airline/train.tsv").write_text(
        HEAD
        + 'c1\t0\t<CONV>c1<TURN>0\ta "window seat please\tO O O\tgetseatinfo<div>bookflight\n'
        + "c1\t2.0\t<CONV>c1<TURN>2\t  \tO\tcontentonly\n"
        + "olives 40 cal\n"
        + "c1\t4\t<CONV>c1<TURN>4\tthanks \tO\t\n"
    )
    (tmp_path / "goemotions").mkdir()
    (tmp_path / "goemotions/data_goemotions_train.tsv").write_text("so proud “you”\t1,2\tid1\nok\t0\tid2\n")
    (tmp_path / "goemotions/data_goemotions_emotions.txt").write_text("neutral\njoy\npride")
    (tmp_path / "ibm_twitter_care").mkdir()
    (tmp_path / "ibm_twitter_care/dev.json").write_text(
        json.dumps([{"dialogContent": [{"client": "x", "message": "why?"}, {"agent": "y", "message": "because"}]}])
    )
    return tmp_path


def test_turns_are_read_and_broken_lines_left_out(data):
    first, second = datasets.multidogo(data, "train")
    assert first == datasets.Turn("airline", "c1", 0, 'a "window seat please', ("getseatinfo", "bookflight"))
    assert (second.number, second.text, second.intents) == (4, "thanks", ())


def test_comments_come_with_the_numbers_of_their_emotions(data):
    names = datasets.emotion_names(data)
    labelled = [(text, [names[number] for number in numbers]) for text, numbers in datasets.goemotions(data, "train")]
    assert labelled == [("so proud “you”", ["joy", "pride"]), ("ok", ["neutral"])]


def test_both_sides_of_a_care_dialogue_are_read(data):
    assert list(datasets.care_messages(data)) == ["why?", "because"]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(datasets.MissingData, match=r"dev\.json is missing: name the folder that holds goemotions/"):
        list(datasets.care_messages(tmp_path))


@pytest.mark.parametrize("name", ["urgency", "deadlines", "expertise", "frustration"])
def test_our_own_items_are_split_by_their_ids(name):
    train, test = (list(datasets.labelled(name, part)) for part in ("train", "test"))
    assert len(train) + len(test) >= 400
    assert {item["id"] for item in train}.isdisjoint(item["id"] for item in test)
    assert all(crc32(item["id"].encode()) % 5 == 0 for item in test)
    assert 0.1 < len(test) / (len(train) + len(test)) < 0.3

"""How much of the evidence is found again."""

from __future__ import annotations

import pytest

from omnibot.evaluation.recall import Conversation, measure

TURNS = [
    {"id": 1, "speaker": "Ada", "text": "I bought a trumpet on Monday."},
    {"id": "2", "speaker": "Ben", "text": "Lovely."},
    *({"id": f"f{n}", "speaker": "Ben", "text": "And the rain goes on."} for n in range(30)),
]


def asked(*queries: tuple[str, list[object]]) -> Conversation:
    told = [{"text": text, "evidence": evidence} for text, evidence in queries]
    return Conversation.model_validate({"turns": TURNS, "queries": told, "session": "more"})


def test_recall_is_the_mean_share_over_the_questions() -> None:
    # The first finds its only turn. Of the second's two, the last rain is beyond what twenty of thirty places hold.
    report = measure(
        [asked(("Who bought the trumpet?", [1]), ("What did Ada buy, a trumpet?", ["1", "f29"]))], "en", None
    )
    assert [report.figures[f"recall@{k}"] for k in (5, 10, 20)] == [0.75] * 3
    assert report.figures["queries"] == 2
    assert not report.notes


def test_evidence_that_is_no_turn_is_left_out_and_told() -> None:
    report = measure([asked(("trumpet?", [1, "99"]), ("rain?", ["98"]), ("Lovely?", []))], "en", None)
    assert report.figures["recall@5"] == 1
    assert report.figures["queries"] == 1
    assert report.notes == [
        "2 ids of evidence are none of their conversation's turns: they are left out",
        "2 questions have no evidence among the turns: they are left out",
    ]


def test_evidence_that_stands_alone_is_a_list_of_one() -> None:
    conversation = Conversation.model_validate(
        {"turns": TURNS, "queries": [{"text": "?", "evidence": "f10"}, {"text": "?", "evidence": 1}]}
    )
    assert [query.evidence for query in conversation.queries] == [["f10"], ["1"]]


@pytest.mark.parametrize("conversations", [[asked()], [Conversation(turns=[], queries=[])]])
def test_without_questions_there_is_no_recall(conversations: list[Conversation]) -> None:
    report = measure(conversations, "en", None)
    assert report.figures["recall@10"] is None
    assert report.notes == ["no question is left, so there is no recall"]

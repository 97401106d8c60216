"""Never more than three wait for a model that does not answer, and nobody while it rests."""

from hypothesis import given
from hypothesis import strategies as st

from omnibot.phrasing.circuit import Circuit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def failing(circuit: Circuit, times: int = 3) -> None:
    for _ in range(times):
        assert circuit.refuses() == ""
        circuit.begin()
        circuit.end("failed")


def test_as_many_wait_as_there_are_places() -> None:
    circuit = Circuit(2, 30)
    circuit.begin()
    assert circuit.refuses() == ""
    circuit.begin()
    assert circuit.refuses() == "busy"
    circuit.end("used")
    assert circuit.refuses() == ""


def test_it_opens_after_three_failures_in_a_row() -> None:
    circuit = Circuit(3, 30, Clock())
    failing(circuit, 2)
    circuit.begin()
    assert circuit.end("failed")
    assert circuit.refuses() == "resting"
    assert circuit.seconds == 30


def test_an_answer_in_between_is_a_new_beginning() -> None:
    circuit = Circuit(3, 30)
    failing(circuit, 2)
    circuit.begin()
    circuit.end("used")
    failing(circuit, 2)
    assert circuit.refuses() == ""


def test_what_is_cut_short_says_nothing() -> None:
    circuit = Circuit(3, 30)
    for _ in range(10):
        circuit.begin()
        assert not circuit.end("cut")
    assert circuit.refuses() == ""


def test_a_model_whose_answers_nobody_can_send_rests_too() -> None:
    circuit = Circuit(3, 30)
    opened = []
    for _ in range(10):
        circuit.begin()
        opened.append(circuit.end("unusable"))
    assert opened == [False] * 9 + [True]


def test_it_closes_when_somebody_has_tried_and_rests_longer_when_they_have_not_got_an_answer() -> None:
    clock = Clock()
    circuit = Circuit(3, 30, clock)
    failing(circuit)
    rests = []
    for _ in range(6):
        rests.append(circuit.seconds)
        clock.now += circuit.seconds
        assert circuit.seconds == 0
        circuit.tried(answers=False)
        assert circuit.refuses() == "resting"
    assert rests == [30, 60, 120, 240, 480, 600]
    circuit.tried(answers=True)
    assert circuit.refuses() == ""
    assert circuit.seconds == 0


@given(st.integers(1, 32), st.lists(st.sampled_from(["begin", "fail", "cut"]), max_size=200))
def test_while_nothing_comes_back_no_more_than_three_fail(at_once: int, steps: list[str]) -> None:
    circuit = Circuit(min(at_once, 3), 30, Clock())
    waiting = failed = 0
    for step in steps:
        if step == "begin" and not circuit.refuses():
            circuit.begin()
            waiting += 1
        elif step != "begin" and waiting:
            waiting -= 1
            failed += step == "fail"
            circuit.end("failed" if step == "fail" else "cut")
    assert failed <= 3
    assert waiting + failed <= 3

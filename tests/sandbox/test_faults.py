from omnibot.sandbox import Blocked, Cut, Delay, Duplicate, Faults, Hang, ServerError, Throttle


def test_without_orders_everything_works():
    assert Faults().take("telegram", "sendMessage", "4711") is None


def test_an_order_holds_for_so_many_calls():
    faults = Faults()
    faults.add(ServerError(502), count=2)
    taken = [faults.take("telegram", "sendMessage") for _ in range(3)]
    assert taken == [ServerError(502), ServerError(502), None]


def test_orders_are_taken_as_they_were_given():
    faults = Faults()
    faults.add(Throttle(3))
    faults.add(Hang(accepted=True))
    taken = [faults.take("telegram", "sendMessage") for _ in range(3)]
    assert taken == [Throttle(3), Hang(accepted=True), None]


def test_an_order_without_a_count_holds_until_cleared():
    faults = Faults()
    faults.add(Blocked(), address="4711", count=None)
    assert [faults.take("telegram", "sendMessage", "4711") for _ in range(3)] == [Blocked()] * 3
    faults.clear()
    assert faults.take("telegram", "sendMessage", "4711") is None


def test_an_order_concerns_only_what_it_names():
    faults = Faults()
    faults.add(Cut(accepted=False), provider="telegram", method="sendMessage", address="4711")
    assert faults.take("email", "sendMessage", "4711") is None
    assert faults.take("telegram", "getMe", "4711") is None
    assert faults.take("telegram", "sendMessage", "4712") is None
    assert faults.take("telegram", "sendMessage", "4711") == Cut(accepted=False)


def test_every_third_call_can_fail():
    faults = Faults()
    faults.add(ServerError(), count=None, every=3)
    assert [faults.take("telegram", "sendMessage") is not None for _ in range(6)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip


def test_arrivals_and_calls_do_not_take_each_others_orders():
    faults = Faults()
    faults.add(Duplicate(2))
    faults.add(Delay(1))
    faults.add(ServerError())
    assert faults.take("telegram", "sendMessage") == ServerError()
    assert faults.take("telegram", "arrival") == Duplicate(2)
    assert faults.take("telegram", "arrival") == Delay(1)

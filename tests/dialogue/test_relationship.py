"""Playbooks can ask what somebody is to the company, and only then it is computed."""

from datetime import UTC
from decimal import Decimal

from tests.memory.people import NOON, TELEGRAM, Person, read

from omnibot.dialogue.world import World
from omnibot.model import MessageId, Money, Recollection, Relationship, TurnMessage
from omnibot.playbooks import Expression


def world(relationship: Relationship | None, asked: list[str] | None = None) -> World:
    def relate() -> Relationship:
        assert relationship is not None
        if asked is not None:
            asked.append("asked")
        return relationship

    recollection = Recollection(relationship=relate if relationship else None)
    message = TurnMessage(id=MessageId(1), address=TELEGRAM.id, at=NOON, text="hello")
    return World(Person().snapshot, read(), recollection, [message], TELEGRAM, UTC)


def test_a_condition_can_rest_on_what_they_pay_and_how_content_they_are() -> None:
    loyal = Relationship(
        paid=Money(Decimal("1200.50"), "EUR"), monthly=Money(Decimal(39), "EUR"), satisfaction=-0.3, trend=-0.1,
        escalations=2, milestones=("100 projects",), features=("export", "share"), engagement=0.4,
    )  # fmt: skip
    for condition in (
        "customer.paid > 1000 and customer.monthly == 39",
        "customer.satisfaction < 0 and customer.satisfaction_trend < 0",
        "customer.escalations >= 2 and customer.milestones == 1",
        "customer.features == 2 and customer.engagement < 0.5",
    ):
        assert world(loyal).holds(Expression.of(condition)), condition


def test_what_is_not_known_holds_for_nothing() -> None:
    for unknown in (None, Relationship()):
        assert not world(unknown).holds(Expression.of("customer.paid > 0 or customer.engagement < 1"))


def test_it_is_computed_by_those_who_ask_alone() -> None:
    asked: list[str] = []
    there = world(Relationship(escalations=1), asked)
    assert there.holds(Expression.of("customer.escalations > 0"))
    assert asked == ["asked"]
    assert there.holds(Expression.of("customer.channel == 'telegram'"))
    assert asked == ["asked"]

"""Deliver: what waits in the outbox goes past the gate to its channel, in order for each address."""

from omnibot.delivery.deliver import Delivery

__all__ = ["Delivery"]

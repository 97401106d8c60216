"""Receive: what a channel hands over is made clean, committed, and only then acknowledged."""

from omnibot.intake.receive import Intake

__all__ = ["Intake"]

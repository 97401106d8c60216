"""What is wrong with a configuration, where, and what whoever runs the server must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PREFIX = "OMNIBOT_"
Steps = tuple[str, ...]  # where a setting stands: ("server", "port")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what whoever runs the server must do. Never holds a secret."""

    where: str
    problem: str
    action: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.action}"


class SettingsError(Exception):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["these settings need correcting by whoever runs Omnibot:", *map(str, self.faults)]))


def environment_name(steps: Steps) -> str:
    """`OMNIBOT_SERVER__PORT` for ("server", "port")."""
    return PREFIX + "__".join(steps).upper()


def fault(steps: Steps, problem: str, action: str) -> Fault:
    """A fault of one setting, named as TOML and as the environment call it."""
    return Fault(f"{'.'.join(steps)} ({environment_name(steps)})", problem, action)

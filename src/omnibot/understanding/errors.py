"""What makes it impossible to read messages as the settings say."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PipelineError"]


class PipelineError(Exception):
    """What the settings name cannot be used; `faults`: the setting, what is wrong with it, and what to do."""

    def __init__(self, faults: Sequence[tuple[str, str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{setting}: {problem}; {action}" for setting, problem, action in faults))

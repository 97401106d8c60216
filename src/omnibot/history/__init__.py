"""History: what happened before Omnibot, from CSV and JSONL files, judged before any of it is written.

docs/history.md is for whoever exports it. `survey` reads all files and tells what they hold and lack; `bring` writes.
"""

from __future__ import annotations

from omnibot.history.bring import Brought, bring
from omnibot.history.entries import EntryReader
from omnibot.history.files import FileError
from omnibot.history.survey import Survey, survey

__all__ = ["Brought", "EntryReader", "FileError", "Survey", "bring", "survey"]

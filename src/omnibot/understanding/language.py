"""In which of the company's languages somebody writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnibot.model import Signal

__all__ = ["Languages"]

_FEWEST_WORDS = 3  # fewer carry too little: "ok", "Hello API"
_SURE = 0.8
_KEPT = 0.6  # how sure we are that somebody still writes in the language of their last message
_LONGEST = 1000  # characters; more tell nothing new about a language
# A sign of a script that sets no spaces counts as a word.
_WORD = re.compile(r"[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af]|[^\W\d_]+")


class Languages:
    """py3langid, restricted to the languages of the company: that matters more than the library."""

    def __init__(self, languages: Sequence[str]) -> None:
        from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
        from py3langid.modelio import load_model

        if not languages:
            raise ValueError("name at least one language that the company answers in")
        self._configured = frozenset(languages)
        self._company = languages[0]
        probabilities, priors, classes, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
        ours = [column for column, name in enumerate(classes) if name in self._configured]
        # Only our columns, copied: `set_languages` would keep all 142 languages in memory (28 MB).
        self._identifier = (
            LanguageIdentifier(
                probabilities[:, ours],
                priors[ours],
                [classes[column] for column in ours],
                moves,
                outputs,
                norm_probs=True,
                tk_row=rows,
            )
            if len(ours) > 1
            else None
        )

    def read(self, text: str, last: str | None) -> Signal[str]:
        """The language of a text; with too few words the customer's `last`, else the company's, unknown."""
        text = text[:_LONGEST]
        if self._identifier is not None and len(_WORD.findall(text)) >= _FEWEST_WORDS:
            language, confidence = self._identifier.classify(text)
            if confidence >= _SURE:
                return Signal(language, round(confidence, 3), (" ".join(text.split()[:5]),))
        if last in self._configured:
            return Signal(last, _KEPT, ("the customer's last language",))
        return Signal(self._company, 0.0, ("the company's language",), known=False)

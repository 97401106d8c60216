"""Between turns and a language model: who may wait for it, for how long, at what price, and what came of it.

Replies never depend on it. Whatever happens here, the voice pack's words are there already.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import structlog

from omnibot.phrasing.circuit import Circuit, Ended
from omnibot.phrasing.client import Answer, Model, Unanswered, missing
from omnibot.settings import Fault, Llm, SettingsError, fault
from omnibot.store import StoreUnavailable
from omnibot.store.wordings import Day, Wordings
from omnibot.turns.pauses import Phrased, Wording

__all__ = ["Phrasing", "faults_of"]

log = structlog.get_logger(__name__)

_WRITE_SECONDS = 5.0  # between two writings of what was counted
_LOOK_SECONDS = 0.5  # between two looks whether there is something to try or to write
_ENDS: Mapping[str, Ended] = {"doubt": "unusable", "resting": "cut"}
_PROBE = ("Answer with one word.", '{"reply": "Are you there?"}')


_FAULTS = {
    "timeout": ("does not answer in time", "see that it runs, or raise voice.llm.timeout_seconds"),
    "unreachable": ("cannot be reached", "see that it runs, and correct voice.llm.base_url"),
    "refused": ("refuses", "correct voice.llm.key, voice.llm.model and voice.llm.options"),
    "throttled": ("takes no more requests now", "ask its operator for more, or lower voice.llm.at_once"),
    "garbage": ("answers something else than chat completions", "correct voice.llm.base_url"),
}


async def faults_of(settings: Llm) -> list[Fault]:
    """What is wrong with the model that is configured, after one small question to it; [] without one."""
    if not settings.is_configured:
        return []
    if faults := missing():
        return faults
    try:
        async with Model.open(settings) as model, asyncio.timeout(settings.timeout_seconds):
            await model.ask(*_PROBE)
    except (Unanswered, TimeoutError) as error:
        problem, action = _FAULTS[error.why if isinstance(error, Unanswered) else "timeout"]
        status = f" (HTTP {error.status})" if isinstance(error, Unanswered) and error.status else ""
        return [fault(("voice", "llm"), problem + status, action + "; until then the voice packs' words are sent")]
    return []


class Phrasing:
    """One model, for the turns of one process; made by `Phrasing.open`."""

    def __init__(
        self, model: Model, settings: Llm, wordings: Wordings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._model = model
        self._settings = settings
        self._wordings = wordings
        self._circuit = Circuit(settings.at_once, settings.rest_seconds, now)
        self._waiting: set[asyncio.Timeout] = set()
        self._counted: Counter[str] = Counter()  # replies, by who wrote them or why not
        self._tokens_in = self._tokens_out = 0  # that are not written yet
        self._today = Day()  # of all processes, as they were written last
        self._written_at = time.monotonic()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Llm, wordings: Wordings) -> AsyncIterator[Phrasing]:
        """Connect to nobody yet; at the end what was counted is written. Raises SettingsError without the client."""
        if faults := missing():
            raise SettingsError(faults)
        async with Model.open(settings) as model:
            phrasing = cls(model, settings, wordings)
            await phrasing.write_down()
            yield phrasing
            await phrasing.write_down()

    # --- for turns ---

    def refuses(self) -> str:
        """Why nothing can be asked of it now: resting, busy or budget; '' where something can."""
        return self._circuit.refuses() or ("budget" if self._is_spent() else "")

    def begin(self) -> str:
        """Take a place to wait in, which `write` gives back; tells why there is none, or ''."""
        if not (why := self.refuses()):
            self._circuit.begin()
        return why

    async def write(self, wording: Wording) -> Phrased:
        """What the model makes of it, or why that is not sent. Call it after `begin`, and cancel it at any time."""
        began = time.monotonic()
        how: Ended = "cut"
        try:
            phrased = await self._phrased(wording)
            how = _ended(phrased)
        finally:
            if self._circuit.end(how):
                self._rest()
        log.info(
            "llm.wrote" if phrased.drafts else "llm.fell_back",
            reason=phrased.why,
            kind="+".join(sorted({doubt.kind.replace(" ", "_") for doubt in phrased.doubts})) or "none",
            milliseconds=round((time.monotonic() - began) * 1000),
        )
        return phrased

    async def _phrased(self, wording: Wording) -> Phrased:
        name = self._model.name
        try:
            answer = await self._asked(wording.instructions, wording.brief)
        except Unanswered as error:
            if error.status:
                log.warning("llm.refused", status=error.status)
            return Phrased(why=error.why, model=name)
        except TimeoutError:
            return Phrased(why="resting" if self._circuit.tries_at is not None else "timeout", model=name)
        judged = wording.judge(answer.text)
        return Phrased(judged.drafts, "" if judged.drafts else "doubt", judged.doubts, name)

    async def _asked(self, instructions: str, brief: str) -> Answer:
        """Raises Unanswered, and TimeoutError when it takes too long or nobody is to wait any more."""
        async with asyncio.timeout(self._settings.timeout_seconds) as deadline:
            self._waiting.add(deadline)
            try:
                answer = await self._model.ask(instructions, brief)
            finally:
                self._waiting.discard(deadline)
        self._tokens_in += answer.tokens_in
        self._tokens_out += answer.tokens_out
        return answer

    def _rest(self) -> None:
        """Nobody waits for it any more; who does is let go."""
        log.warning("llm.resting", seconds=round(self._circuit.seconds))
        for deadline in self._waiting:
            deadline.reschedule(asyncio.get_running_loop().time())

    def count(self, by: str) -> None:
        """A reply has left that the model wrote (`model`) or that it might have written, and why it did not."""
        self._counted[by] += 1

    # --- beside them ---

    async def run(self) -> None:
        """Try whether it answers again, and write down what was counted, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.try_again()
            if time.monotonic() - self._written_at >= _WRITE_SECONDS:
                await self.write_down()

    async def try_again(self) -> None:
        """Ask it for nothing in particular where it is time for that."""
        if self._circuit.tries_at is None or self._circuit.seconds > 0 or self._is_spent():
            return
        answers = False
        with suppress(Unanswered, TimeoutError):
            await self._asked(*_PROBE)
            answers = True
        self._circuit.tried(answers=answers)
        log.info("llm.tried", state="answers" if answers else "resting", seconds=round(self._circuit.seconds))

    async def write_down(self) -> None:
        """What was counted, for all processes to know; while the database is away it is kept."""
        counted, tokens_in, tokens_out = Counter(self._counted), self._tokens_in, self._tokens_out
        self._written_at = time.monotonic()
        try:
            self._today = await self._wordings.add(counted, tokens_in, tokens_out)
        except StoreUnavailable as error:
            log.warning("llm.not_counted", reason=str(error))
            return
        self._counted.subtract(counted)
        self._tokens_in -= tokens_in
        self._tokens_out -= tokens_out

    def _is_spent(self) -> bool:
        """Whether what a day may cost is used up. Other processes tell it some seconds later."""
        settings = self._settings
        tokens_in, tokens_out = self._today.tokens_in + self._tokens_in, self._today.tokens_out + self._tokens_out
        too_many = 0 < settings.tokens_per_day <= tokens_in + tokens_out
        return too_many or 0 < settings.amount_per_day <= settings.amount(tokens_in, tokens_out)


def _ended(phrased: Phrased) -> Ended:
    if phrased.drafts:
        return "used"
    return _ENDS.get(phrased.why, "failed")

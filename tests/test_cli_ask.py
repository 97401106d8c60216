"""omnibot ask for people: each thing that was remembered or planned is one line that says where it comes from."""

from __future__ import annotations

from omnibot.cli.ask import _headline, _plan, _recollection

REMEMBERED = {
    "name": "Sarah Lind",
    "since": "2023-02-01T09:00:00+00:00",
    "preferences": {"length": "detailed", "register": "casual"},
    "stated": ["length"],
    "facts": {"name": "Sarah Lind", "plan": "Pro", "preference.length": "detailed"},
    "events": [{"name": "plan_changed", "at": "2025-12-15T09:00:00+00:00", "properties": {"plan": "Pro"}}],
    "usage": [{"name": "feature_used:export", "count": 12, "last_at": "2026-01-02T09:00:00+00:00"}],
    "case": None,
    "contacts": 1,
    "agents": [],
    "recalled": [
        {"at": "2024-03-01T09:00:00+00:00", "address": "telegram:4711", "text": "two\nlines", "score": 0.834, "id": 7}
    ],
}
NOTHING = {"moves": [], "asks": [], "to": None, "pointer": None, "handoff": "", "team": "", "case": None, "changes": []}


def test_what_is_remembered_says_how_it_is_known() -> None:
    assert list(_recollection(REMEMBERED)) == [
        "called Sarah Lind",
        "known since 2023-02-01",
        "prefers length detailed (stated)",
        "prefers register casual (learned)",
        "fact plan: Pro",
        "event plan_changed on 2025-12-15 (plan Pro)",
        "used feature_used:export, 12 times, last on 2026-01-02",
        "reminded of 2024-03-01, telegram:4711: “two lines” (0.83)",
    ]


def test_a_case_is_told_with_what_was_tried() -> None:
    case = {
        "id": 4,
        "intent": "api-timeout",
        "topic": "",
        "state": "open",
        "channels": ["sms", "email"],
        "attempts": [{"what": "a restart", "result": "failed", "by": "Nina", "at": "2026-01-02T09:00:00+00:00"}],
    }
    nobody = {"name": "", "since": None, "preferences": {}, "stated": [], "facts": {}, "events": [], "usage": []}
    told = nobody | {"case": case, "contacts": 3, "agents": ["Nina"], "recalled": []}
    assert list(_recollection(told)) == [
        "case 4: api-timeout, open",
        "contact 3 about it (sms, email)",
        "tried a restart: failed (Nina, 2026-01-02)",
        "helped before: Nina",
    ]
    assert "helped before: Nina" not in list(_recollection(told | {"agents": []}))


def test_a_plan_says_why_and_on_what_it_rests() -> None:
    told = NOTHING | {
        "moves": [
            {"kind": "cause", "topic": "upgrade", "facts": ["plan"], "sources": ["event:e1"], "why": "it changed"},
            {"kind": "close", "topic": "thanks", "facts": [], "sources": [], "why": ""},
        ],
        "asks": [{"purpose": "link", "channel": "email"}],
        "to": "email:sarah@example.org",
        "pointer": "telegram:4711",
        "handoff": "asked for a person",
        "team": "senior",
        "case": {"id": None, "intent": "bill-changed", "state": "handed_off", "why": "people take over"},
        "changes": [{"key": "plan", "value": "Pro"}, {"key": "zone", "value": ""}],
        "why": "it changed",
    }
    assert list(_plan(told)) == [
        "cause upgrade with plan: it changed [event:e1]",
        "close thanks",
        "a code would go out by email (link)",
        "the answer goes to email:sarah@example.org, and says so at telegram:4711",
        "people take over (senior): asked for a person",
        "a new case, bill-changed, would be handed off: people take over",
        "remembered: plan Pro",
        "remembered: zone taken back",
        "why: it changed",
    ]
    assert list(_plan(NOTHING | {"why": "", "to": "telegram:4711"})) == ["the answer goes to telegram:4711"]


def test_nothing_is_told_in_words_that_only_the_code_has() -> None:
    parts = ["detailed", "language", "link.1.label", "short"]
    told = NOTHING | {
        "moves": [
            {"kind": "answer", "topic": "cancel", "facts": parts, "sources": ["article:cancel"], "why": "score 0.88"},
            {"kind": "ask", "topic": "which", "facts": ["choice.intent:refund"], "sources": [], "why": ""},
            {"kind": "handoff", "topic": "unknown", "facts": [], "sources": [], "why": "no approved answer"},
        ],
        "to": None,
        "case": {"id": 4, "intent": "oos", "state": "handed_off", "why": ""},
        "why": "",
    }
    assert list(_plan(told)) == [
        "answer cancel: score 0.88 [article:cancel]",
        "ask which",
        "hand over to people: no approved answer",
        "case 4, for which there is no playbook, would be handed off",
    ]
    draft = {"to": "email:a@example.org", "purpose": "unsolicited", "subject": "Re: Hello"}
    assert _headline(draft) == "Draft to email:a@example.org (“Re: Hello”)"
    assert _headline(draft | {"purpose": "code", "subject": ""}) == "Draft to email:a@example.org (brings a code)"


def test_that_nothing_is_known_of_somebody_is_said() -> None:
    nobody = {"name": "", "since": None, "preferences": {}, "stated": [], "facts": {}, "events": [], "usage": []}
    told = nobody | {"case": None, "recalled": []}
    assert list(_recollection(told)) == ["nothing: they are new, or nobody has told us anything"]

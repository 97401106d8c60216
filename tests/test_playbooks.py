from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from omnibot.model import OUT_OF_SCOPE, Register
from omnibot.playbooks import PlaybookError, Playbooks, Within

OURS = Path(__file__).parents[1] / "config" / "playbooks"

REFUND = """\
intent: refund
description: Somebody wants money back.
examples:
  en:
    - I want my money back
    - Can I get a refund?
  de:
    - Ich will mein Geld zurück
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(PlaybookError) as raised:
        Playbooks.load(folder)
    return [fault.removeprefix(f"{folder}/") for fault in raised.value.faults]


def test_a_playbook_says_what_is_wanted_and_how_it_is_put(tmp_path):
    [playbook] = Playbooks.load(written(tmp_path, refund=REFUND)).playbooks
    assert playbook.intent == "refund"
    assert playbook.description == "Somebody wants money back."
    assert playbook.examples == {
        "en": ("I want my money back", "Can I get a refund?"),
        "de": ("Ich will mein Geld zurück",),
    }


def test_examples_are_what_intents_are_learned_from(tmp_path):
    assert Playbooks.load(written(tmp_path, refund=REFUND)).examples == (
        ("I want my money back", "refund"),
        ("Can I get a refund?", "refund"),
        ("Ich will mein Geld zurück", "refund"),
    )


def test_what_is_written_twice_in_a_playbook_counts_once(tmp_path):
    text = REFUND.replace("    - Can I get a refund?", "    - i want  MY money back!")
    [playbook] = Playbooks.load(written(tmp_path, refund=text)).playbooks
    assert playbook.examples["en"] == ("I want my money back",)


def test_a_folder_without_playbooks_is_allowed(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / ".draft.yaml").write_text("nothing")
    assert Playbooks.load(tmp_path).examples == ()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    assert "is not a folder; make it" in faults(tmp_path / "nowhere")[0]


def test_the_playbooks_that_come_along_are_right_and_in_four_languages():
    playbooks = Playbooks.load(OURS).playbooks
    assert OUT_OF_SCOPE in {playbook.intent for playbook in playbooks}
    assert len(playbooks) > 12
    assert all(playbook.examples.keys() == {"en", "es", "de", "fr"} for playbook in playbooks)
    assert all(len(texts) >= 6 for playbook in playbooks for texts in playbook.examples.values())


WRONG = {
    "a key that does not exist": (REFUND + "anwser: later\n", "refund.yaml:9: unknown key 'anwser'; known are intent"),
    "a key that stands twice": (REFUND + "intent: money\n", "refund.yaml:9: `intent` stands twice; keep one"),
    "an intent that is missing": (REFUND.replace("intent: refund\n", ""), "refund.yaml:1: `intent` is missing; add it"),
    "a description that is missing": (
        REFUND.replace("description: Somebody wants money back.\n", ""),
        "refund.yaml:1: `description` is missing; add it",
    ),
    "an intent with spaces": (
        REFUND.replace("intent: refund", "intent: Money back"),
        "refund.yaml:1: `intent: Money back` is not valid; write it in small letters",
    ),
    "an intent that is a list": (
        REFUND.replace("intent: refund", "intent: [refund]"),
        "refund.yaml:1: `intent` must be a text",
    ),
    "a number for a description": (
        REFUND.replace("Somebody wants money back.", "7"),
        "refund.yaml:2: `description` must be a text; put numbers",
    ),
    "examples without languages": (
        REFUND[: REFUND.index("  en:")] + "  - I want my money back\n",
        "refund.yaml:4: `examples` must be lists by language; write `en:`",
    ),
    "a language that is none": (
        REFUND.replace("  de:", "  german:"),
        "refund.yaml:7: 'german' is no language; write two letters",
    ),
    "Norwegian, which YAML takes for a no": (
        REFUND.replace("  de:", "  no:"),
        "refund.yaml:7: 'no' is no language; write two letters (ISO 639-1), and `no` in quotes",
    ),
    "a language that stands twice": (
        REFUND.replace("  de:", "  en:"),
        "refund.yaml:7: the language 'en' stands twice; keep one list",
    ),
    "a language with a text": (
        REFUND[: REFUND.index("  de:")] + "  de: Geld zurück\n",
        "refund.yaml:7: 'de' must be a list of phrasings; put a dash before each",
    ),
    "no phrasing at all": (
        REFUND[: REFUND.index("  en:")] + "  en: []\n",
        "refund.yaml:4: `examples` has no phrasings; list how customers say this",
    ),
    "a phrasing with a colon": (
        REFUND.replace("- Can I get a refund?", "- my question: can I get a refund?"),
        "refund.yaml:6: a phrasing must be a text; put one with a colon",
    ),
    "a phrasing that YAML takes for a yes": (
        REFUND.replace("- Can I get a refund?", "- yes"),
        "refund.yaml:6: a phrasing must be a text; put one with a colon, and numbers, yes and no, into quotes",
    ),
    "a phrasing that is a story": (
        REFUND.replace("Can I get a refund?", "refund " * 100),
        "refund.yaml:6: a phrasing is longer than 500 characters; shorten it",
    ),
    "no YAML": ('intent: "refund\n', "refund.yaml:2: is not YAML (found unexpected end of stream); put a text"),
    "a control character": ("intent: ref\x07und\n", "refund.yaml:1: is not YAML (special characters are not allowed)"),
    "a list of playbooks": ("- intent: refund\n", "refund.yaml:1: is no playbook; write the keys intent, description"),
    "nothing": ("", "refund.yaml:1: is no playbook; write the keys intent, description, examples"),
}


@pytest.mark.parametrize(("text", "fault"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, fault):
    assert faults(written(tmp_path, refund=text)) == [StartsWith(fault)]


class StartsWith(str):
    """Equal to what begins with it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(str(self))

    __hash__ = str.__hash__


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_files(tmp_path):
    written(tmp_path, a="[]", b=REFUND + "later: 1\nmore: 2\n")
    assert faults(tmp_path) == [
        StartsWith("a.yaml:1: is no playbook"),
        StartsWith("b.yaml:9: unknown key 'later'"),
        StartsWith("b.yaml:10: unknown key 'more'"),
    ]


def test_an_intent_has_one_playbook(tmp_path):
    other = REFUND.replace("I want my money back", "money please").replace("Can I get a refund?", "give it back")
    assert faults(written(tmp_path, a=REFUND, b=other.replace("Ich will mein", "Bitte mein"))) == [
        StartsWith("b.yaml:1: the intent 'refund' is taken by a.yaml; keep one of them")
    ]


def test_a_phrasing_stands_for_one_intent(tmp_path):
    other = "intent: money\ndescription: Money.\nexamples:\n  en: [give me money, I want my money back!]\n"
    assert faults(written(tmp_path, a=REFUND, b=other)) == [
        StartsWith("b.yaml:4: 'I want my money back!' stands for 'refund', too (a.yaml:5); leave it to the one")
    ]


def test_a_phrasing_with_half_a_pair_of_surrogates_is_told(tmp_path):
    text = REFUND.replace("examples:", 'examples:\n  fr:\n    - "rendez \\ud83d l\'argent"', 1)
    [fault] = faults(written(tmp_path, refund=text))
    assert "is no valid Unicode" in fault


def test_a_file_that_is_not_utf_8_is_told(tmp_path):
    (tmp_path / "refund.yaml").write_bytes(REFUND.encode("latin-1"))
    assert faults(tmp_path) == [StartsWith("refund.yaml:1: is not UTF-8 (byte 1")]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "refund.yaml").mkdir()
    assert faults(tmp_path) == [StartsWith("refund.yaml:1: cannot be read (Is a directory); let whoever runs")]


# --- what is to be done ---------------------------------------------------------------------------------------------

WHOLE = (
    REFUND
    + """\
matter:
  en: your refund
  de: {casual: deine Erstattung, formal: Ihre Erstattung}
family: billing
topic: "{invoice}"
lookup: [parcel_lost, seats, "feature_used:export", serial]
causes:
  - id: upgrade
    when: event('plan_changed').days_ago <= 62 and event('plan_changed').plan > ''
    say:
      en: {casual: "Your move to {plan} {date, on} explains it.", formal: "The move to {plan} {date, on} explains it."}
      es: "El cambio a {plan} lo explica ({date})."
    facts: {plan: "event('plan_changed').plan", date: "event('plan_changed').date"}
answers:
  - {when: "reading.expertise == 'expert'", article: refund-technical}
  - article: refund
ask: {when: "not entity('invoice')", key: which-invoice, say: {en: "Which invoice is it?"}}
handoff:
  - {when: "case.contacts >= 3 or tried('refund')", team: senior, priority: high, within: 4h}
  - {when: "fact('seats')|int > 100", why: they have many seats, team: key-accounts, within: 1d}
never_repeat: no
next: {en: "Shall I tell you when it has left us?"}
follow_up: {after: 2d}
survey: csat
"""
)


def test_a_playbook_says_what_is_to_be_done(tmp_path):
    [playbook] = Playbooks.load(written(tmp_path, refund=WHOLE)).playbooks
    assert playbook.matter["en"][Register.FORMAL] == "your refund"
    assert playbook.matter["de"][Register.CASUAL] == "deine Erstattung"
    assert (playbook.kind, playbook.topic) == ("billing", "invoice")
    [cause] = playbook.causes
    assert cause.said.texts["en"][Register.CASUAL] == "Your move to {plan} {date, on} explains it."
    assert cause.said.places == {"plan", "date"}
    assert [answer.article for answer in playbook.answers] == ["refund-technical", "refund"]
    [question] = playbook.questions
    assert question.key == "which-invoice"
    senior, accounts = playbook.handoffs
    assert (senior.team, senior.priority, senior.within) == ("senior", "high", Within(minutes=240))
    assert (accounts.team, accounts.priority, accounts.within) == ("key-accounts", "", Within(days=1))
    assert (senior.why, accounts.why) == ("", "they have many seats")
    assert playbook.never_repeat is False
    assert playbook.next is not None
    assert playbook.follow_up == timedelta(days=2)
    assert playbook.survey == "csat"
    assert playbook.decides


def test_a_playbook_says_whether_it_is_a_matter_of_its_own(tmp_path):
    thanks = (
        REFUND.replace("intent: refund", "intent: thanks")
        .replace("money", "thanks")
        .replace("refund", "thanks")
        .replace("Geld", "Lob")
    )
    playbooks = Playbooks.load(written(tmp_path, refund=REFUND, thanks=thanks + "case: none\n"))
    assert playbooks.of_case("none") == {"thanks"}
    assert playbooks.of_case("own") == {"refund"}
    assert playbooks.of_case("earlier") == frozenset()


def test_what_only_tells_an_intent_decides_nothing(tmp_path):
    [playbook] = Playbooks.load(written(tmp_path, refund=REFUND)).playbooks
    assert not playbook.decides
    assert playbook.kind == "refund"


def test_a_next_step_may_have_a_condition_of_its_own(tmp_path):
    text = (
        REFUND
        + 'next: {when: "customer.is_new", say: {en: "Shall I go on in {plan}?"}, facts: {plan: customer.plan}}\n'
    )
    [playbook] = Playbooks.load(written(tmp_path, refund=text)).playbooks
    assert playbook.next is not None
    assert playbook.next.when is not None
    assert playbook.next.said.places == {"plan"}


def test_the_same_files_read_twice_are_the_same_playbooks(tmp_path):
    folder = written(tmp_path, refund=WHOLE)
    assert Playbooks.load(folder) == Playbooks.load(folder)
    written(tmp_path, refund=WHOLE.replace("<= 62", "<= 31"))
    before = Playbooks.load(folder)
    written(tmp_path, refund=WHOLE)
    assert before != Playbooks.load(folder)


RULES_WRONG = {
    "an expression that cannot be read": (
        "handoff: {when: 'case.contacts >=', team: a}",
        "9: 'case.contacts >=' cannot be read",
    ),
    "a name that does not exist": (
        "handoff: {when: 'cases.contacts > 2', team: a}",
        "9: 'cases.contacts > 2' names 'cases'",
    ),
    "an attribute that does not exist": (
        "handoff: {when: 'case.contact > 2', team: a}",
        "9: 'case.contact > 2' asks for case.contact",
    ),
    "a name that is a number": ("lookup: [3]", "9: `lookup` must be names"),
    "an event that nobody knows": (
        "handoff: {when: \"event('plan_chnaged')\", team: a}",
        "9: \"event('plan_chnaged')\" looks up the event 'plan_chnaged', which nobody knows; did you mean plan_ch",
    ),
    "a cause without an id": (
        "causes:\n  - {when: 'now.hour > 3', say: {en: It is late.}}",
        "10: `id` is missing; add it",
    ),
    "a cause that is a text": ("causes: [late]", "9: is no cause; write the keys id, when, say"),
    "a key of a cause": ("causes:\n  - {id: a, wen: 'now.hour', say: {en: Late.}}", "10: unknown key 'wen'"),
    "a place that nothing fills": (
        'causes:\n  - id: a\n    when: now.hour > 3\n    say: {en: "It was {day, on}."}',
        "12: nothing fills {day}",
    ),
    "a fact that stands nowhere": (
        "causes:\n  - {id: a, when: now.hour > 3, say: {en: Late.}, facts: {hour: now.hour}}",
        "10: the fact 'hour' stands in none of its texts",
    ),
    "a brace": ('ask: {key: a, say: {en: "Which {plan"}}', "9: 'Which {plan' lacks a }"),
    "a form that there is not": (
        'ask: {key: a, say: {en: "Which {plan, big}?"}}',
        "9: 'Which {plan, big}?' puts {plan} in the form",
    ),
    "one register of two": ("ask: {key: a, say: {de: {casual: Welche}}}", "9: `formal` is missing; add it"),
    "a text that is a number": ("ask: {key: a, say: {en: 3}}", "9: must be a text"),
    "a text that is a list": ("ask: {key: a, say: [en, es]}", "9: must be texts by language"),
    "a language that is none": ("next: {english: More}", "9: 'english' is no language"),
    "a language that stands twice": (
        "next: {en: Anything else, en: More}",
        "9: the language 'en' stands twice; keep one text",
    ),
    "a text that is an article": (
        "next: {en: " + "word " * 200 + "}",
        "9: is longer than 600 characters; make an article",
    ),
    "a length of time": (
        "handoff: {team: a, within: soon}",
        "9: `within: soon` is no length of time; write 30min, 4h or 2d",
    ),
    "no time at all": ("handoff: {team: a, within: 0h}", "9: `within: 0h` is no length of time"),
    "a priority": ("handoff: {team: a, priority: top}", "9: `priority: top` is none"),
    "a survey": ("survey: stars", "9: `survey: stars` is none; there are csat, nps and ces"),
    "a case": ("case: mine", "9: `case: mine` is none; there are own, earlier and none"),
    "a flag": ("never_repeat: maybe", "9: `never_repeat` must be yes or no"),
    "a list for a flag": ("never_repeat: [yes]", "9: `never_repeat` must be yes or no"),
    "a topic": ("topic: the order", "9: `topic: the order` names nothing"),
    "a place in a matter": ('matter: {en: "your {plan}"}', "9: has places (plan), which cannot be filled here"),
    "an article's name": ("answers: [{article: Reset Password}]", "9: `article: Reset Password` is not valid"),
    "a fact's name": ("next: {say: {en: x}, facts: {a-b: now.hour}}", "9: the fact 'a-b' cannot be a place"),
    "too many of one kind": (
        "lookup: [" + ", ".join(f"a{n}" for n in range(60)) + "]",
        "9: `lookup` has more than 50 entries",
    ),
    "a follow-up": ("follow_up: 2d", "9: is no follow-up; write the keys after"),
}


@pytest.mark.parametrize(("text", "fault"), RULES_WRONG.values(), ids=list(RULES_WRONG))
def test_what_is_wrong_with_a_rule_is_told_with_its_line(tmp_path, text, fault):
    assert StartsWith(f"refund.yaml:{fault}") in faults(written(tmp_path, refund=REFUND + text + "\n"))


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    text = REFUND + "survey: stars\ntopic: the order\nhandoff: {team: A B, within: soon, when: case}\n"
    assert len(faults(written(tmp_path, refund=text))) == 5


def test_who_names_what_is_their_own_writes_it_down(tmp_path):
    """A name that Omnibot cannot know is told as a slip of the pen, unless `lookup` has it."""
    text = REFUND + "handoff: {when: \"fact('seats')|int > 100 and event('parcel_lost')\", team: support}\n"
    assert len(faults(written(tmp_path, refund=text))) == 2
    assert Playbooks.load(written(tmp_path, refund=text + "lookup: [seats, parcel_lost]\n")).playbooks

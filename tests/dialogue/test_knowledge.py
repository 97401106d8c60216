"""Which questions get an answer, which get none, and what is told about articles that cannot be used."""

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.dialogue import Knowledge, KnowledgeError, search
from omnibot.dialogue.words import LANGUAGES
from omnibot.model import File, Link

HERE = Path(__file__).parent
ARTICLES = HERE.parents[1] / "config" / "knowledge"
QUESTIONS = tomllib.loads((HERE / "questions.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load(ARTICLES)


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    """Without the API and two-factor authentication in Spanish."""
    folder = shutil.copytree(ARTICLES, tmp_path_factory.mktemp("lacking") / "knowledge")
    for missing in ("api-limits", "api-timeout", "two-factor"):
        (folder / f"{missing}.es.md").unlink()
    return Knowledge.load(folder)


def asked(part: str) -> Iterator[tuple[str, str, str]]:
    """(language, article or `none`, question) of a part of the questions."""
    for language, articles in QUESTIONS[part].items():
        for article, questions in articles.items():
            for question in questions:
                yield language, article, question


# --- search ---


@pytest.mark.parametrize("part", ["tuned", "held_out"])
def test_no_question_gets_a_wrong_answer(knowledge: Knowledge, part: str) -> None:
    wrong = [
        (question, found.article.id)
        for language, article, question in asked(part)
        if (found := knowledge.find(question, language)) and found.article.id != article
    ]
    assert wrong == []


@pytest.mark.parametrize(("part", "least"), [("tuned", 0.95), ("held_out", 0.7)])
def test_most_questions_get_their_answer(knowledge: Knowledge, part: str, least: float) -> None:
    answerable = [(language, article, question) for language, article, question in asked(part) if article != "none"]
    missed = [question for language, _, question in answerable if knowledge.find(question, language) is None]
    assert 1 - len(missed) / len(answerable) >= least, missed


def test_every_example_question_finds_its_own_article(knowledge: Knowledge) -> None:
    for article in knowledge.articles:
        for question in article.questions:
            found = knowledge.find(question, article.language)
            assert found is not None, question
            assert found.article == article, question


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("I forgot my pasword", "reset-password"),
        ("how do I exxport my data", "export-data"),
        ("pasxword", "reset-password"),
    ],
)
def test_a_slip_of_the_pen_is_forgiven(knowledge: Knowledge, question: str, article: str) -> None:
    found = knowledge.find(question, "en")
    assert found is not None
    assert found.article.id == article


def test_a_word_that_only_an_example_uses_answers_nothing_alone(knowledge: Knowledge) -> None:
    examples = [question for article in knowledge.articles for question in article.questions]
    assert "My password doesn't work any more" in examples
    assert knowledge.find("nothing works", "en") is None


def test_an_article_that_a_language_lacks_is_found_in_the_companys(lacking: Knowledge) -> None:
    found = lacking.find("¿Cuáles son los límites de la API?", "es")
    assert found is not None
    assert (found.article.id, found.article.language) == ("api-limits", "en")


def test_other_languages_are_not_searched() -> None:
    spanish = Knowledge.load(ARTICLES, language="es")
    assert spanish.find("how do I invite my colleagues?", "fr") is None


def test_an_article_is_given_in_the_wanted_language_else_in_the_companys(lacking: Knowledge) -> None:
    spanish = lacking.article("cancel", "es")
    english = lacking.article("two-factor", "es")
    assert spanish is not None
    assert english is not None
    assert (spanish.language, english.language) == ("es", "en")
    assert lacking.article("no-such-thing", "en") is None


def test_every_shipped_article_is_there_in_every_language_that_ships(knowledge: Knowledge) -> None:
    written = {(article.id, article.language) for article in knowledge.articles}
    ids = {id_ for id_, _ in written}
    assert {(id_, language) for id_ in ids for language in LANGUAGES} - written == set()


@pytest.mark.parametrize("question", ["", "?", "how do I", "the of and", "👍"])
def test_a_question_without_content_finds_nothing(knowledge: Knowledge, question: str) -> None:
    assert knowledge.find(question, "en") is None


def test_knowledge_without_articles_answers_nothing(tmp_path: Path) -> None:
    empty = Knowledge.load(tmp_path)
    assert empty.find("how do I reset my password", "en") is None
    assert empty.languages == ()
    assert not empty.knows("password", "en")


@pytest.fixture(scope="module")
def searching(knowledge: Knowledge) -> Knowledge:
    """The same, which remembers nothing of what the other has found."""
    return Knowledge(knowledge.articles, knowledge.company_language)


UNHEARD = ["zebras", "yodel", "quietly", "among", "violet", "xylophones"]


@given(st.data(), st.lists(st.sampled_from(UNHEARD), unique=True))
def test_what_is_given_up_unsearched_would_not_be_found(
    knowledge: Knowledge, searching: Knowledge, data: st.DataObject, more: list[str]
) -> None:
    article = data.draw(st.sampled_from(knowledge.articles))
    question = " ".join([data.draw(st.sampled_from(article.questions)), *more])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_REACH", 0.0)
        searched = searching.find(question, article.language)
    assert knowledge.find(question, article.language) == searched


def test_a_question_that_was_found_before_is_another_with_more_that_is_unknown(knowledge: Knowledge) -> None:
    question = knowledge.articles[0].questions[0]
    for asked in (question, f"{question} 4711"):
        found = knowledge.find(asked, knowledge.articles[0].language)
        assert found is not None
        assert found.article is knowledge.articles[0]
    assert knowledge.find(f"{question} {' '.join(UNHEARD)}", knowledge.articles[0].language) is None


@given(st.text(), st.sampled_from(["en", "es", "xx"]))
def test_any_text_can_be_searched(knowledge: Knowledge, text: str, language: str) -> None:
    found = knowledge.find(text, language)
    assert found is None or 0 < found.score <= 1.001


# --- files ---

GOOD = """---
id: sample
title: A sample
language: en
questions: ["How do samples work?"]
keywords: [sample]
links:
  - {label: More, url: "https://example.com/more"}
---

## short
Samples are
short.

## detailed
Samples are longer.

They have paragraphs.

## steps
1. Take one,
   carefully.
2. Try it.
"""


def load(folder: Path, *texts: str) -> Knowledge:
    for number, text in enumerate(texts, 1):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    return Knowledge.load(folder)


def test_an_article_is_read_with_all_its_parts(tmp_path: Path) -> None:
    (article,) = load(tmp_path, GOOD).articles
    assert article.title == "A sample"
    assert article.links == (Link("More", "https://example.com/more"),)
    assert article.short == "Samples are short."
    assert article.detailed == "Samples are longer.\n\nThey have paragraphs."
    assert article.steps == ("Take one, carefully.", "Try it.")


def test_an_article_brings_its_files(tmp_path: Path) -> None:
    (tmp_path / "guide.pdf").write_bytes(b"the guide")
    (tmp_path / "Plan & más").write_bytes(b"?")
    (tmp_path / "a.md").write_text(GOOD.replace("title:", "files: [guide.pdf, Plan & más]\ntitle:"), "utf-8")
    [article] = Knowledge.load(tmp_path).articles
    assert article.files == (
        File("guide.pdf", "application/pdf", 9, "knowledge:guide.pdf"),
        File("Plan & más", "application/octet-stream", 1, "knowledge:Plan & más"),
    )


def test_files_may_lie_where_a_link_within_the_folder_leads(tmp_path: Path) -> None:
    """Kubernetes puts a folder's files into a hidden one, and links to them beside it."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "guide.pdf").write_bytes(b"the guide")
    (tmp_path / "guide.pdf").symlink_to(Path("..data") / "guide.pdf")
    (tmp_path / "a.md").write_text(GOOD.replace("title:", "files: [guide.pdf]\ntitle:"), "utf-8")
    [article] = Knowledge.load(tmp_path).articles
    assert article.files


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone.pdf", "is not there"),
        ("folder", "is not there"),
        ("empty.pdf", "empty or larger"),
        ("huge.pdf", "empty or larger"),
        ("../secret.key", "cannot go along"),
        ("/etc/passwd", "cannot go along"),
        (".env", "cannot go along"),
        ("a.md", "cannot go along"),
        ("linked.pdf", "leads out of the folder"),
        ("locked.pdf", "is not there"),
    ],
)
def test_what_cannot_go_along_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    folder = tmp_path / "knowledge"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret.key").write_text("secret")
    (folder / ".env").write_text("secret")
    (folder / "empty.pdf").touch()
    (folder / "locked.pdf").write_text("x")
    with (folder / "huge.pdf").open("wb") as huge:
        huge.truncate(20_000_001)
    (folder / "linked.pdf").symlink_to(tmp_path / "secret.key")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked.pdf")  # root may read everything
    (folder / "a.md").write_text(GOOD.replace("title:", f"files: [{name}]\ntitle:"), "utf-8")
    with pytest.raises(KnowledgeError, match=told) as wrong:
        Knowledge.load(folder)
    [fault] = wrong.value.faults
    assert "a.md:3:" in fault


MORE = """
## technical
Samples are drawn
by reservoir.

## resources
- [How samples work](https://example.com/samples)
1. [Ask us](mailto:help@example.com)
"""


def test_an_article_may_say_the_same_to_experts_and_where_to_read_on(tmp_path: Path) -> None:
    knowledge = load(tmp_path, GOOD + MORE)
    (article,) = knowledge.articles
    assert article.technical == "Samples are drawn by reservoir."
    assert article.resources == (
        Link("How samples work", "https://example.com/samples"),
        Link("Ask us", "mailto:help@example.com"),
    )
    assert knowledge.knows("reservoir", "en")


@pytest.mark.parametrize(
    "wrong", ["https://example.com", "- https://example.com", "- [Click](javascript:alert)", "- [](https://a)"]
)
def test_what_is_no_link_in_a_list_is_no_resource(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(KnowledgeError) as raised:
        load(tmp_path, GOOD + MORE + wrong + "\n")
    [fault] = raised.value.faults
    assert fault.startswith(f"{tmp_path}/1.md:{len((GOOD + MORE).splitlines()) + 1}: each of `## resources` is a link")


def test_a_section_that_is_there_says_something(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="`## technical` is missing or empty"):
        load(tmp_path, GOOD + "\n## technical\n")


def test_steps_without_numbers_are_steps(tmp_path: Path) -> None:
    (article,) = load(tmp_path, GOOD.replace("1. Take one,", "Take one,").replace("2. Try it.", "- Try it.")).articles
    assert article.steps == ("Take one, carefully.", "Try it.")


def test_articles_of_a_language_without_rules_are_found_by_their_own_words(tmp_path: Path) -> None:
    (tmp_path / "de.md").write_text(GOOD.replace("language: en", "language: de").replace("How do samples work?", "Wo?"))
    found = Knowledge.load(tmp_path).find("sample", "de")
    assert found is None or found.article.language == "de"
    assert Knowledge.load(tmp_path).knows("Samples", "de")


def test_other_files_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an article")
    assert len(load(tmp_path, "\ufeff" + GOOD).articles) == 1


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "no front matter"),
        ("just text", 1, "no front matter"),
        ("---\nid: a\n", 1, "has no end"),
        ("---\nid: [a\n---\n", 2, "is not YAML"),
        ("---\nid: a\ntitle: 2026-13-01\n---\n", 1, "is not YAML (month must be in 1..12)"),
        ("---\n- a\n---\n", 2, "must be `key: value`"),
        (GOOD.replace("id: sample\n", ""), 8, "`id` is missing"),
        (GOOD.replace("id: sample", "id: Sample!"), 2, "`id: Sample!` is not valid"),
        (GOOD.replace("language: en", "language: english"), 4, "`language: english` is not valid"),
        (GOOD.replace("language: en", "language: no"), 4, "`language` is missing"),  # YAML reads a truth value
        (GOOD.replace("title: A sample", "titel: A sample"), 3, "unknown key 'titel'"),
        (GOOD.replace('questions: ["How do samples work?"]\n', ""), 8, "`questions` is missing"),
        (GOOD.replace("keywords: [sample]", "keywords: [429]"), 6, "`keywords` must be a list of texts"),
        (GOOD.replace("https://example.com/more", "javascript:alert(1)"), 7, "each of `links`"),
        (GOOD.replace("## short\nSamples are\nshort.\n", "## short\n"), 11, "`## short` is missing or empty"),
        (GOOD.replace("## detailed", "## details"), 15, "unknown section 'details'"),
        (GOOD.replace("## steps", "## short"), 20, "stands twice"),
        (GOOD.replace("## short", "Hello\n\n## short"), 11, "before the first section"),
    ],
)
def test_a_fault_names_its_line_and_what_to_do(tmp_path: Path, text: str, line: int, told: str) -> None:
    with pytest.raises(KnowledgeError) as raised:
        load(tmp_path, text)
    assert any(fault.startswith(f"{tmp_path / '1.md'}:{line}: ") and told in fault for fault in raised.value.faults), (
        raised.value.faults
    )
    assert "whoever writes the knowledge folder" in str(raised.value)


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError) as raised:
        load(tmp_path, "text", GOOD.replace("id: sample", "id: X").replace("title: A sample", ""), GOOD)
    assert len(raised.value.faults) == 3


def test_one_article_twice_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"taken by 1\.md"):
        load(tmp_path, GOOD, GOOD)


def test_one_article_in_two_languages_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, GOOD.replace("language: en", "language: es")).languages == ("en", "es")


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes("---\nid: café".encode("latin-1"))
    with pytest.raises(KnowledgeError, match="is not UTF-8"):
        Knowledge.load(tmp_path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(KnowledgeError, match="cannot be read"):
        Knowledge.load(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="is not a folder"):
        Knowledge.load(tmp_path / "absent")


def test_the_article_of_the_page_is_right(tmp_path: Path) -> None:
    page = (HERE.parents[1] / "docs" / "knowledge.md").read_text("utf-8")
    (tmp_path / "password-guide.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "a.md").write_text(page.split("```markdown\n")[1].split("```")[0], "utf-8")
    [article] = Knowledge.load(tmp_path).articles
    assert (article.id, len(article.steps), len(article.links), len(article.files)) == ("reset-password", 2, 1, 1)

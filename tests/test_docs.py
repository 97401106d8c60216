"""Documents that cannot lie: every command, every row, every snippet is tried."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from omnibot.channels import judge_accounts
from omnibot.cli import app
from omnibot.settings import Identity, Settings, judge_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
IDENTITY = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")
BAD_INPUTS = (ROOT / "docs" / "bad-inputs.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def commands(command, name: str) -> Iterator[tuple[str, object]]:
    below = getattr(command, "commands", {})
    for child, inner in below.items():
        yield from commands(inner, f"{name} {child}")
    if not below:
        yield name, command


ALL_COMMANDS = dict(commands(typer.main.get_command(app), "omnibot"))


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    [row] = [line for line in COMMANDS.splitlines() if re.match(rf"\| `{name}[ `]", line)]
    options = {option for parameter in ALL_COMMANDS[name].params for option in parameter.opts if option[:2] == "--"}
    for option in options - {"--config", "--help"}:
        assert f"`{option}" in row


def test_no_command_is_documented_that_does_not_exist() -> None:
    told = re.findall(r"^\| `(omnibot(?: [a-z][a-z-]*)+)", COMMANDS, re.MULTILINE)
    assert set(told) == set(ALL_COMMANDS)


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"(?:bin/|`)omnibot ([a-z]+(?: [a-z]+)?)", README + IDENTITY)))
)
def test_the_commands_that_are_named_exist(command: str) -> None:
    words = command.split()
    known = [
        name for name in ALL_COMMANDS if name.split()[1 : 1 + len(words)] == words or name.split()[1:] == words[:1]
    ]
    assert known
    assert CliRunner().invoke(app, [*known[0].split()[1:], "--help"]).exit_code == 0


@pytest.mark.parametrize("line", re.findall(r"^    \.venv/bin/omnibot (customer .+)$", README + IDENTITY, re.MULTILINE))
def test_the_commands_that_are_shown_can_be_typed(line: str) -> None:
    group, name, *arguments = shlex.split(line)
    ALL_COMMANDS[f"omnibot {group} {name}"].make_context(name, arguments)


@pytest.mark.parametrize("document", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda d: d.name)
def test_the_make_targets_that_are_told_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"`?make ([a-z]+)", document.read_text(encoding="utf-8")))
    assert told
    assert told <= targets


@pytest.mark.parametrize("setting", Identity.model_fields)
def test_every_setting_of_identity_is_told_where_identity_is(setting: str) -> None:
    assert re.search(rf"`(?:\[identity\.)?{setting}\]?`", IDENTITY)


SECRETS = {
    "token_file": "4242:AAE_the_sandbox_gives_this_token_away_00",
    "slack token_file": "xoxb-1-2-abc",
    "app_token_file": "xapp-1-A1-2-abc",
    "secret_file": "a secret of the company's own systems",
}
SNIPPETS = [
    (document, snippet)
    for document in (
        ROOT / "README.md",
        ROOT / "docs" / "desk.md",
        ROOT / "docs" / "identity.md",
        ROOT / "docs" / "language-model.md",
        ROOT / "docs" / "understanding.md",
        *sorted((ROOT / "docs" / "channels").glob("*.md")),
    )
    for snippet in re.findall(r"```toml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("document", "snippet"), SNIPPETS, ids=[document.name for document, _ in SNIPPETS])
def test_the_settings_in_the_documents_are_right(document: Path, snippet: str, tmp_path: Path) -> None:
    tree = tomllib.loads("\n".join(line.strip() for line in snippet.splitlines()))
    channels = tree.pop("channels", {})
    put_secrets("", tree, tmp_path)
    for channel, accounts in channels.items():
        for table in accounts.values():
            put_secrets(channel, table, tmp_path)
    _, faults = judge_accounts(channels)
    _, more = judge_table(Settings, tree, ())
    assert [*faults, *more] == []


def put_secrets(channel: str, table: dict, folder: Path) -> None:
    """Secrets that the document keeps in files are there, of a kind that could be right."""
    for name, value in list(table.items()):
        if isinstance(value, dict):
            put_secrets(channel, value, folder)
        elif name.endswith("_file"):
            file = folder / value.replace("/", "-")
            file.write_text(SECRETS.get(f"{channel} {name}", SECRETS.get(name, "hunter2")))
            table[name] = str(file)


def test_the_customers_of_the_readme_can_be_imported(tmp_path: Path) -> None:
    from omnibot.roster import read_roster
    from omnibot_email import Email
    from omnibot_telegram import Telegram
    from omnibot_twilio import Sms

    [snippet] = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    (tmp_path / "customers.csv").write_text(snippet)
    readers = {"telegram": Telegram.address, "email": Email.address, "sms": Sms.address}
    [sarah] = read_roster(tmp_path / "customers.csv", readers)
    assert sarah.facts["name"] == "Sarah Lind"
    assert "sms:+491701234567" in map(str, sarah.addresses)


def defined(file: Path) -> set[str]:
    """The tests of a file, those of a class behind its name."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in node.body if hasattr(inner, "name")}
    return names


@pytest.mark.parametrize("row", [line for line in BAD_INPUTS.splitlines() if re.match(r"\| \d+ ", line)])
def test_every_bad_input_has_its_tests(row: str) -> None:
    proofs = re.findall(r"`(tests/[\w/.]+\.py)::([\w:]+)`", row)
    assert proofs
    for file, name in proofs:
        assert name in defined(ROOT / file)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), target


def test_nothing_names_a_machine() -> None:
    for file in DOCUMENTS:
        assert not re.search(r"/(?:work|root|home/\w+)/", file.read_text(encoding="utf-8")), file

"""What stands in the sources: the environment laid over TOML, not yet judged."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnibot.settings.faults import PREFIX, Fault, Steps, environment_name

DEFAULT_FILE = Path("config/omnibot.toml")
FILE = "_file"  # ends the name of a setting whose value a file holds
# Kubernetes describes a service called "omnibot" by these to every container of its namespace.
_OF_THE_ORCHESTRATOR = re.compile(r"OMNIBOT_(SERVICE_(HOST|PORT)|PORT$|PORT_\d+_(TCP|UDP|SCTP)$|PORT_\d+_[A-Z]+_)")


class FromEnvironment(str):
    """Text from outside TOML, which knows no lists of its own: commas part them."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in all sources, laid over one another and not yet judged."""

    tree: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)


def read(path: Path | None, environ: Mapping[str, str]) -> Written:
    """Lay the environment over the TOML file."""
    named = path or (Path(environ["OMNIBOT_CONFIG"]) if environ.get("OMNIBOT_CONFIG") else None)
    written = _read_toml(named or DEFAULT_FILE, must_exist=named is not None)
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX) and name != "OMNIBOT_CONFIG" and not _OF_THE_ORCHESTRATOR.match(name):
            _lay_over(written, tuple(name.removeprefix(PREFIX).lower().split("__")), FromEnvironment(value))
    return written


def _read_toml(file: Path, *, must_exist: bool) -> Written:
    try:
        return Written(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        missing = Fault(str(file), "does not exist", "name an existing file by --config or OMNIBOT_CONFIG")
        return Written({}, [missing] if must_exist else [])
    except OSError as error:
        action = "make it readable for the user that runs Omnibot"
        return Written({}, [Fault(str(file), f"cannot be read ({error.strerror})", action)])
    except UnicodeDecodeError:
        return Written({}, [Fault(str(file), "is not UTF-8", "save it as UTF-8")])
    except tomllib.TOMLDecodeError as error:
        return Written({}, [Fault(str(file), f"is not TOML: {error}", "correct that line")])


def _lay_over(written: Written, steps: Steps, value: FromEnvironment) -> None:
    if not all(steps):
        written.faults.append(Fault(environment_name(steps), "names no setting", "write OMNIBOT_SECTION__KEY"))
        return
    table = written.tree
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            written.faults.append(Fault(environment_name(steps), f"looks into {step}, which is no table", "remove it"))
            return
    _displace(table, steps[-1])
    table[steps[-1]] = value


def _displace(table: dict[str, Any], key: str) -> None:
    """What the environment says in one spelling (`key`, `key_file`) ends what TOML says in the other."""
    other = key.removesuffix(FILE) if key.endswith(FILE) else key + FILE
    if not isinstance(table.get(other), FromEnvironment | dict):
        table.pop(other, None)

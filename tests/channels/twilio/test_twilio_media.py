"""Files that came along."""

import pytest
from structlog.testing import capture_logs
from twilio_house import CUSTOMER, Clock, House, house

from omnibot.contract import Receipt, Refused, TryLater
from omnibot.model import Address, Attachment, IncomingMessage
from omnibot.sandbox import Throttle
from omnibot.sandbox.customers import SentFile
from omnibot.sandbox.twilio import TwilioSandbox
from omnibot_twilio import Sms
from omnibot_twilio.media import SAFE_AFTER, TRIES

PICTURE = SentFile("screen.png", "image/png", b"pixels" * 1000)


async def received(opened: House, *files: SentFile) -> tuple[Attachment, ...]:
    opened.sandbox.main.deliver_to(sms=opened.webhook_url)
    opened.sandbox.phone(CUSTOMER).text("look", files or [PICTURE])
    (message,) = await opened.inbox.arrived()
    assert isinstance(message, IncomingMessage)
    return message.attachments


async def content(opened: House, attachment: Attachment) -> bytes:
    return b"".join([chunk async for chunk in opened.channel.fetch(attachment)])


@pytest.mark.parametrize("redirects", [True, False])
async def test_a_file_is_fetched(sms: House, redirects: bool) -> None:
    """Credentials go to the API, and not to the host that it sends on to: that one refuses them."""
    sms.sandbox.main.media_redirect = redirects
    (picture,) = await received(sms)
    assert await content(sms, picture) == PICTURE.content


async def test_an_api_key_fetches_too(sandbox: TwilioSandbox) -> None:
    key = "SK" + "0a" * 16
    sandbox.main.keys[key] = "its secret"
    async with house(sandbox, Sms, api_key=key, api_key_secret="its secret") as keyed:
        (picture,) = await received(keyed)
        assert await content(keyed, picture) == PICTURE.content


async def test_a_file_at_its_own_host_gets_no_credentials(sms: House) -> None:
    """The host that has it would refuse them, and must not see them."""
    await received(sms)
    (media,) = sms.sandbox.main.hosted.values()
    place = sms.sandbox.media.place(sms.sandbox.main.sid, media)
    assert await content(sms, Attachment(name="p", media_type="image/png", ref=place)) == PICTURE.content


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://evil.example/x.png",
        "http://127.0.0.1:1/",
        "https://api.twilio.com@evil.example/",
        "file:///etc/passwd",
        "",
    ],
)
async def test_nothing_else_is_fetched(sms: House, url: str) -> None:
    """Bad input 40: the text is stored, the file is not."""
    assert await sms.post(sms.form(NumMedia="1", MediaUrl0=url or "x", MediaContentType0="image/png")) == 200
    (message,) = sms.inbox.messages
    assert message.text == "hello"
    with pytest.raises(Refused):
        await content(sms, Attachment(name="x", media_type="image/png", ref=url))


async def test_a_redirect_to_elsewhere_is_not_followed(sandbox: TwilioSandbox) -> None:
    """Bad input 40."""
    async with house(sandbox, Sms, media_hosts=("mms.twiliocdn.com",)) as narrow:
        (picture,) = await received(narrow)
        with pytest.raises(Refused):
            await content(narrow, picture)


async def test_a_file_that_is_too_large_is_not_fetched(sandbox: TwilioSandbox) -> None:
    """Bad input 41."""
    async with house(sandbox, Sms, max_file_bytes=5999) as small:
        (picture,) = await received(small)
        with pytest.raises(Refused, match="5999 bytes"):
            await content(small, picture)


async def test_what_twilio_throttles_comes_later(sms: House) -> None:
    (picture,) = await received(sms)
    sms.sandbox.faults.add(Throttle(3))
    with pytest.raises(TryLater):
        await content(sms, picture)
    assert await content(sms, picture) == PICTURE.content


# --- deleting --------------------------------------------------------------------------------------------------------


def kept(sandbox: TwilioSandbox) -> int:
    return len(sandbox.main.hosted)


async def test_files_stay_at_twilio_unless_told_otherwise(sms: House, clock: Clock) -> None:
    (picture,) = await received(sms)
    await content(sms, picture)
    clock.pass_by(hours=1)
    await content(sms, picture)
    assert kept(sms.sandbox) == 1


async def test_a_file_is_deleted_there_once_it_is_surely_here(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True) as tidy:
        first, second, third = await received(tidy, PICTURE, PICTURE, PICTURE)
        await content(tidy, first)
        clock.pass_by(seconds=SAFE_AFTER.total_seconds() - 1)
        await content(tidy, second)
        assert kept(sandbox) == 3
        clock.pass_by(seconds=1)
        await tidy.looked()
        assert kept(sandbox) == 2
        await content(tidy, third)
        clock.pass_by(seconds=SAFE_AFTER.total_seconds() - 1)
    assert kept(sandbox) == 1  # it may have been read and not recorded when the server stopped


async def test_a_file_that_is_read_again_was_not_kept_the_first_time(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True) as tidy:
        (picture,) = await received(tidy)
        await content(tidy, picture)
        clock.pass_by(seconds=SAFE_AFTER.total_seconds())
        assert await content(tidy, picture)
        assert kept(sandbox) == 1
        clock.pass_by(seconds=SAFE_AFTER.total_seconds())
        await tidy.looked()
        assert kept(sandbox) == 0


async def test_a_file_that_was_not_read_to_its_end_stays(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True, max_file_bytes=10) as tidy:
        (picture,) = await received(tidy)
        with pytest.raises(Refused):
            await content(tidy, picture)
    assert kept(sandbox) == 1


async def test_what_cannot_be_deleted_is_tried_again(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True) as tidy:
        (picture,) = await received(tidy)
        await content(tidy, picture)
        sandbox.faults.add(Throttle(1), method="media.delete")
        clock.pass_by(seconds=SAFE_AFTER.total_seconds())
        await tidy.looked()
        assert kept(sandbox) == 1
        clock.pass_by(seconds=SAFE_AFTER.total_seconds())
        await tidy.looked()
        assert kept(sandbox) == 0


async def test_what_is_never_let_go_is_given_up(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True) as tidy:
        (picture,) = await received(tidy)
        await content(tidy, picture)
        sandbox.faults.add(Throttle(1), method="media.delete", count=TRIES)
        for _ in range(TRIES + 1):
            clock.pass_by(seconds=SAFE_AFTER.total_seconds())
            await tidy.looked()
    assert kept(sandbox) == 1


async def test_what_is_gone_already_is_not_asked_for_again(sandbox: TwilioSandbox, clock: Clock) -> None:
    async with house(sandbox, Sms, clock=clock, delete_media=True) as tidy:
        (picture,) = await received(tidy)
        await content(tidy, picture)
        await tidy.channel.redact(Address("sms", CUSTOMER), Receipt(picture.ref.split("/")[-3]))
        clock.pass_by(seconds=SAFE_AFTER.total_seconds())
        with capture_logs() as logs:
            await tidy.looked()
    assert logs == []

"""A mail that takes too long is interrupted as long as the server cannot have taken it."""

import asyncio

from services.notifications.sending.mail_format import Mail
from services.notifications.sending.rules import Reply
from services.notifications.sending.smtp import MailConnection, MailServer
from tests.notifications.sending.post_office import open_office
from tests.support.waiting import eventually

MAIL = Mail("slow@hangs.example", b"Subject: hello\r\n\r\nhello\r\n", utf8=False)


async def test_a_mail_is_interrupted_while_the_server_hangs_at_its_recipient_and_sent_later() -> None:
    async with open_office() as office:
        connection = MailConnection(MailServer("127.0.0.1", office.port, "week@kepu.example"))
        # With nothing under way there is nothing to give up.
        connection.interrupt()
        office.silent_at.add(MAIL.address)
        sending = asyncio.create_task(connection.send(MAIL))
        await eventually(lambda: office.asked[MAIL.address])
        connection.interrupt()
        async with asyncio.timeout(5):
            assert await sending == Reply("deferred", "smtp_interrupted")
        office.speak()
        assert (await connection.send(MAIL)).verdict == "taken"
        assert len(office.mails) == 1
        await connection.close()


async def test_a_mail_whose_content_is_on_its_way_is_not_interrupted() -> None:
    async with open_office() as office:
        office.hang = True
        connection = MailConnection(MailServer("127.0.0.1", office.port, "week@kepu.example"))
        sending = asyncio.create_task(connection.send(MAIL))
        await eventually(lambda: office.mails)
        connection.interrupt()
        done, _ = await asyncio.wait([sending], timeout=0.3)
        assert not done
        sending.cancel()
        await asyncio.wait([sending])
        connection.drop()

"""A mail server on loopback: prints its port, then every mail that it takes, one JSON document a line."""

import asyncio
import json
import logging
import os
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


# That it takes passwords in clear is what it is for.
logging.getLogger("mail.log").setLevel(logging.ERROR)


def tell(fields):
    print(json.dumps(fields), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.endswith("@refused.example"):
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
        tell(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "subject": mail["subject"],
                "messageId": mail["message-id"],
                "text": parts["plain"] and parts["plain"].get_content(),
                "html": parts["html"] and parts["html"].get_content(),
            }
        )
        return "250 2.0.0 Ok: queued"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"alerts", b"right")
    return AuthResult(success=right, handled=False)


def connection():
    return SMTP(
        Handler(),
        hostname="mail.example",
        authenticator=authenticate,
        auth_require_tls=False,
        auth_required=True,
        loop=asyncio.get_running_loop(),
    )


async def serve():
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    tell({"port": server.sockets[0].getsockname()[1]})
    # Ends with whoever started it, however that ends.
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)


asyncio.run(serve())

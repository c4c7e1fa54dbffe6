"""The server of a session: the first thing of it that answers, within some 0.2 s of its start.

It serves the session's own pages and the desktop by itself, on tornado alone. Jupyter takes a second to load, so it is
loaded into the same process when something asks for it, and answers on the same address from then on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from somahub_lab import pages
from somahub_lab.activity import Activity
from somahub_lab.jupyter import Addresses, Jupyter
from somahub_lab.session import Session, from_environment

LAST_ANSWERS = 0.05  # seconds for answers that are under way
LARGEST_BODY = 512 * 1024 * 1024  # bytes, as Jupyter has it


log = logging.getLogger(__name__)


def log_request(handler: RequestHandler) -> None:
    """One line for what went wrong; never a query, which may hold somebody's token."""
    if (status := handler.get_status()) >= 400:
        log.warning("%d %s %s", status, handler.request.method, handler.request.path)


def application(session: Session, activity: Activity, cookie_secret: bytes, end: asyncio.Event) -> Application:
    """The session's own pages."""
    return Application(
        pages.handlers(session, activity.touch, end),
        log_function=log_request,
        cookie_secret=cookie_secret,
        template_path=str(pages.HERE / "templates"),
        compress_response=True,
        asset=pages.assets(session.base),
        websocket_ping_interval=20,
        websocket_ping_timeout=20,
        websocket_max_message_size=LARGEST_BODY,
    )


async def serve(session: Session) -> None:
    """Serve until the process is told to end."""
    cookie_secret = os.urandom(32)
    jupyter = Jupyter(session, cookie_secret)
    activity = Activity(jupyter.last_activity)
    end = asyncio.Event()
    own = application(session, activity, cookie_secret, end)
    server = HTTPServer(
        Addresses(own, jupyter),
        xheaders=True,
        max_body_size=LARGEST_BODY,
        max_buffer_size=LARGEST_BODY,
    )
    where = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    server.listen(where.port or 80, where.hostname or "127.0.0.1")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    telling = asyncio.create_task(activity.keep_telling())
    if session.opens == "notebook":
        await jupyter.load()
    await end.wait()
    telling.cancel()
    server.stop()
    await asyncio.sleep(LAST_ANSWERS)


def main() -> None:
    """The hub says by environment where to serve, and for whom."""
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    asyncio.run(serve(from_environment()))


if __name__ == "__main__":
    main()

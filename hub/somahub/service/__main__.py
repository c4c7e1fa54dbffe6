"""``python -m somahub.service``: serve until told to end."""

from __future__ import annotations

import logging
import signal
import sys
from typing import NoReturn
from urllib.parse import urlsplit

import uvicorn
from pydantic import ValidationError

from somahub.errors import SomahubError
from somahub.service.app import build
from somahub.service.offers import offered
from somahub.service.settings import ServiceSettings
from somahub.settings import Settings


def main() -> None:
    """Read what the environment says, and serve."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    # It writes addresses of the hub's API, with people's names, for each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Once all answers are sent: an end that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        # The rest comes from the environment.
        settings = ServiceSettings()  # type: ignore[call-arg]
        catalog = offered(Settings())
    except ValidationError as error:
        _give_up(*(f"{fault['loc'][0]}: {fault['msg'][0].lower()}{fault['msg'][1:]}" for fault in error.errors()))
    except SomahubError as error:
        _give_up(str(error), *([error.mend] if error.mend else []))
    listen = urlsplit(settings.listen)
    uvicorn.run(
        build(settings, catalog),
        host=listen.hostname or "",
        port=listen.port or 0,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever is before us is a proxy, but only the scheme that it names is of any use here.
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=10,
    )


def _give_up(*lines: str) -> NoReturn:
    print(*(f"somahub service: {line}" for line in lines), sep="\n", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()

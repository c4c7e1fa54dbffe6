"""Tells the hub when somebody last did something here."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

log = logging.getLogger(__name__)


class Activity:
    """The last moment of activity, here and in Jupyter once it runs."""

    def __init__(self, elsewhere: Callable[[], datetime | None]) -> None:
        self._here = datetime.now(UTC)
        self._elsewhere = elsewhere
        self._told: datetime | None = None

    def touch(self) -> None:
        """Somebody does something now."""
        self._here = datetime.now(UTC)

    @property
    def last(self) -> datetime:
        """The last moment, wherever it was."""
        return max(self._here, self._elsewhere() or self._here)

    async def keep_telling(self) -> None:
        """Until cancelled; a hub that does not answer is told the next time."""
        url = os.environ.get("JUPYTERHUB_ACTIVITY_URL")
        pause = float(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 300)
        while url and pause > 0:
            await asyncio.sleep(pause)
            if self._told != (last := self.last):
                try:
                    await self._tell(url, last)
                except (OSError, HTTPClientError) as error:
                    log.warning("The hub was not told of activity: %s", error)
                else:
                    self._told = last

    async def _tell(self, url: str, last: datetime) -> None:
        moment = {"last_activity": last.isoformat()}
        server = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        token = os.environ["JUPYTERHUB_API_TOKEN"]
        await AsyncHTTPClient().fetch(
            url,
            method="POST",
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            body=json.dumps({"servers": {server: moment}, **moment}),
        )

"""Every setting, from the environment (``SOMAHUB_…``); docs/operations.md has the table."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _root_or_home(root: str, home: str) -> Path:
    return Path(root) if os.geteuid() == 0 else Path.home() / home


class Settings(BaseSettings):
    """Settings of one hub. Folders are absolute; ports are of the loopback interface, and of one machine alone."""

    model_config = SettingsConfigDict(env_prefix="SOMAHUB_", extra="ignore", frozen=True)

    data: Path = Field(
        default_factory=lambda: _root_or_home("/var/lib/somahub", ".local/share/somahub"),
        description="Where accounts, the ledger, homes and buckets lie.",
    )
    cache: Path = Field(
        default_factory=lambda: _root_or_home("/var/cache/somahub", ".cache/somahub"),
        description="Where app environments are built and packages are kept; may be emptied while somahub is down.",
    )
    user: str = Field(
        default="somahub",
        description="The unprivileged user that the hub runs as, when `make up` is run by root.",
    )
    port: int = Field(default=8000, ge=1, le=65535, description="The port of the web page, on 127.0.0.1.")
    hub_port: int = Field(default=8081, ge=1, le=65535, description="The port of the hub's own API, on 127.0.0.1.")
    proxy_port: int = Field(default=8082, ge=1, le=65535, description="The port of the proxy's own API, on 127.0.0.1.")
    profiles: Path | None = Field(
        default=None, description="A folder of profiles, hardware.yaml and prices.yaml in place of the shipped one."
    )
    images: Path | None = Field(default=None, description="A folder of app recipes in place of the shipped one.")
    cluster: Path | None = Field(
        default=None, description="What the chart says of its cluster; set by the chart, and on no single machine."
    )

    @property
    def database(self) -> str:
        """The URL of the database with accounts and facts."""
        return f"sqlite:///{self.data}/somahub.sqlite"

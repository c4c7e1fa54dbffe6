"""What JupyterHub tells a service, from the environment; docs/api.md has the table."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _folder(path: str) -> str:
    return f"/{path.strip('/')}/" if path.strip("/") else "/"


def _listens(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError("must be http://ADDRESS:PORT")
    return url


class ServiceSettings(BaseSettings):
    """Settings of the service. Paths begin and end with a slash."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    api_token: SecretStr = Field(
        min_length=8,
        alias="JUPYTERHUB_API_TOKEN",
        description="The service's own secret, by which it completes log-ins.",
    )
    api_url: str = Field(
        default="http://127.0.0.1:8081/hub/api",
        pattern=r"^https?://\S+$",
        alias="JUPYTERHUB_API_URL",
        description="The hub's API, as it is reached from here.",
    )
    listen: Annotated[str, AfterValidator(_listens)] = Field(
        default="http://0.0.0.0:8080", alias="JUPYTERHUB_SERVICE_URL", description="The address and port to listen on."
    )
    prefix: Annotated[str, AfterValidator(_folder)] = Field(
        default="/services/somahub/",
        alias="JUPYTERHUB_SERVICE_PREFIX",
        description="Where the proxy shows the service.",
    )
    base: Annotated[str, AfterValidator(_folder)] = Field(
        default="/", alias="JUPYTERHUB_BASE_URL", description="Where the proxy shows the hub and all else."
    )
    host: str = Field(
        default="",
        pattern=r"^(https?://[a-z0-9.-]+(:[0-9]+)?)?$",
        alias="JUPYTERHUB_HOST",
        description="The hub's host, as `https://neuro.lab.org`, where people and services have hosts of their own.",
    )
    callback: str = Field(
        default="",
        alias="JUPYTERHUB_OAUTH_CALLBACK_URL",
        description="Where the hub sends a browser back to, with the service's own host where it has one.",
    )
    name: str = Field(
        default="somahub", alias="JUPYTERHUB_SERVICE_NAME", description="The service's name in the hub's configuration."
    )
    client: str = Field(
        default="service-somahub", alias="JUPYTERHUB_CLIENT_ID", description="The service's name in log-ins."
    )

    @property
    def hub(self) -> str:
        """Where the hub's pages lie: a path, with the hub's host before it where that is another."""
        return f"{self.host}{self.base}hub/"

    @property
    def access(self) -> str:
        """The scope that a token needs to be let in."""
        return f"access:services!service={self.name}"

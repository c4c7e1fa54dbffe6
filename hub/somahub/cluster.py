"""A Kubernetes cluster as the tier that sessions run on: what the chart says of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from somahub.environments.recipes import Recipe, load_all
from somahub.errors import SetupError
from somahub.instance import shipped
from somahub.model import App, Hardware, Holding, Startable, Verdict
from somahub.settings import Settings

_GENERIC = Path(__file__).parent / "pages" / "logo.svg"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(_Strict):
    """An app's image, as ``registry/name@sha256:…`` or with a tag."""

    image: Annotated[str, Field(min_length=1, pattern=r"^\S+$")]


class Document(_Strict):
    """What the chart writes, from its values, to ``cluster.yaml``.

    ``autoscaling`` says that nodes are added for pods that find none; ``startMinutes``, how long a start may take.
    """

    apps: dict[str, Image]
    autoscaling: bool = False
    start_minutes: int = Field(default=20, alias="startMinutes", ge=1, le=24 * 60)


@dataclass(frozen=True)
class Cluster:
    """What is known of the cluster beforehand. Whether there is room on its nodes, its scheduler says at the start."""

    document: Document

    def verdict(self, hardware: Hardware, holdings: Sequence[Holding]) -> Verdict:
        """Always startable: nodes come and go, and only the scheduler knows them."""
        return Startable()

    def apps(self) -> frozenset[str]:
        """The names of the apps that have an image."""
        return frozenset(self.document.apps)

    def app(self, name: str) -> App:
        """An app, with the digest of its image."""
        return App(name, image_digest(self.image(name)))

    def image(self, name: str) -> str:
        """The reference of an app's image."""
        return self.document.apps[name].image

    def icon(self, name: str) -> str:
        """An app's picture, as SVG; a general one for an app that did not ship with somahub."""
        recipe = self._recipes.get(name)
        return (recipe.icon if recipe else _GENERIC).read_text()

    def note(self, name: str) -> str:
        """What a card says of an app's next start: nothing, as it takes long only on a node that lacks the image."""
        return ""

    @cached_property
    def _recipes(self) -> dict[str, Recipe]:
        return load_all(shipped("images"))


def image_digest(reference: str) -> str:
    """12 hexadecimal digits that name an image: of its digest, or of the reference where that has none."""
    by_content = re.search(r"@sha256:([0-9a-f]{64})$", reference)
    return (by_content[1] if by_content else hashlib.sha256(reference.encode()).hexdigest())[:12]


def this_cluster(settings: Settings) -> Cluster:
    """Read what the chart says; raises SetupError with one line a fault."""
    file = settings.cluster
    if file is None:
        raise SetupError("SOMAHUB_CLUSTER names no file", mend="install somahub on a cluster by its chart")
    try:
        document = Document.model_validate(YAML(typ="safe", pure=True).load(file) or {})
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}") from error
    except YAMLError as error:
        raise SetupError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise SetupError("\n".join(lines)) from error
    return Cluster(document)

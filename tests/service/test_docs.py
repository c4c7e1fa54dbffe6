"""docs/api.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from somahub.service.settings import ServiceSettings
from tests.service.a_service import PREFIX, Service

DOCUMENT = (Path(__file__).parents[2] / "docs/api.md").read_text()


def test_every_setting_stands_in_the_table_with_its_default_and_its_own_words() -> None:
    rows = re.findall(r"^\| `(JUPYTERHUB_\w+)` \| (.*?) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    fields = ServiceSettings.model_fields.values()
    defaults = {str(field.alias): "" if field.is_required() else field.default for field in fields}
    assert {name: default for name, default, _ in rows} == {n: f"`{d}`" if d else "none" for n, d in defaults.items()}
    assert {name: words for name, _, words in rows} == {str(field.alias): field.description for field in fields}


def test_everything_that_can_be_asked_stands_in_the_table(service: Service) -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", DOCUMENT, re.MULTILINE)
    paths = service.ask("GET", "api/openapi.json").json()["paths"]
    assert set(rows) == {
        (method.upper(), path.removeprefix(PREFIX.rstrip("/"))) for path, methods in paths.items() for method in methods
    }

"""The documents say what is so."""

import re
from pathlib import Path

from somahub.settings import Settings

ROOT = Path(__file__).parents[2]


def test_every_setting_stands_in_the_table_with_its_own_words():
    rows = [line for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("| `SOMAHUB_")]
    documented = {row.split("|")[1].strip(" `"): row.split("|")[3].strip() for row in rows}
    settings = {f"SOMAHUB_{name.upper()}": field.description for name, field in Settings.model_fields.items()}
    assert documented == settings


def test_every_default_in_the_table_is_the_one_in_force():
    rows = [line for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("| `SOMAHUB_")]
    for row in rows:
        _, variable, default, *_ = (cell.strip(" `") for cell in row.split("|"))
        field = Settings.model_fields[variable.removeprefix("SOMAHUB_").lower()]
        if isinstance(field.default, int | str):
            assert default == str(field.default)


def test_every_target_of_make_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)(?:$|`)", document.read_text(), re.MULTILINE)) <= targets, document

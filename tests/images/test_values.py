"""The values file that helm is given."""

from __future__ import annotations

from ruamel.yaml import YAML

from somahub.images.values import split, values

DIGEST = "sha256:" + "a1" * 32
REGISTRY = "registry.example.org:5000/lab"


def read(references: dict[str, str]) -> object:
    return YAML(typ="safe", pure=True).load(values(references))


def test_it_names_every_image_where_the_chart_looks_for_it() -> None:
    names = ("hub", "service", "session", "dlc", "caiman")
    references = {name: f"{REGISTRY}/somahub-{name}@{DIGEST}" for name in names}
    assert read(references) == {
        "apps": {name: {"image": references[name]} for name in ("dlc", "caiman")},
        "service": {"image": references["service"]},
        "jupyterhub": {"hub": {"image": {"name": f"{REGISTRY}/somahub-hub@sha256", "tag": "a1" * 32}}},
    }


def test_it_is_silent_about_images_that_were_not_built() -> None:
    assert read({"dlc": "localhost/somahub-dlc:1"}) == {"apps": {"dlc": {"image": "localhost/somahub-dlc:1"}}}


def test_name_and_tag_joined_by_a_colon_are_the_reference() -> None:
    for reference in (f"{REGISTRY}/somahub-hub@{DIGEST}", f"{REGISTRY}/somahub-hub:4af0", "localhost/somahub-hub:1"):
        assert "{name}:{tag}".format(**split(reference)) == reference

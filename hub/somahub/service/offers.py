"""The catalogue that the service offers from: the hub's own documents."""

from __future__ import annotations

from somahub.catalog import Catalog
from somahub.catalog.faults import words
from somahub.instance import Tier, read_catalog
from somahub.model import Hardware, Profile
from somahub.service.problems import Problem, unknown
from somahub.settings import Settings


def offered(settings: Settings) -> Catalog:
    """The catalogue as the hub has it, with the same digests; raises CatalogError or SetupError."""
    return read_catalog(settings, _tier(settings))


def choose(offers: Catalog, profile: str, hardware: str) -> tuple[Profile, Hardware]:
    """What those names offer; raises Problem with the nearest right word where they do not."""
    if profile not in offers.profiles:
        raise unknown("profile", profile, offers.profiles, 422)
    chosen = offers.profiles[profile]
    if hardware in chosen.hardware:
        return chosen, offers.hardware[hardware]
    if hardware in offers.hardware:
        raise Problem(
            422, f"{chosen.title} is not offered on {hardware!r}", f"choose {words(chosen.hardware)} as hardware"
        )
    raise unknown("hardware", hardware, chosen.hardware, 422)


def _tier(settings: Settings) -> Tier:
    # Each where it is wanted: the service's image has none of what only one machine needs.
    if settings.cluster is not None:
        from somahub.cluster import this_cluster

        return this_cluster(settings)
    from somahub.machine import this_machine

    return this_machine(settings)

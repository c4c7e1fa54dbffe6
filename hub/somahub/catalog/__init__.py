"""The catalogue: what a person can start, on what, at what price, from documents that an operator writes."""

from somahub.catalog.faults import Fault
from somahub.catalog.loading import Catalog, check, check_lines, load, pinned

__all__ = ["Catalog", "Fault", "check", "check_lines", "load", "pinned"]

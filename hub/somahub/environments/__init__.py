"""App environments: what a recipe under images/ becomes on one machine.

A recipe names a lock; its environment is a relocatable virtual environment at
``<cache>/environments/<app>-<digest>``, built once whoever asks, by a process of its own.
"""

from somahub.environments.ensure import ensure, follow, halt
from somahub.environments.places import Environment
from somahub.environments.progress import Progress
from somahub.environments.prune import Leftover, leftovers, remove
from somahub.environments.recipes import Program, Recipe, digest, load, load_all

__all__ = [
    "Environment",
    "Leftover",
    "Program",
    "Progress",
    "Recipe",
    "digest",
    "ensure",
    "follow",
    "halt",
    "leftovers",
    "load",
    "load_all",
    "remove",
]

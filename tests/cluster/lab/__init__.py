"""A real Kubernetes of one node for tests, made from package registries alone: build, up, down.

``python -m tests.cluster.lab up`` from the top of the checkout, or the fixture ``lab``. It runs in namespaces of its
own and has an address of its own; nothing of the host is changed, and nothing is left after ``down``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("somahub") is None:  # on the system's own Python, before anything is installed
    sys.path.insert(1, str(Path(__file__).parents[3] / "hub"))

from tests.cluster.lab.lab import Cluster, CommandError, Lab

__all__ = ["Cluster", "CommandError", "Lab"]

"""Build what the tests on a cluster need and no test should have to wait for: the lab's cluster, and the images.

``python -m tests.cluster.prepare``; what is built already takes seconds. With KUBECONFIG there is nothing to prepare.
"""

from __future__ import annotations

import os
import sys

from somahub.errors import SetupError
from somahub.local import console
from tests.cluster import images
from tests.cluster.lab import build, places


def main() -> int:
    """Build them, with progress in words; what goes wrong on purpose is one line and what helps against it."""
    if os.environ.get("KUBECONFIG"):
        return 0
    try:
        build.ensure(places.from_environment(), kwok=True)
        images.build()
        for name in images.OTHERS:
            images.stand_in(name)
    except SetupError as error:
        console.fault(str(error), error.mend)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

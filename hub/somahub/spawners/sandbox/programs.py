"""The system's programs that sandboxes are made of, as Debian installs them."""

from __future__ import annotations

import shutil

from somahub.errors import SandboxError

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}
PACKAGES = {
    "bwrap": "bubblewrap",
    "pasta": "passt",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "prlimit": "util-linux",
    "unshare": "util-linux",
}


def program(name: str) -> str:
    """Where a program of :data:`PACKAGES` lies; raises SandboxError with the command that installs it."""
    found = shutil.which(name, path=PATH)
    if found is None:
        package = PACKAGES[name]
        raise SandboxError(f"{name} is not installed, and sessions need it", mend=f"apt-get install {package}")
    return found

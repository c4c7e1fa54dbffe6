"""What the proxy does so that a page of one person's session cannot act as another person who opens it.

All sessions share one host name, so to a browser they and the hub's pages are one site. Whoever opens a link to a
colleague's session runs that colleague's scripts with their own log-in. JupyterHub refuses what such a script asks
without a page's own token; here it is kept from reading the token off a page.
"""

from __future__ import annotations

from typing import Any, Final

import bcrypt

MIDDLEWARE: Final = "apart"

# Headers of every answer on the web page's port.
_HEADERS: Final = {
    # No page keeps a hold of another by which it could read it, not even of one that it opened itself.
    "Cross-Origin-Opener-Policy": "noopener-allow-popups",
    # Taken away: by it a session could put a script of its own before all pages, the log-in page among them.
    "Service-Worker-Allowed": "",
}

# What scripts may ask of the hub: its API, but for the one page among it, and files that are alike for all.
_PAGES: Final = (
    "PathPrefix(`/hub/`) && (PathPrefix(`/hub/api/oauth2/authorize`)"
    " || !(PathPrefix(`/hub/api/`) || PathPrefix(`/hub/static/`)))"
)


def _refused(asked: str) -> dict[str, Any]:
    """A route to nowhere for what a script asks for; browsers say so by a header that no script can change."""
    return {
        "rule": f"Header(`Sec-Fetch-Dest`, `empty`) && {asked}",
        "priority": 1_000_000,
        "entryPoints": ["http"],
        "middlewares": ["nobody"],
        "service": "noop@internal",
    }


RULES: Final[dict[str, Any]] = {
    "http": {
        "middlewares": {
            MIDDLEWARE: {"headers": {"customResponseHeaders": _HEADERS}},
            "nobody": {"ipAllowList": {"sourceRange": ["255.255.255.255/32"]}},
        },
        "routers": {
            # JupyterHub asks for no token in this mode, which is that of images and scripts; but those say so.
            "silent_fetch": _refused("Header(`Sec-Fetch-Mode`, `no-cors`)"),
            # JupyterHub asks for none before it shows a page, and the page then holds one.
            "fetched_page": _refused(f"({_PAGES})"),
        },
    },
}


def quick_hash(key: str) -> str:
    """The key as the proxy keeps it, checked in a millisecond.

    bcrypt's usual cost is against guessing, which a random key of 256 bits needs no help with; it would take a whole
    core for 0.27 s at every question that the hub asks the proxy, several in each session's start.
    """
    return bcrypt.hashpw(key.encode(), bcrypt.gensalt(rounds=4)).decode()

"""Starts the server of a session: JupyterHub's single-user server with the session's pages and nothing else yet.

Everything that a notebook needs (JupyterLab, terminals, the language servers, the proxy) is as much work to load as all
the rest; it loads when something asks for it, so that nobody who came for the desktop waits for it.
"""

from __future__ import annotations

import os
import sys

ARGUMENTS = [
    "--ServerApp.jpserver_extensions={'somahub_lab': True}",
    # The app's kernel is the one to use; the server's own Python holds none of the app's packages.
    "--KernelSpecManager.ensure_native_kernel=False",
]


def main() -> None:
    """Run until the session ends; the hub says by environment where and for whom."""
    os.environ.setdefault("JUPYTERHUB_SINGLEUSER_APP", "jupyter_server.serverapp.ServerApp")
    os.environ["JUPYTERHUB_SINGLEUSER_LOAD_OTHER_EXTENSIONS"] = "0"
    from jupyterhub.singleuser import main as run

    sys.argv = [sys.argv[0], *ARGUMENTS, *sys.argv[1:]]
    run()


if __name__ == "__main__":
    main()

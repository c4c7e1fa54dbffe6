"""What runs inside a session: its landing page, its desktop in the browser, and Jupyter, which loads when it is needed."""

from __future__ import annotations


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "somahub_lab.extension"}]

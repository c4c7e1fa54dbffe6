"""What a session's programs say, kept to a size."""

from __future__ import annotations

import subprocess
from pathlib import Path

from somahub.spawners.sandbox.log import LIMIT, Log


def test_a_program_that_never_stops_talking_keeps_nobody_listening(tmp_path: Path) -> None:
    """Else its session could neither be stopped nor kept to its memory."""
    log = Log(tmp_path / "log")
    with subprocess.Popen(["yes", "words"], stdout=log.writer) as talker:
        for _ in range(20):
            log.take()
        talker.kill()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2 * (LIMIT + 65536)

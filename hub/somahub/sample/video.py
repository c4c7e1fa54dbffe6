"""H.264 by the ffmpeg that imageio-ffmpeg brings."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType

import imageio_ffmpeg

from somahub.errors import SomahubError
from somahub.sample.scene import Frame
from somahub.sample.trajectory import FPS, HEIGHT, WIDTH

PATH = Path("videos", "openfield.mp4")

# One thread and bit-exact: the same frames give the same file with the same ffmpeg. A keyframe each
# second lets a viewer jump about; yuv420p plays in every browser and reader.
_CODEC = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(FPS), "-pix_fmt", "yuv420p"]
_EXACT = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]


class Writer:
    """Writes grey frames (480, 640) to a new .mp4 at 30 frames a second; a context manager.

    Leaving it finishes the file. Raises :class:`~somahub.errors.SomahubError` with ffmpeg's own last
    line when the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *_CODEC, *_EXACT]
        self._path = path
        self._ffmpeg = subprocess.Popen(
            [*command, "-movflags", "+faststart", str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> Writer:
        return self

    def add(self, frame: Frame) -> None:
        """Append ``frame`` (480, 640) of grey values."""
        assert self._ffmpeg.stdin is not None
        try:
            self._ffmpeg.stdin.write(frame.tobytes())
        except BrokenPipeError:
            self._finish()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        else:
            self._ffmpeg.kill()
            self._ffmpeg.communicate()

    def _finish(self) -> None:
        _, said = self._ffmpeg.communicate()
        if self._ffmpeg.returncode != 0:
            last = (said.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
            raise SomahubError(f"{self._path.name} could not be encoded: {last}")

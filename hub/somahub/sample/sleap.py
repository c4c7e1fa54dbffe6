"""The same labels for SLEAP, by sleap-io."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sleap_io as sio

from somahub.sample.trajectory import BODYPARTS, Floats
from somahub.sample.video import PATH as VIDEO

PATH = VIDEO.with_suffix(".slp")


def write(project: Path, keypoints: Floats, labelled: Sequence[int], suggested: Sequence[int]) -> None:
    """Write ``videos/openfield.slp`` into the folder ``project``, whose video is there already.

    ``keypoints`` (frames, 4, 2) in px; frames of ``labelled`` hold one instance each, frames of
    ``suggested`` are what SLEAP suggests to label. The file names its video without a folder, and
    SLEAP looks beside the file: so both can be moved and shared.
    """
    skeleton = sio.Skeleton(
        nodes=list(BODYPARTS),
        edges=[(BODYPARTS[0], part) for part in BODYPARTS[1:]],
        symmetries=[("leftear", "rightear")],
        name="mouse",
    )
    video = sio.Video.from_filename(str(project / VIDEO))
    instances = {number: sio.Instance.from_numpy(keypoints[number], skeleton) for number in labelled}
    frames = [sio.LabeledFrame(video=video, frame_idx=number, instances=[mouse]) for number, mouse in instances.items()]
    suggestions = [sio.SuggestionFrame(video=video, frame_idx=number) for number in suggested]
    labels = sio.Labels(frames, videos=[video], skeletons=[skeleton], suggestions=suggestions)
    video.replace_filename(VIDEO.name, open=False)
    labels.save(str(project / PATH), verbose=False)

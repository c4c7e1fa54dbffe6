"""napari with DeepLabCut's keypoint controls.

``label_frames.py [PROJECT]``: PROJECT is the folder that holds config.yaml; its first folder of
frames is opened at the first frame without a label. Without PROJECT, a folder is dragged in or
opened from the menu.
"""

import sys
from pathlib import Path

import napari
from napari.layers import Image, Points
from qtpy.QtWidgets import QApplication, QMainWindow, QMessageBox


def first_frames(project: Path) -> Path | None:
    """The first folder of frames below the project's labeled-data, by name."""
    folders = sorted(folder for folder in (project / "labeled-data").glob("*") if any(folder.glob("*.png")))
    return folders[0] if folders else None


def open_frames(viewer: napari.Viewer, frames: Path, config: Path) -> None:
    """Open a folder of frames with its labels, at the first frame that has none."""
    # The plugin needs the configuration only where nothing is labelled yet.
    labelled = any(frames.glob("CollectedData_*.h5"))
    viewer.open([str(frames)] if labelled else [str(frames), str(config)], plugin="napari-deeplabcut")
    count = next(len(layer.data) for layer in viewer.layers if isinstance(layer, Image))
    points = next(layer for layer in viewer.layers if isinstance(layer, Points))
    done = {round(frame) for frame in points.data[:, 0]} if len(points.data) else set()
    viewer.dims.set_current_step(0, next((frame for frame in range(count) if frame not in done), 0))
    viewer.layers.selection.active = points


def main(words: list[str]) -> None:
    """Open the window, and what is to be labelled in it."""
    viewer = napari.Viewer(title="Label frames")
    viewer.window.add_plugin_dock_widget("napari-deeplabcut", "Keypoint controls")
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QMainWindow):
            window.showMaximized()
    if words:
        project = Path(words[0]).expanduser()
        frames = first_frames(project)
        if frames is None:
            lacking = f"There is no DeepLabCut project with frames in {project}."
            QMessageBox.information(None, "Label frames", f"{lacking}\n\nOpen another one by File, Open Folder.")
        else:
            open_frames(viewer, frames, project / "config.yaml")
    napari.run()


if __name__ == "__main__":
    main(sys.argv[1:])

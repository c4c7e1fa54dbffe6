"""DeepLabCut's own window, without its question about updates.

Its lock decides which version an app has, and its environment cannot be written to from a session,
so an update that the window offered could only fail.
"""

from deeplabcut.gui.launch_script import launch_dlc
from deeplabcut.gui.utils import UpdateChecker

if __name__ == "__main__":
    UpdateChecker.check = lambda self, silent=True: None
    launch_dlc()

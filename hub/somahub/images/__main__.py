"""``python -m somahub.images``: the command `somahub images`, with the standard library alone."""

import sys

from somahub.images.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

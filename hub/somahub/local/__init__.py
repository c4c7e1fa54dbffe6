"""One machine's life cycle: set up, start, stop, and say what is missing.

``bootstrap`` runs on the system's own Python before anything is installed, so these modules use the standard library
alone: bootstrap, console, layout, listeners, packages, processes, runner, trees, venvs, doctor, gather.
"""

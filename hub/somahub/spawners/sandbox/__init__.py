"""A session on one machine: bubblewrap for files and processes, pasta for the network, one keeper for folders.

:mod:`argv` renders a plan, :mod:`spawner` speaks with JupyterHub, and :mod:`holder` is the process that outlives
the hub, one a session. What the holder imports is of the standard library alone, so that it starts in an instant.
"""

"""The container images of somahub, built from the same recipes and locks as the environments of one machine.

What is built from what, and when anew, is decided in :mod:`~somahub.images.table`; podman or docker do it
(:mod:`~somahub.images.engine`). Standard library alone, but for :mod:`~somahub.images.environment`, which runs inside a
build: so whoever may use the engine can run it from a checkout, with nothing installed.
"""

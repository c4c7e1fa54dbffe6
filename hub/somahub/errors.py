"""The exceptions of somahub.

SomahubError
├── CatalogError        a profile, hardware, price or recipe document is wrong
├── BuildError          an app environment could not be built
├── SandboxError        a session could not be started, found or ended on this machine
├── StartError          a cluster cannot start a session, or took it away as it started
├── AccountError        no such person, or the name is taken or not allowed
├── LedgerError         facts could not be written or read
└── SetupError          this machine lacks something that somahub needs

Each carries one clear line (``str(error)``) for the person who meets it, and ``mend``, the
command or step that helps, where there is one.
"""

from __future__ import annotations


class SomahubError(Exception):
    """Anything that somahub raises on purpose."""

    def __init__(self, line: str, mend: str = "") -> None:
        super().__init__(line)
        self.mend = mend


class CatalogError(SomahubError):
    """A profile, hardware, price or recipe document is wrong."""


class BuildError(SomahubError):
    """An app environment could not be built."""


class SandboxError(SomahubError):
    """A session could not be started, found or ended on this machine."""


class StartError(SomahubError):
    """A cluster cannot start a session, or took it away as it started."""


class AccountError(SomahubError):
    """No such person, or the name is taken or not allowed."""


class LedgerError(SomahubError):
    """Facts could not be written or read."""


class SetupError(SomahubError):
    """This machine lacks something that somahub needs."""

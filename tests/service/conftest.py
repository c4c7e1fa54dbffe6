"""One hub with its service for all tests of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from somahub.accounts import admin
from tests.service.a_service import ServedHub, Service
from tests.somahub_under_test import free_ports


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, which runs."""
    ports = free_ports(4)
    hub = ServedHub(tmp_path_factory.mktemp("served"), ports[0], ports[1], ports[2])
    hub.service_port = ports[3]
    hub.write()
    admin.first(hub.settings)
    made = Service(hub, ports[3])
    try:
        made.launch()
        hub.start()
        made.wait()
        yield made
    finally:
        if made.process and made.process.poll() is None:
            made.stop()
        hub.stop()

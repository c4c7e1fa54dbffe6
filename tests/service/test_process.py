"""The service as a process: how it starts or says why not, how it ends, what it does without its hub."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.hub.a_hub import until
from tests.service.a_service import Service
from tests.somahub_under_test import free_ports

MIB = 1 << 20


@pytest.fixture
def alone(service: Service) -> Iterator[Service]:
    """Another service of the same hub, which is not registered with it."""
    made = Service(service.hub, free_ports(1)[0])
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def answers(service: Service) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", service.port)) == 0


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"JUPYTERHUB_API_TOKEN": ""}, "somahub service: JUPYTERHUB_API_TOKEN: value should have at least 8 items"),
        ({"JUPYTERHUB_SERVICE_URL": "8080"}, "somahub service: JUPYTERHUB_SERVICE_URL: value error, must be http://"),
        ({"JUPYTERHUB_API_URL": "hub:8081"}, "somahub service: JUPYTERHUB_API_URL: string should match pattern"),
        ({"SOMAHUB_PROFILES": "/nowhere"}, "somahub service: /nowhere: cannot be read: No such file or directory"),
        ({"SOMAHUB_CLUSTER": "/nowhere"}, "somahub service: /nowhere cannot be read: No such file or directory"),
    ],
)
def test_what_is_set_wrongly_is_said_in_a_line_and_nothing_starts(
    alone: Service, environment: dict[str, str], line: str
) -> None:
    command = [sys.executable, "-m", "somahub.service"]
    done = subprocess.run(
        command, env=alone.environment(**environment), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert "Traceback" not in done.stderr


def test_it_ends_in_order_when_told_to(alone: Service) -> None:
    alone.launch()
    until(lambda: answers(alone), "it listens")
    assert alone.stop() == 0
    assert "Traceback" not in alone.log.read_text()


def test_without_its_hub_it_says_so_and_when_to_ask_again(service: Service, alone: Service) -> None:
    """In JSON to scripts, on a page to browsers; what needs no hub goes on."""
    (nobody,) = free_ports(1)
    alone.launch(JUPYTERHUB_API_URL=f"http://127.0.0.1:{nobody}/hub/api")
    until(lambda: answers(alone), "it listens")
    token = service.token("ada")
    for method, path in (("GET", "health"), ("GET", "api/sessions"), ("DELETE", "api/sessions/napari")):
        answer = alone.straight(method, path, token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["error"] == "the hub does not answer"
    assert alone.straight("GET", "alive").status_code == 200
    assert alone.straight("GET", "api/openapi.json").status_code == 200


def test_a_hub_that_answers_nonsense_is_one_that_does_not_answer(service: Service, alone: Service) -> None:
    """Such as a proxy's own page in front of it."""
    proxy = f"http://127.0.0.1:{service.hub.port}/user/nobody/api"
    alone.launch(JUPYTERHUB_API_URL=proxy)
    until(lambda: answers(alone), "it listens")
    answer = alone.straight("GET", "api/sessions", service.token("ada"))
    assert answer.status_code == 503
    assert alone.straight("GET", "health").status_code == 503


def test_it_is_small(alone: Service) -> None:
    """Beside the hub there is not much room: 120 MiB, and no more after many requests."""
    alone.launch()
    until(lambda: answers(alone), "it listens")
    assert alone.process is not None
    for _ in range(300):
        assert alone.straight("GET", "").status_code == 302
    used = psutil.Process(alone.process.pid).memory_info().rss
    print(json.dumps({"resident_mib": round(used / MIB)}))
    assert used < 120 * MIB

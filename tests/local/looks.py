"""How these tests look at a somahub from outside."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from somahub.instance import shipped
from somahub.local import listeners, processes
from somahub.local.layout import Layout, from_environment
from somahub.local.supervise import Supervisor
from somahub.spawners.sandbox.processes import Process, find
from tests.somahub_under_test import Somahub, hub_user


def layout(instance: Somahub) -> Layout:
    """Where its files lie."""
    return from_environment(instance.environment, root=os.geteuid() == 0)


def supervisor(instance: Somahub) -> Supervisor:
    """Its supervisor."""
    return Supervisor(layout(instance))


def service(instance: Somahub, name: str) -> Process:
    """One of its services, as it runs now."""
    found = find(supervisor(instance).pid(name))
    assert found, f"the {name} does not run"
    return found


def answers(instance: Somahub) -> bool:
    """Whether its login page is there."""
    try:
        return httpx.get(f"{instance.url}/hub/login", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def seconds_until_it_answers(instance: Somahub, at_most: float) -> float:
    """How long its login page takes to be there."""
    began = time.monotonic()
    assert processes.wait_until(lambda: answers(instance), at_most), f"no login page after {at_most} s"
    return time.monotonic() - began


def all_ports_free(instance: Somahub) -> bool:
    """Whether nobody listens on its ports."""
    return all(listeners.free(port) for port in (instance.port, instance.hub_port, instance.proxy_port))


def left_running(instance: Somahub) -> list[list[str]]:
    """The command lines of all processes that name its folders."""
    return [processes.words(process.pid) for process in processes.naming(instance.data)]


def log_in(instance: Somahub, name: str, password: str) -> bool:
    """Whether a person of this name and password is let in."""
    with httpx.Client(base_url=instance.url, follow_redirects=True, timeout=10) as browser:
        browser.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": browser.cookies["_xsrf"]}
        return "/hub/login" not in str(browser.post("/hub/login", data=form).url)


def ready(instance: Somahub, name: str) -> bool:
    """Whether the hub says that somebody's session is ready."""
    try:
        servers = instance.ask("GET", f"/users/{name}").json().get("servers", {})
    except (httpx.HTTPError, ValueError):
        return False
    return bool(servers.get("", {}).get("ready"))


def start_session(instance: Somahub, name: str) -> None:
    """Have the hub start somebody's notebook session."""
    token = (instance.data / "secrets" / "operator").read_text().strip()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{instance.hub_port}/hub/api",
        headers={"Authorization": f"token {token}"},
        timeout=30,
    ) as hub:
        hub.post(f"/users/{name}")
        chosen = {"profile": "notebook", "hardware": "small"}
        hub.post(f"/users/{name}/server", json=chosen).raise_for_status()


def put_record(instance: Somahub, record: Mapping[str, object]) -> None:
    """Leave a record of a supervisor, as a crash of the machine would."""
    file = layout(instance).started
    file.write_text(json.dumps(record))
    if os.geteuid() == 0:
        shutil.chown(file, hub_user())


def copy_of_profiles(to: Path) -> Path:
    """The shipped offerings, to be changed, where the hub's user can read them."""
    shutil.copytree(shipped("profiles"), to)
    for path in (to, *to.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return to

"""Every image as a cluster runs it: by an ordinary user, with nothing of the machine that built it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from somahub.images import engine, table
from somahub.images.command import Builder, main, scratch
from somahub.images.table import Image
from tests.cluster import images as lab

ROOT = Path(__file__).parents[2]
SESSIONS = ("session", "dlc", "napari", "notebook")
APPS = SESSIONS[1:]

# What a pod of the standard *restricted* may do, on a file system that cannot be written.
RESTRICTED = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def limits() -> list[str]:
    """podman asks for higher limits than some machines may give."""
    found = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}")) for name in ("nofile", "nproc")}
    return [f"--ulimit={name}={min(soft, 4096)}:{min(hard, 4096)}" for name, (soft, hard) in found.items()]


def podman(*words: str | Path, fails: bool = False) -> str:
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert fails or done.returncode == 0, done.stderr
    return done.stdout


def inside(reference: str, script: str, *options: str) -> str:
    """What a shell script says in a new container of an image."""
    return podman("run", "--rm", *limits(), *RESTRICTED, *options, reference, "sh", "-euc", script)


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    """Every shipped image, by its name in podman's store."""
    return lab.build()


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts an app's session as a pod has it: a new home, folders for what runs, all else read-only."""
    folders = {"/home/user": tmp_path / "home", "/run/user/1000": tmp_path / "run", "/tmp": tmp_path / "tmp"}  # noqa: S108
    for folder in folders.values():
        folder.mkdir()
        os.chown(folder, 1000, 1000)
    volumes = [f"--volume={folder}:{place}" for place, folder in folders.items()]
    said = {
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ada/",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
        "JUPYTERHUB_API_TOKEN": "throw-away",
        "JUPYTERHUB_USER": "ada",
        "JUPYTERHUB_CLIENT_ID": "ada",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/ada/oauth_callback",
    }
    started: list[str] = []

    def start(reference: str) -> str:
        environment = [f"--env={name}={value}" for name, value in said.items()]
        words = ("run", "--detach", *limits(), *RESTRICTED, *volumes, *environment, reference)
        started.append(podman(*words).strip())
        return started[-1]

    yield start
    for container in started:
        podman("rm", "--force", "--time", "2", container)


def until(look: Callable[[], str], wanted: str, patience: float = 90) -> None:
    deadline = time.monotonic() + patience
    while wanted not in (seen := look()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s for {wanted!r} in vain: {seen[-2000:]}"
        time.sleep(0.1)


def test_each_runs_as_an_ordinary_user_and_says_what_it_is(built: dict[str, str]) -> None:
    for name, reference in built.items():
        assert inside(reference, "id -u; id -g").split() == ["1000", "1000"]
        config = json.loads(podman("image", "inspect", reference))[0]["Config"]
        assert config["User"] == "1000:1000"
        assert config["Labels"]["org.opencontainers.image.title"] == f"somahub-{name}"
        assert {variable.split("=")[0] for variable in config["Env"]} <= {"PATH", "HOME", "LANG", *SESSION_VARIABLES}


SESSION_VARIABLES = ("XDG_RUNTIME_DIR", "SOMAHUB_APP")


def test_what_an_image_holds_is_everybodys_to_read(built: dict[str, str]) -> None:
    unreadable = "find /opt -xdev ! -type l ! -readable -print | head"
    for reference in built.values():
        assert inside(reference, unreadable) == ""


def test_what_an_image_holds_is_nobodys_to_change(built: dict[str, str]) -> None:
    changeable = "find /opt /usr /etc -xdev ! -type l '(' -user user -o -perm -o+w ')' -print | head"
    for reference in built.values():
        assert inside(reference, changeable) == ""


def test_no_image_holds_caches_lists_or_logs_of_how_it_was_built(built: dict[str, str]) -> None:
    empty = (
        "/var/cache/somahub /var/lib/apt/lists /var/cache/apt /var/log /run/secrets /dev/shm /tmp /opt/build /source"
    )
    for reference in built.values():
        said = inside(reference, f"for place in {empty}; do [ ! -d $place ] || find $place -type f; done", "--user=0")
        assert said == ""
        assert (
            inside(reference, "find / -xdev -name pip.conf -o -xdev -name .npmrc -o -xdev -name .netrc", "--user=0")
            == ""
        )


def test_no_image_names_the_machine_that_built_it_or_its_registries(built: dict[str, str]) -> None:
    named = {value for name, value in os.environ.items() if re.search(r"INDEX|_PROXY|REGISTRY", name.upper())}
    words = [str(ROOT), str(scratch()), os.uname().nodename * (len(os.uname().nodename) > 5), *named]
    patterns = [f"-e '{word}'" for word in words if word]
    for name, reference in built.items():
        said = podman("image", "inspect", reference) + podman("history", "--no-trunc", reference)
        assert not [word for word in words if word and word in said]
        places = "/etc /opt/somahub /home /srv /usr/local" if name != "dlc" else "/etc /opt/somahub/session /home"
        assert inside(reference, f"grep -rlIF {' '.join(patterns)} {places} || true", "--user=0") == ""


def test_no_authority_of_this_machine_alone_is_trusted_by_an_image(built: dict[str, str]) -> None:
    certificate = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
    own = set(certificate.findall(Path("/etc/ssl/certs/ca-certificates.crt").read_text()))
    debian = {
        text
        for file in Path("/usr/share/ca-certificates").rglob("*.crt")
        for text in certificate.findall(file.read_text())
    }
    for reference in built.values():
        theirs = set(certificate.findall(inside(reference, "cat /etc/ssl/certs/ca-certificates.crt")))
        assert theirs
        assert not theirs & (own - debian)


def test_what_a_step_is_told_of_the_machine_stays_out_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://ada:planted-secret@mirror.lab/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)
    source = tmp_path / "source"
    shutil.copytree(ROOT / "images/base", source / "images/base")
    file = source / "images/told/Dockerfile"
    file.parent.mkdir()
    file.write_text(
        "ARG DEBIAN\nFROM ${DEBIAN}\nRUN --mount=type=bind,target=/source --mount=type=secret,id=machine "
        "sh /source/images/base/as-here sh -euc "
        '\'test -s $APT_CONFIG; test $(printf %s "$UV_DEFAULT_INDEX" | sha256sum | cut -c 1-64) = '
        f"{hashlib.sha256(address.encode()).hexdigest()}'\n"
    )
    inputs = ("images/base/as-here", "images/told/Dockerfile")
    image = Image("test-told", "Told", inputs[1], inputs, (("DEBIAN", table.DEBIAN),), shipped=True)
    made = engine.choose("podman", scratch())
    base = lab.base(made)
    reference = Builder({image.name: image}, source, made, base).build([])[image.name]
    kept = tmp_path / "kept.tar"
    podman("save", "--format", "docker-archive", "--output", kept, reference)
    podman("rmi", reference)
    whole = kept.read_bytes()
    assert b"as-here" in whole
    assert b"planted-secret" not in whole


def test_a_build_that_is_interrupted_leaves_no_process_and_no_container(tmp_path: Path) -> None:
    mark = f"1234{os.getpid()}"
    (tmp_path / "Dockerfile").write_text(f"ARG DEBIAN\nFROM ${{DEBIAN}}\nRUN echo begun; sleep {mark}\n")
    (tmp_path / "machine").touch()
    made = engine.choose("podman", scratch())
    before = podman("ps", "--all", "--external", "--quiet")

    def hear(line: str) -> None:
        if line == "begun":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.build(
            "localhost/somahub-test-interrupted:1",
            tmp_path / "Dockerfile",
            tmp_path,
            arguments={"DEBIAN": lab.base(made)},
            labels={},
            secret=tmp_path / "machine",
            layers=False,
            hear=hear,
        )
    assert podman("ps", "--all", "--external", "--quiet") == before
    until(lambda: f"left: {any(mark in words for words in running())}", "left: False", patience=10)


def running() -> list[str]:
    """The command lines of all processes but this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [entry.read_text(errors="replace")] if entry.parent.name != str(os.getpid()) else []
    return found


def test_the_hub_has_what_its_chart_loads(built: dict[str, str]) -> None:
    load = "import kubespawner, oauthenticator, pycurl, somahub.cluster_config, tornado.curl_httpclient; print('all')"
    assert inside(built["hub"], f'python -c "{load}"; jupyterhub --version').split() == ["all", "6.1.1"]
    assert inside(built["hub"], "touch /srv/jupyterhub/it; stat -c %u /srv/jupyterhub", "--read-only=false") == "1000\n"


def test_the_service_has_what_it_loads(built: dict[str, str]) -> None:
    assert inside(built["service"], "python -c 'import somahub.service.app; print(1)'") == "1\n"


@pytest.mark.parametrize("app", APPS)
def test_a_session_answers_shows_its_desktop_and_has_the_sample(
    built: dict[str, str], pod: Callable[[str], str], app: str
) -> None:
    container = pod(built[app])

    def ask(script: str) -> str:
        return podman("exec", container, "sh", "-c", script, fails=True)

    until(lambda: ask("cat $XDG_RUNTIME_DIR/somahub/desktop.json"), '"state": "up"')
    hear = (
        "import http.client as h; there = h.HTTPConnection('127.0.0.1', 8888); there.request('GET', '/user/ada/api');"
        " print(there.getresponse().getheader('Location'))"
    )
    # It knows whom to ask who comes.
    until(lambda: ask(f'/opt/somahub/session/bin/python -c "{hear}"'), "/hub/api/oauth2/authorize")
    until(lambda: ask("diff -r /opt/somahub/sample ~/buckets/mine && echo whole"), "whole")
    assert ask("ls -A ~/buckets") == "mine\n"
    assert ask("ls /opt/somahub/sample/sample-openfield/config.yaml /opt/somahub/sample/sample-openfield/videos/*.mp4")
    # The first process takes in what others leave behind.
    until(lambda: ask("ps -o comm= 1"), "tini")


@pytest.mark.parametrize("app", APPS)
def test_an_apps_python_runs_its_notebooks(built: dict[str, str], app: str) -> None:
    said = inside(built[app], "command -v python; python -c 'import ipykernel, sys; print(sys.prefix)'")
    assert said.split() == [f"/opt/somahub/apps/{app}/bin/python", f"/opt/somahub/apps/{app}"]
    assert "python3" in inside(built[app], "ls /opt/somahub/apps/*/share/jupyter/kernels")


def test_apps_share_the_layers_of_what_every_session_has(built: dict[str, str]) -> None:
    layers = {name: json.loads(podman("image", "inspect", built[name]))[0]["RootFS"]["Layers"] for name in SESSIONS}
    environment = layers["session"][:-1]
    for app in APPS:
        assert layers[app][: len(environment) - 1] == environment[:-1]


def test_building_again_builds_nothing_and_names_the_same_images(
    built: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = lab.base(engine.choose("podman", scratch()))
    began = time.monotonic()
    assert main(["build", "--base", base, "--source", str(ROOT), "--values", str(tmp_path / "images.yaml")]) == 0
    assert time.monotonic() - began < 30
    said = capsys.readouterr().out
    assert said.count("unchanged") == len(built)
    assert "  building " not in said
    for name in (*APPS, "service", "hub"):
        digest = podman("image", "inspect", "--format", "{{.Digest}}", built[name]).strip()
        assert digest.removeprefix("sha256:") in (tmp_path / "images.yaml").read_text()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry of images, Debian's, on this machine alone and for this test alone; its address."""
    # Brought, not installed: its package would start it as a service.
    tmp_path.chmod(0o755)
    for command in (["apt-get", "download", "docker-registry"], ["sh", "-c", "dpkg -x docker-registry_*.deb ."]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr} (apt-get update?)"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(tmp_path / "kept")}}}
    (tmp_path / "settings.json").write_text(json.dumps({**settings, "http": {"addr": address}}))
    (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    command = [str(tmp_path / "usr/bin/docker-registry"), "serve", str(tmp_path / "settings.json")]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as serving:
        try:
            until(lambda: (tmp_path / "log").read_text(), "listening on")
            yield address
        finally:
            serving.terminate()


def test_what_is_pushed_is_pulled_by_the_name_that_helm_is_given(
    built: dict[str, str], registry: str, tmp_path: Path
) -> None:
    base = lab.base(engine.choose("podman", scratch()))
    values = tmp_path / "images.yaml"
    words = ["build", "--base", base, "--source", str(ROOT), "--values", str(values), "--registry", f"{registry}/lab"]
    assert main([*words, "hub", "service"]) == 0
    document = YAML(typ="safe", pure=True).load(values)
    hub = document["jupyterhub"]["hub"]["image"]
    for name, reference in (("service", document["service"]["image"]), ("hub", f"{hub['name']}:{hub['tag']}")):
        assert reference.startswith(f"{registry}/lab/somahub-{name}@sha256:")
        assert not podman("images", "--quiet", f"{registry}/lab/somahub-{name}")
        podman("pull", "--quiet", reference)
        assert inside(reference, "id -u") == "1000\n"
        podman("rmi", reference)
    assert podman("image", "exists", built["hub"]) == ""


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("proxy", "configurable-http-proxy --version"),
        ("traefik", "traefik version"),
        ("dask-gateway", "dask-gateway-server --version"),
    ],
)
def test_stand_ins_for_images_of_others_run_too(name: str, command: str) -> None:
    options = ("--entrypoint", "/usr/bin/tini") if name == "traefik" else ()
    reference = lab.stand_in(name)
    said = podman("run", "--rm", *limits(), *RESTRICTED, *options, reference, *command.split())
    assert re.search(r"\d+\.\d+\.\d+", said)

"""What supervisord and the proxy are told, read back by supervisord's own parser."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from somahub.errors import SetupError
from somahub.local import services, supervise
from somahub.local.layout import Layout
from somahub.local.supervise import Service
from somahub.settings import Settings

HUB = Service("hub", ("/bin/echo", "-f", "a b.py"), {"A": "1"}, Path("/"))


def parsed(service: Service, folder: Path) -> ServerOptions:
    """The options that supervisord takes from our configuration."""
    place = Layout(folder, folder / "cache")
    for needed in (place.run, place.log):
        needed.mkdir()
    place.supervisor.write_text(supervise.configuration([service], place))
    options = ServerOptions()
    options.realize(["-c", str(place.supervisor)])
    return options


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "100 %",
        "%(here)s",
        "a,b=c",
        "two words",
        "it's",
        'say "so" twice',
        "ümlaut",
        "#hash",
        "x;y",
        "back\\slash",
    ],
)
def test_a_setting_reaches_the_hub_as_it_was_said(tmp_path: Path, value: str) -> None:
    options = parsed(replace(HUB, environment={"A": value, "B": "2"}), tmp_path)
    config = options.configroot.supervisord.process_group_configs[0].process_configs[0]
    assert config.environment == {"A": value, "B": "2"}


@pytest.mark.parametrize("value", ["both \"'", 'ends in "', "'begins", "two\nlines"])
def test_a_setting_that_supervisord_cannot_hold_is_refused_in_one_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(SetupError, match="a setting must be one line"):
        supervise.configuration([replace(HUB, environment={"A": value})], Layout(tmp_path, tmp_path))


def test_a_service_ends_with_the_supervisor_and_starts_again_by_itself(tmp_path: Path) -> None:
    config = parsed(HUB, tmp_path).configroot.supervisord.process_group_configs[0].process_configs[0]
    assert config.command.startswith("setpriv --pdeathsig KILL -- /bin/echo")
    assert config.command.endswith("'a b.py'")
    assert config.autorestart is not False


@pytest.mark.parametrize(
    "other",
    [
        replace(HUB, command=("/bin/echo",)),
        replace(HUB, environment={"A": "2"}),
        replace(HUB, folder=Path("/srv")),
        replace(HUB, stamp="new"),
    ],
)
def test_whatever_a_service_depends_on_changes_its_digest(other: Service) -> None:
    assert other.digest != HUB.digest


def test_the_proxy_listens_on_the_loopback_alone_and_tells_nobody_of_us(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, cache=tmp_path, port=4000, hub_port=4001, proxy_port=4002)
    said = tomllib.loads(services.proxy_configuration(settings, Layout(tmp_path, tmp_path)))
    assert {point["address"] for point in said["entryPoints"].values()} == {"127.0.0.1:4000", "127.0.0.1:4002"}
    assert said["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}


def test_no_secret_is_in_a_command_line_and_the_caller_gives_no_more_than_needed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, cache=tmp_path)
    caller = {"AWS_SECRET_ACCESS_KEY": "x", "PYTHONPATH": "/evil", "https_proxy": "http://proxy", "LD_PRELOAD": "/x"}
    _, hub = services.services(settings, Layout(tmp_path, tmp_path), caller)
    assert set(caller) & set(hub.environment) == {"https_proxy"}
    assert hub.environment["SOMAHUB_DATA"] == str(tmp_path)

"""What a script on a laptop can ask, and what it is told."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.hub.a_hub import until
from tests.service.a_service import PREFIX, Service

NAPARI = {"profile": "napari", "hardware": "small"}
ONE_LINE = re.compile(r"[^\n]+")


def test_profiles_have_their_version_hardware_and_price(service: Service) -> None:
    answer = service.ask("GET", "api/profiles", service.token("ada"))
    assert answer.status_code == 200
    offers = {offer["name"]: offer for offer in answer.json()["profiles"]}
    assert offers.keys() == {"deeplabcut", "napari", "notebook"}
    assert re.fullmatch(r"napari@[0-9a-f]{12}", offers["napari"]["version"])
    first = offers["napari"]["hardware"][0]
    assert (first["name"], first["size"], first["usd_per_hour"]) == ("small", "2 CPUs · 4 GiB memory", "0.0416")


def test_a_session_is_started_seen_and_stopped(service: Service) -> None:
    """As a script does it: start, wait, look at the cost, stop."""
    token = service.token("ada")
    started = service.ask("POST", "api/sessions", token, json=NAPARI)
    assert started.status_code == 202
    assert started.headers["Location"] == f"{PREFIX}api/sessions/napari"
    until(lambda: service.state("ada", "napari") == "running", "the session runs")
    (session,) = service.ask("GET", "api/sessions", token).json()["sessions"]
    assert session["address"] == f"{service.hub.url}/user/ada/napari/"
    assert (session["hardware"], session["size"]) == ("small", "2 CPUs · 4 GiB memory")
    assert session["usd_per_hour"] == "0.0416"
    assert Decimal(0) <= Decimal(session["usd_so_far"]) < Decimal("0.01")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", session["since"])
    assert service.ask("DELETE", "api/sessions/napari", token).status_code in (202, 204)
    until(lambda: not service.ask("GET", "api/sessions", token).json()["sessions"], "the session ends")


def test_a_name_of_any_allowed_characters_is_no_trouble(service: Service) -> None:
    name = "a..b+c@lab.example.org"
    service.run(name)
    (session,) = service.ask("GET", "api/sessions", service.token(name)).json()["sessions"]
    assert session["address"].endswith("/user/a..b%2Bc@lab.example.org/napari/")
    service.end(name)


def test_a_session_that_is_there_is_not_started_again(service: Service) -> None:
    """Whether it starts, runs or stops: 409, and what to do."""
    token = service.token("ada")
    with service.waits("hold"):
        started = service.ask("POST", "api/sessions", token, json=NAPARI)
        assert (started.status_code, started.json()["state"], started.json()["since"]) == (202, "starting", None)
        again = service.ask("POST", "api/sessions", token, json=NAPARI)
        assert again.status_code == 409
        assert again.json()["error"] == "your session on napari is starting already on small"
    until(lambda: service.state("ada", "napari") == "running", "the session runs")
    again = service.ask("POST", "api/sessions", token, json={**NAPARI, "hardware": "large"})
    assert (again.status_code, again.json()["mend"]) == (409, "open it, or stop it first")
    with service.waits("keep"):
        stopping = service.ask("DELETE", "api/sessions/napari", token)
        assert (stopping.status_code, stopping.json()["state"]) == (202, "stopping")
        again = service.ask("POST", "api/sessions", token, json=NAPARI)
        assert (again.status_code, again.json()["mend"]) == (409, "start it once it has stopped")
        assert service.ask("DELETE", "api/sessions/napari", token).status_code == 202
    until(lambda: not service.state("ada", "napari"), "the session ends")


def test_a_start_that_is_under_way_can_be_stopped(service: Service) -> None:
    token = service.token("ada")
    with service.waits("hold"):
        assert service.ask("POST", "api/sessions", token, json=NAPARI).status_code == 202
        assert service.ask("DELETE", "api/sessions/napari", token).status_code in (202, 204)
        until(lambda: not service.state("ada", "napari"), "the session is gone")


def test_why_a_session_did_not_start_is_told(service: Service) -> None:
    """Whoever waits for it learns it in the hub's own words."""
    token = service.token("ada")
    with service.waits("hold"):
        assert service.ask("POST", "api/sessions", token, json={**NAPARI, "hardware": "gpu"}).status_code == 202
    until(lambda: not service.state("ada", "napari"), "the start has failed")
    gone = service.ask("GET", "api/sessions/napari", token)
    assert gone.status_code == 404
    assert gone.json()["error"] == "napari did not start: No GPU is free: bob holds 1 GPU since 09:12 UTC"


def test_of_many_who_start_the_same_at_once_one_session_comes(service: Service) -> None:
    """And nobody is told of hardware that is not there."""
    token = service.token("ada")
    choices = ["small", "large"] * 4

    def start(hardware: str) -> tuple[int, str | None]:
        answer = service.ask("POST", "api/sessions", token, json={**NAPARI, "hardware": hardware})
        return answer.status_code, answer.json().get("hardware")

    with service.waits("hold"), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, choices))
        (session,) = service.ask("GET", "api/sessions", token).json()["sessions"]
    told = {hardware for status, hardware in answers if status == 202}
    assert {status for status, _ in answers} <= {202, 409}
    assert told == {session["hardware"]}
    service.end("ada")


@pytest.mark.parametrize(
    ("body", "status", "error", "mend"),
    [
        ({"profile": "napri", "hardware": "small"}, 422, "no profile is named 'napri'", "did you mean 'napari'?"),
        ({"profile": "napari", "hardware": "smal"}, 422, "no hardware is named 'smal'", "did you mean 'small'?"),
        ({"profile": "zzz", "hardware": "small"}, 422, "no profile is named 'zzz'", "choose one of deeplabcut"),
        ({"profile": "", "hardware": "small"}, 422, "no profile is named ''", "choose one of"),
        ({"profile": "x" * 101, "hardware": "small"}, 422, "profile: string should have at most 100", "send a JSON"),
        ({"profile": "napari"}, 422, "hardware is missing", "send a JSON object with hardware and profile"),
        ({**NAPARI, "hardwear": "x"}, 422, "hardwear is not a field of this", "did you mean 'hardware'?"),
        ({**NAPARI, "env": {"A": "b"}}, 422, "env is not a field of this", "send a JSON object"),
        ({"profile": 1, "hardware": "small"}, 422, "profile: input should be a valid string", "send a JSON"),
        ({"profile": ["napari"], "hardware": None}, 422, "profile: input should be a valid string", "send a JSON"),
        ([1], 422, "the body is not a JSON object", "send a JSON object"),
        (None, 422, "the body is not a JSON object", "send a JSON object"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_one_line(
    service: Service, body: object, status: int, error: str, mend: str
) -> None:
    answer = service.ask("POST", "api/sessions", service.token("ada"), json=body)
    said = answer.json()
    assert (answer.status_code, said.keys()) == (status, {"error", "mend"})
    assert said["error"].startswith(error)
    assert said["mend"].startswith(mend)
    assert all(ONE_LINE.fullmatch(line) for line in said.values())


def test_a_body_that_is_no_json_is_refused(service: Service) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"\xff\xfe", b"profile=napari&hardware=small"):
        answer = service.ask("POST", "api/sessions", service.token("ada"), content=body, headers=headers)
        assert (answer.status_code, set(answer.json())) == (400, {"error", "mend"}), body


def test_a_session_that_is_not_there_cannot_be_shown_or_stopped(service: Service) -> None:
    for method in ("GET", "DELETE"):
        answer = service.ask(method, "api/sessions/deeplabcut", service.token("nobody-runs"))
        assert answer.status_code == 404
        assert answer.json() == {
            "error": "you have no session on 'deeplabcut'",
            "mend": "start one by POST to api/sessions",
        }


def test_an_address_that_there_is_not_and_a_verb_that_does_not_fit_are_told(service: Service) -> None:
    token = service.token("ada")
    for method, path, status in (
        ("GET", "api/nothing", 404),
        ("PUT", "api/sessions", 405),
        ("OPTIONS", "api/sessions", 405),
    ):
        answer = service.ask(method, path, token)
        assert (answer.status_code, set(answer.json())) == (status, {"error", "mend"})


def test_the_openapi_document_describes_everything(service: Service) -> None:
    """Every operation, field and answer has words; every failure has the one shape."""
    document = service.ask("GET", "api/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            for status, answer in operation["responses"].items():
                assert answer["description"]
                if status[0] in "45":
                    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Wrong")
    assert f"{PREFIX}api/sessions/{{profile}}" in document["paths"]


def test_the_service_is_healthy_while_it_reaches_the_hub(service: Service) -> None:
    answer = service.ask("GET", "health")
    assert answer.json()["ok"] is True
    assert answer.json()["hub"] == service.hub.api("GET", "/").json()["version"]

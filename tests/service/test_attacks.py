"""What somebody tries who should not: with another's names, with weak tokens, with tricks of HTTP."""

from __future__ import annotations

import re
import socket

import httpx
import pytest

from tests.hub.a_hub import until
from tests.service.a_service import PREFIX, SECRET, Service

ACCESS = "access:services!service=somahub"
NAPARI = {"profile": "napari", "hardware": "small"}
ASKED = [("GET", "api/profiles"), ("GET", "api/sessions"), ("POST", "api/sessions"), ("DELETE", "api/sessions/napari")]


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "token",
        "token:x",
        "Basic YWRhOmFkYQ==",
        "token nobody-has-this",
        "Bearer " + "0" * 5000,
        "token ../../users/bob",
        "token a b",
        "token " + SECRET[:-1],
        b"token \xff\xfe",
    ],
)
def test_without_a_good_token_nothing_is_told(service: Service, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = service.ask(method, path, headers=headers, json=NAPARI if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json().keys() == {"error", "mend"}
    assert answer.json()["mend"].startswith("make ")


def test_a_token_in_the_address_or_in_a_cookie_is_none(service: Service) -> None:
    token = service.token("ada")
    assert service.ask("GET", f"api/sessions?token={token}").status_code == 401
    cookies = {"service-somahub": token, "jupyterhub-session-id": token, "_xsrf": token}
    assert service.ask("GET", "api/sessions", cookies=cookies).status_code == 401


def test_a_token_that_lacks_a_scope_is_told_which(service: Service) -> None:
    for scopes, method, lacking in (
        (["servers!user"], "GET", ACCESS),
        ([ACCESS], "GET", "read:servers!user"),
        ([ACCESS, "read:servers!user"], "POST", "start:servers!user"),
    ):
        answer = service.ask(
            method, "api/sessions", service.token("ada", *scopes), json=NAPARI if method == "POST" else None
        )
        assert (answer.status_code, answer.json()["error"]) == (403, f"the token lacks the scope {lacking}")
    service.run("ada")
    answer = service.ask("DELETE", "api/sessions/napari", service.token("ada", ACCESS, "read:servers!user"))
    assert (answer.status_code, answer.json()["error"]) == (403, "the token lacks the scope delete:servers!user")
    assert service.state("ada", "napari") == "running"
    service.end("ada")


def test_the_scopes_that_are_named_are_enough(service: Service) -> None:
    token = service.token("ada", ACCESS, "read:servers!user", "start:servers!user", "delete:servers!user")
    assert service.ask("POST", "api/sessions", token, json=NAPARI).status_code == 202
    until(lambda: service.state("ada", "napari") == "running", "the session runs")
    assert service.ask("DELETE", "api/sessions/napari", token).status_code in (202, 204)
    service.end("ada")


def test_nobody_sees_or_stops_anothers_session(service: Service) -> None:
    """Whatever is written in the place of a profile: it is looked for among one's own sessions alone."""
    service.run("bob")
    eve = service.token("eve")
    assert service.ask("GET", "api/sessions", eve).json() == {"sessions": []}
    assert service.ask("GET", "api/sessions?user=bob&name=bob", eve).json() == {"sessions": []}
    for name in (
        "napari",
        "bob/napari",
        "bob%2Fnapari",
        "..%2F..%2Fbob%2Fservers%2Fnapari",
        "%2E%2E",
        "%2e%2e%2f%2e%2e%2fusers%2fbob",
        "napari%00",
        "napari%3Fuser=bob",
        "napari%23",
        "%0d%0aX-Evil:1",
    ):
        for method in ("GET", "DELETE"):
            answer = service.ask(method, f"api/sessions/{name}", eve)
            assert answer.status_code in (404, 405), (method, name)
            assert "X-Evil" not in answer.headers
    body = {**NAPARI, "user": "bob"}
    assert service.ask("POST", "api/sessions", eve, json=body).status_code == 422
    assert service.state("bob", "napari") == "running"
    service.end("bob")


def test_one_who_runs_the_same_profile_stops_only_their_own(service: Service) -> None:
    service.run("bob")
    service.run("eve")
    assert service.ask("DELETE", "api/sessions/napari", service.token("eve")).status_code in (202, 204)
    until(lambda: not service.state("eve", "napari"), "Eve's session ends")
    assert service.state("bob", "napari") == "running"
    service.end("bob")


def test_a_service_has_no_sessions(service: Service) -> None:
    """Nor has this service's own token any power."""
    answer = service.ask("GET", "api/sessions", service.hub.robot)
    assert (answer.status_code, answer.json()["error"]) == (403, "this token is a service's, and sessions are people's")
    assert service.ask("GET", "api/sessions", SECRET).status_code == 403
    own = service.hub.api("GET", "/users", SECRET)
    assert own.status_code == 403
    assert service.hub.api("GET", "/users/ada", SECRET).status_code in (403, 404)


def test_a_token_that_is_revoked_is_refused_at_once(service: Service) -> None:
    browser = service.browser("ada")
    page = re.search(r'xsrf_token: "([^"]+)"', browser.get("/hub/token").text)
    assert page
    headers = {"X-XSRFToken": page[1], "Sec-Fetch-Mode": "cors"}
    made = browser.client.post("/hub/api/users/ada/tokens", json={"note": "soon gone"}, headers=headers).json()
    assert service.ask("GET", "api/sessions", made["token"]).status_code == 200
    gone = browser.client.delete(f"/hub/api/users/ada/tokens/{made['id']}", headers=headers)
    assert gone.status_code == 204
    assert service.ask("GET", "api/sessions", made["token"]).status_code == 401


def test_a_body_of_any_length_costs_no_memory(service: Service) -> None:
    """Refused by what it says of its length, and by what comes when it says nothing."""
    token = service.token("ada")
    headers = {"Content-Type": "application/json"}
    answer = service.ask("POST", "api/sessions", token, content=b"[" + b" " * 10_000_000 + b"]", headers=headers)
    assert (answer.status_code, answer.json().keys()) == (413, {"error", "mend"})
    sent = 0

    def endless() -> object:
        nonlocal sent
        while sent < 500_000_000:
            sent += 65_536
            yield b" " * 65_536

    try:
        answer = service.ask("POST", "api/sessions", token, content=endless(), headers=headers)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the line was closed while this still sent
    assert sent < 100_000_000


def test_every_answer_has_the_headers_that_keep_others_out(service: Service) -> None:
    token = service.token("ada")
    for path in (
        "",
        "api/sessions",
        "api/docs",
        "api/openapi.json",
        "api/nothing",
        "health",
        "static/nothing",
        "nothing",
    ):
        answer = service.ask("GET", path, token)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "uvicorn" not in answer.headers.get("Server", "")


def test_only_the_pages_own_files_are_shown(service: Service) -> None:
    assert service.ask("GET", "static/somahub.css").headers["Content-Type"].startswith("text/css")
    for name in ("..%2Fapp.py", "%2e%2e/__main__.py", "templates/page.html", "page.html", "somahub.css%00.js"):
        assert service.ask("GET", f"static/{name}").status_code == 404, name


@pytest.mark.parametrize("host", ['evil.example/"><script>', "a b", "x'; rm -rf ~; '", "evil.example\\@hub", ""])
def test_a_made_up_host_is_not_repeated(service: Service, host: str) -> None:
    """Straight to the service: the proxy lets no such host through."""
    request = f"GET {PREFIX}nothing HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    asked = f"GET {PREFIX}api/sessions HTTP/1.1\r\nHost: {host}\r\nAuthorization: token {service.token('ada')}\r\n"
    service.run("ada")
    for text in (request, f"{asked}Connection: close\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(text.encode())
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
        assert host == "" or host not in answer
    assert '"address":"/user/ada/napari/"' in answer
    service.end("ada")


def test_no_token_nor_code_is_written_to_the_log(service: Service) -> None:
    """Nor what follows a question mark, nor lines that a caller makes up."""
    token = service.token("ada")
    service.ask("GET", f"api/sessions?token={token}&x=y", token)
    service.ask("GET", "oauth_callback?code=SECRETCODE&state=SECRETSTATE")
    service.ask("GET", "api/sessions/%0A2026-01-01%20forged", token)
    log = service.log.read_text()
    for secret in (*service.tokens.values(), SECRET, "SECRETCODE", "SECRETSTATE", "x=y"):
        assert secret not in log
    assert "\n2026-01-01 forged" not in log
    assert "/services/somahub/api/sessions/%0A2026-01-01%20forged 404" in log

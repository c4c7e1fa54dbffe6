"""A browser's log-in at the service, by way of the hub's."""

from __future__ import annotations

import base64
from http.cookies import SimpleCookie

import httpx
from tornado.web import create_signed_value

from tests.hub.a_hub import Browser
from tests.service.a_service import PREFIX, Service

COOKIE = "service-somahub"


def follow(browser: Browser, path: str) -> list[httpx.Response]:
    """Open a page, and follow where it leads."""
    answers = [browser.get(path)]
    while answers[-1].is_redirect:
        assert len(answers) < 8, [str(answer.url) for answer in answers]
        answers.append(browser.get(answers[-1].headers["Location"]))
    return answers


def inside(service: Service, name: str) -> Browser:
    """Somebody's browser, logged in at the service."""
    browser = service.browser(name)
    assert follow(browser, PREFIX)[-1].status_code == 200
    return browser


def test_who_opens_the_page_is_led_to_the_log_in_and_back(service: Service) -> None:
    browser = service.browser("ada")
    answers = follow(browser, PREFIX)
    assert [answer.status_code for answer in answers] == [302, 302, 303, 200]
    assert "ada" in answers[-1].text
    assert "Nothing is running" in answers[-1].text


def test_cookies_are_for_the_services_pages_alone(service: Service) -> None:
    """Not for scripts, not for other paths, not for other sites; and only over https where there is https."""
    for scheme in ("http", "https"):
        browser = service.browser("ada")
        browser.client.headers["X-Forwarded-Proto"] = scheme
        begun = httpx.get(f"http://127.0.0.1:{service.port}{PREFIX}", headers={"X-Forwarded-Proto": scheme})
        done = follow(browser, PREFIX)[2] if scheme == "http" else begun
        for said in begun.headers.get_list("Set-Cookie") + done.headers.get_list("Set-Cookie"):
            for cookie in SimpleCookie(said).values():
                assert cookie["path"] == PREFIX
                assert cookie["httponly"] is True
                assert cookie["samesite"] == "lax"
                assert bool(cookie["secure"]) == (scheme == "https")


def test_the_log_in_may_only_look(service: Service) -> None:
    """The token behind the cookie can list one's own sessions, and no more."""
    browser = inside(service, "ada")
    value = browser.client.cookies.get(COOKIE, path=PREFIX)
    assert value
    # As anybody has it who gets hold of the cookie: it is signed, and no secret to its holder.
    plain = base64.b64decode(value.strip('"').split("|")[4].split(":")[1]).decode()
    assert service.ask("GET", "api/sessions", plain).status_code == 200
    refused = service.ask("POST", "api/sessions", plain, json={"profile": "napari", "hardware": "small"})
    assert refused.status_code == 403
    assert service.hub.api("POST", "/users/ada/servers/napari", plain).status_code == 403
    assert service.hub.api("GET", "/users/bob", plain).status_code in (403, 404)


def test_the_api_takes_no_cookie(service: Service) -> None:
    """So no page of anybody's can act by the browser of whoever opens it."""
    browser = inside(service, "ada")
    assert browser.get(f"{PREFIX}api/sessions").status_code == 401
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"X-XSRFToken": "x"}):
        answer = browser.client.post(
            f"{PREFIX}api/sessions", json={"profile": "napari", "hardware": "small"}, headers=headers
        )
        assert answer.status_code == 401
    assert browser.client.delete(f"{PREFIX}api/sessions/napari").status_code == 401


def test_the_page_is_shown_to_a_window_and_not_to_a_script(service: Service) -> None:
    """Other people's sessions are on the same host: a script of theirs, or a frame, sees nothing of the page."""
    browser = inside(service, "ada")
    for kind in ("empty", "iframe", "object", "script", "image"):
        answer = browser.client.get(PREFIX, headers={"Sec-Fetch-Dest": kind})
        assert answer.status_code == 403
        assert "ada" not in answer.text
    assert browser.client.get(PREFIX, headers={"Sec-Fetch-Dest": "document"}).status_code == 200


def test_a_log_in_that_another_browser_began_is_not_finished(service: Service) -> None:
    """Else somebody could have others work in their name: the code of Eve's log-in is of no use in Ada's browser."""
    eve, ada = service.browser("eve"), service.browser("ada")
    begun = eve.get(PREFIX)
    code = eve.get(begun.headers["Location"]).headers["Location"]
    assert "code=" in code
    answer = ada.get(code)
    assert answer.status_code == 403
    assert COOKIE not in answer.headers.get("Set-Cookie", "")
    # Not with a cookie of Ada's own log-in either, nor with one that is made up.
    ada.get(PREFIX)
    assert ada.get(code).status_code == 403
    name = next(name for name in eve.client.cookies if name.startswith(f"{COOKIE}-oauth-state"))
    ada.client.cookies.set(name, create_signed_value("guessed", name, "verifier").decode(), path=PREFIX)
    assert ada.get(code).status_code == 403
    # In the browser that began it, once and no second time.
    assert eve.get(code).status_code == 303
    assert eve.get(code).status_code == 403


def test_two_tabs_can_log_in_at_once(service: Service) -> None:
    browser = service.browser("ada")
    begun = [browser.get(PREFIX), browser.get(PREFIX)]
    for one in reversed(begun):
        back = browser.get(one.headers["Location"]).headers["Location"]
        assert browser.get(back).status_code == 303
    assert follow(browser, PREFIX)[-1].status_code == 200
    assert not [name for name in browser.client.cookies if "oauth-state" in name]


def test_a_callback_that_is_made_up_leads_nowhere_else(service: Service) -> None:
    browser = service.browser("ada")
    for query in ("", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied", "?code=x&state=x&next=//evil"):
        answer = browser.get(f"{PREFIX}oauth_callback{query}")
        assert (answer.status_code, "Location" in answer.headers) == (403, False)
        assert "evil" not in answer.text


def test_a_cookie_that_is_forged_is_none(service: Service) -> None:
    token = service.token("bob")
    for value in (token, create_signed_value("guessed", COOKIE, token).decode(), "2|1:0|", "", "x" * 3000):
        browser = Browser(service.hub)
        browser.client.cookies.set(COOKIE, value, path=PREFIX)
        answer = browser.get(PREFIX)
        assert answer.status_code == 302
        assert "/hub/api/oauth2/authorize" in answer.headers["Location"]


def test_who_logs_out_of_the_hub_is_out_here_too(service: Service) -> None:
    browser = inside(service, "ada")
    browser.get("/hub/logout")
    answers = follow(browser, PREFIX)
    assert answers[-1].url.path == "/hub/login"


def test_somebody_else_in_the_same_browser_sees_their_own(service: Service) -> None:
    browser = inside(service, "ada")
    browser.get("/hub/logout")
    service.token("bob")
    assert browser.log_in("bob", service.passwords["bob"]).status_code == 302
    page = follow(browser, PREFIX)[-1]
    assert ">bob<" in page.text
    assert ">ada<" not in page.text


def test_it_is_said_when_the_log_in_is_not_finished_because_one_said_no(service: Service) -> None:
    browser = service.browser("ada")
    begun = httpx.URL(browser.get(PREFIX).headers["Location"])
    answer = browser.get(f"{PREFIX}oauth_callback?error=access_denied&state={begun.params['state']}")
    assert answer.status_code == 403
    assert "The hub did not let you in" in answer.text

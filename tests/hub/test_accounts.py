"""Log-ins, through a real JupyterHub and its proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from somahub.accounts import admin
from somahub.errors import AccountError
from tests.hub.a_hub import Browser, Hub, until
from tests.somahub_under_test import free_ports


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    port, hub_port, proxy_port = free_ports(3)
    made = Hub(tmp_path_factory.mktemp("hub"), port, hub_port, proxy_port)
    made.write()
    admin.first(made.settings)
    made.start()
    yield made
    made.stop()


def said(answer: httpx.Response) -> str:
    """What a page tells the person that went wrong."""
    found = re.search(r'class="login_error">([^<]*)<|id="problem"[^>]*>([^<]*)<', answer.text)
    return next(filter(None, found.groups())) if found else ""


def test_who_knows_the_password_is_in(hub: Hub) -> None:
    password = hub.add("ada")
    browser = Browser(hub)
    answer = browser.log_in(" Ada ", password)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    assert browser.logged_in()
    assert "You still have the one that you were given." in browser.get("/hub/password").text


def test_who_does_not_is_refused_and_is_not_told_whether_there_is_such_a_person(hub: Hub) -> None:
    hub.add("known")
    answers = [Browser(hub).log_in(name, "a guess of mine") for name in ("known", "unknown", "no/name", "../x")]
    assert {answer.status_code for answer in answers} == {403}
    assert {said(answer) for answer in answers} == {"Invalid username or password"}
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1


def test_a_form_that_lacks_something_is_told_so(hub: Hub) -> None:
    for fields in ({}, {"username": "ada"}, {"password": "x"}, {"username": " ", "password": "x"}):
        answer = Browser(hub).send("/hub/login", **fields)
        assert (answer.status_code, said(answer)) == (400, "Write your user name and your password.")


@pytest.mark.parametrize("known", [True, False])
def test_guessing_is_slowed_in_words_for_anybody_alike_and_the_right_password_works_after_the_wait(
    hub: Hub, known: bool
) -> None:
    name = f"guessed-{known}".lower()
    password = hub.add(name) if known else "nobody has this"
    browser = Browser(hub)
    assert [browser.log_in(name, "a guess of mine").status_code for _ in range(3)] == [403] * 3
    seconds = guess_until_told_to_wait(browser, name, 4)
    answer = browser.log_in(name, password)
    assert answer.status_code == 429
    assert said(answer) == f"Too many tries; wait {answer.headers['Retry-After']} s."
    assert 0 < int(answer.headers["Retry-After"]) <= seconds
    until(lambda: browser.log_in(name, password).status_code == (302 if known else 403), "the wait to be over")


def guess_until_told_to_wait(browser: Browser, name: str, seconds: int) -> int:
    """Guess on, however slow this machine is, until the wait is as long as ``seconds``; how long it is then."""
    told = 0

    def waits() -> bool:
        nonlocal told
        told = int(browser.log_in(name, "a guess of mine").headers.get("Retry-After", 0))
        return told >= seconds

    until(waits, f"a wait of {seconds} s")
    return told


def test_somebody_who_guesses_beside_a_person_does_not_keep_them_out(hub: Hub) -> None:
    password = hub.add("neighbour")
    person, guesser = Browser(hub), Browser(hub)
    assert person.log_in("neighbour", password).status_code == 302
    person.get("/hub/logout")
    guess_until_told_to_wait(guesser, "neighbour", 4)
    assert person.log_in("neighbour", password).status_code == 302


def test_removed_people_are_logged_out_at_once_and_their_sessions_end(hub: Hub) -> None:
    password = hub.add("leaver")
    browser = Browser(hub)
    browser.log_in("leaver", password)
    assert hub.api("POST", "/users/leaver/servers/napari").status_code in (201, 202)
    until(lambda: hub.api("GET", "/users/leaver").json()["servers"].get("napari", {}).get("ready", False), "a server")
    assert admin.remove(hub.settings, "leaver") == (
        "leaver is logged out and cannot log in any more; their sessions are stopped, their files stay"
    )
    assert not browser.logged_in()
    assert hub.api("GET", "/users/leaver").status_code == 404
    assert Browser(hub).log_in("leaver", password).status_code == 403
    with pytest.raises(AccountError, match="'leaver' has no account"):
        admin.remove(hub.settings, "leaver")


def test_a_removed_account_that_the_hub_was_not_told_of_is_out_as_well(hub: Hub) -> None:
    password = hub.add("ghost")
    browser = Browser(hub)
    browser.log_in("ghost", password)
    token = own_token(browser, "ghost")
    admin.open_accounts(hub.settings).remove("ghost")
    until(lambda: not browser.logged_in(), "the log-in to end", 5)
    assert hub.api("GET", "/user", token).status_code == 403


def own_token(browser: Browser, name: str) -> str:
    """A token that a person makes on the hub's page."""
    xsrf = re.search(r'xsrf_token: "([^"]+)"', browser.get("/hub/token").text)
    assert xsrf
    answer = browser.client.post(
        f"/hub/api/users/{name}/tokens",
        json={"note": f"Server at /user/{name}/napari/"},
        headers={"X-XSRFToken": xsrf[1], "Sec-Fetch-Mode": "cors"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def test_a_reset_ends_log_ins_and_their_tokens_and_lets_sessions_run(hub: Hub) -> None:
    password = hub.add("forgetful")
    browser = Browser(hub)
    browser.log_in("forgetful", password)
    assert hub.api("POST", "/users/forgetful/servers/napari").status_code in (201, 202)
    until(
        lambda: hub.api("GET", "/users/forgetful").json()["servers"].get("napari", {}).get("ready", False), "a server"
    )
    sessions_own = (hub.folder / "forgetful" / "token").read_text()
    # Even one that says it is the server's.
    token = own_token(browser, "forgetful")
    assert hub.api("GET", "/user", token).status_code == 200

    renewed = admin.reset(hub.settings, "forgetful").split()[-1]
    until(lambda: not browser.logged_in(), "the log-in to end", 5)
    assert hub.api("GET", "/user", token).status_code == 403
    assert hub.api("GET", "/user", sessions_own).json()["name"] == "forgetful"
    assert Browser(hub).log_in("forgetful", password).status_code == 403
    assert Browser(hub).log_in("forgetful", renewed).status_code == 302
    assert hub.api("GET", "/users/forgetful").json()["servers"]["napari"]["ready"]


def test_people_change_their_password_stay_in_here_and_are_out_elsewhere(hub: Hub) -> None:
    password = hub.add("chooser")
    here, elsewhere = Browser(hub), Browser(hub)
    for browser in (here, elsewhere):
        assert browser.log_in("chooser", password).status_code == 302
    answer = here.send("/hub/password", old=password, new="correct horse battery", again="correct horse battery")
    assert answer.status_code == 200
    assert 'id="changed"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert here.logged_in()
    assert not elsewhere.logged_in()
    assert elsewhere.log_in("chooser", password).status_code == 403
    assert elsewhere.log_in("chooser", "correct horse battery").status_code == 302
    assert "given" not in here.get("/hub/password").text.split("<main", 1)[1]


def test_a_bad_choice_is_told_and_nothing_changes(hub: Hub) -> None:
    password = hub.add("picky")
    browser = Browser(hub)
    browser.log_in("picky", password)
    tries = [
        ((password, "short", "short"), "The new password is too short: take at least 10 characters."),
        ((password, "correct horse battery", "corect horse battery"), "The two new passwords are not the same."),
        (("a guess of mine", "correct horse battery", "correct horse battery"), "The current password is not right."),
    ]
    for (old, new, again), line in tries:
        answer = browser.send("/hub/password", old=old, new=new, again=again)
        assert (answer.status_code, said(answer)) == (400, line)
    assert Browser(hub).log_in("picky", password).status_code == 302


def test_an_open_browser_is_no_way_to_guess_the_password_faster(hub: Hub) -> None:
    browser = Browser(hub)
    browser.log_in("careless", hub.add("careless"))
    new = {"new": "correct horse battery", "again": "correct horse battery"}
    answers = [browser.send("/hub/password", old="a guess of mine", **new) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400] * 3

    def waits() -> bool:
        answers.append(browser.send("/hub/password", old="a guess of mine", **new))
        return answers[-1].status_code == 429

    until(waits, "to be told to wait")
    assert said(answers[-1]) == f"Too many tries; wait {answers[-1].headers['Retry-After']} s."


def test_the_page_is_for_who_is_logged_in(hub: Hub) -> None:
    answer = Browser(hub).get("/hub/password")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/login?next=%2Fhub%2Fpassword")


@pytest.mark.parametrize("token", ["", "invented"])
def test_forms_that_another_site_sends_do_nothing(hub: Hub, token: str) -> None:
    name = f"target-{len(token)}"
    password = hub.add(name)
    browser = Browser(hub)
    answer = browser.client.post("/hub/login", data={"username": name, "password": password, "_xsrf": token})
    assert (answer.status_code, said(answer)) == (403, "Login form invalid or expired. Try again.")
    assert not browser.logged_in()
    browser.log_in(name, password)
    chosen = {"old": password, "new": "correct horse battery", "again": "correct horse battery", "_xsrf": token}
    assert browser.client.post("/hub/password", data=chosen).status_code == 403
    assert Browser(hub).log_in(name, password).status_code == 302


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(hub: Hub) -> None:
    browser = Browser(hub)
    answer = browser.log_in("cookies", hub.add("cookies"))
    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("Set-Cookie")}
    for name in ("jupyterhub-hub-login", "jupyterhub-session-id", "somahub-device"):
        assert "HttpOnly" in cookies[name]
        assert "SameSite=Lax" in cookies[name]


def test_no_other_site_may_frame_a_page(hub: Hub) -> None:
    browser = Browser(hub)
    browser.log_in("framed", hub.add("framed"))
    for path in ("/hub/login", "/hub/password"):
        answer = Browser(hub).get(path) if path.endswith("login") else browser.get(path)
        assert answer.status_code == 200
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "http:evil.example",
     "javascript:alert(1)", "///evil.example", "https:/\\evil.example", "/%09/evil.example"],
)  # fmt: skip
def test_a_log_in_leads_nowhere_else(hub: Hub, target: str) -> None:
    name = f"led-{abs(hash(target))}"
    browser = Browser(hub)
    answer = browser.log_in(name, hub.add(name), str(httpx.URL("/hub/login", params={"next": target})))
    assert answer.status_code == 302
    place = httpx.URL(hub.url).join(answer.headers["Location"])
    assert (place.host, place.port) == ("127.0.0.1", hub.port)
    assert "\\" not in answer.headers["Location"]


def test_an_administrator_is_one_and_others_are_not(hub: Hub) -> None:
    boss, other = Browser(hub), Browser(hub)
    boss.log_in("boss", hub.add("boss", administrator=True))
    other.log_in("other", hub.add("other"))
    assert boss.get("/hub/admin").status_code == 200
    assert other.get("/hub/admin").status_code == 403


def test_whom_an_administrator_removes_on_the_page_cannot_come_back(hub: Hub) -> None:
    password = hub.add("dismissed")
    Browser(hub).log_in("dismissed", password)
    assert hub.api("DELETE", "/users/dismissed").status_code == 204
    assert Browser(hub).log_in("dismissed", password).status_code == 403


def test_the_operators_hub_that_is_down_is_said_and_log_ins_that_ended_meanwhile_stay_ended(hub: Hub) -> None:
    browsers = {name: Browser(hub) for name in ("stays", "resets", "goes")}
    for name, browser in browsers.items():
        assert browser.log_in(name, hub.add(name)).status_code == 302
    hub.stop()
    admin.reset(hub.settings, "resets")
    assert "No hub runs" in admin.remove(hub.settings, "goes")
    hub.start()
    assert {name: browser.logged_in() for name, browser in browsers.items()} == {
        "stays": True,
        "resets": False,
        "goes": False,
    }


def test_the_log_has_no_password(hub: Hub, tmp_path: Path) -> None:
    password = hub.add("logged")
    Browser(hub).log_in("logged", password)
    Browser(hub).log_in("logged", "a guess that must not be kept")
    log = (hub.folder / "hub.log").read_text()
    assert "Failed login for 'logged'" in log
    assert password not in log
    assert "a guess that must" not in log

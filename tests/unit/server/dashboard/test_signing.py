"""The forms to sign in and out and to change the password, as a browser without scripts uses them."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher

from homing.server.accounts.lockout import FREE_TRIES
from tests.receiving import Reply, Site, site

PASSWORD = "a password of ten and more"
OTHER = "another password of mine"
OWN = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}


class Visitor:
    """A browser at a site: it keeps the cookie, and follows nothing by itself."""

    def __init__(self, at: Site) -> None:
        self.site = at
        self.cookie = ""

    def get(self, path: str, **headers: str) -> Reply:
        """Open a page."""
        return self._kept(self.site.send("GET", path, {"accept": "text/html", "cookie": self.cookie, **headers}))

    def post(self, path: str, *, headers: Mapping[str, str] = OWN, **fields: str) -> Reply:
        """Send a form."""
        return self.send(path, fields, headers)

    def send(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] = OWN) -> Reply:
        """Send a form with these fields."""
        sent = {"cookie": self.cookie, **headers}
        return self._kept(self.site.send("POST", path, sent, urlencode(fields).encode()))

    def sign_in(self, password: str = PASSWORD, **fields: str) -> Reply:
        """Send the form to sign in."""
        return self.send("/sign-in", {"name": "admin", "password": password, **fields})

    def _kept(self, reply: Reply) -> Reply:
        self.cookie = reply.headers.get("set-cookie", self.cookie).partition(";")[0]
        return reply


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of a site whose owner has a password."""
    with site(tmp_path) as made:
        set_password(made)
        yield Visitor(made)


def set_password(made: Site, *, must_change: bool = False) -> None:
    """Give the owner the password, hashed as quickly as can be."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    made.control.set_password(made.owner, hashed, must_change=must_change)


def problem(reply: Reply) -> str:
    """Return the sentence beside the form."""
    found = re.search(r'role="alert"[^>]*>([^<]*)<', reply.body.decode())
    return unescape(found[1]) if found else ""


def leads(reply: Reply) -> tuple[int, str]:
    """Return where an answer leads."""
    return reply.status, reply.headers["location"]


def test_a_page_asks_to_sign_in_and_comes_back(visitor: Visitor) -> None:
    """Who is not signed in is led to the form and, signed in, to the very page that was asked for."""
    assert leads(visitor.get("/password")) == (303, "/sign-in?next=/password")
    asked = visitor.get("/instances?app=a&search=x%2Fy")
    assert leads(asked) == (303, "/sign-in?next=/instances%3Fapp%3Da%26search%3Dx%252Fy")
    form = visitor.get(asked.headers["location"]).body.decode()
    back = re.search(r'name="next" value="([^"]*)"', form)
    assert back is not None
    assert leads(visitor.sign_in(next=unescape(back[1]))) == (303, "/instances?app=a&search=x%2Fy")


def test_a_part_of_a_page_asks_the_whole_page_to_sign_in(visitor: Visitor) -> None:
    """A script that asks for a part is told to lead the browser to the form, not given the form as a part."""
    answer = visitor.get("/instances", **{"hx-request": "true"})
    assert (401, "/sign-in?next=/instances", b"") == (answer.status, answer.headers["hx-redirect"], answer.body)


def test_who_is_signed_in_need_not_again(visitor: Visitor) -> None:
    """The form leads on whoever has a session; never to another site."""
    visitor.sign_in()
    assert leads(visitor.get("/sign-in?next=/instances")) == (303, "/instances")
    assert leads(visitor.get("/sign-in?next=//evil.example")) == (303, "/")


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/sign-out"])
def test_signing_in_never_leads_to_another_site(visitor: Visitor, back: str) -> None:
    """A link with another site in it signs in to this one."""
    assert leads(visitor.sign_in(next=back)) == (303, "/")


def test_the_session_cookie(visitor: Visitor) -> None:
    """The cookie is no script's business and travels with links, not with other sites' forms."""
    cookie = visitor.sign_in().headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/", "max-age=1209600"):
        assert part in cookie
    assert "secure" not in cookie


def test_secure_cookies(tmp_path: Path) -> None:
    """Where HTTPS is told of, the cookie travels over nothing else."""
    with site(tmp_path, secure_cookies=True) as made:
        set_password(made)
        assert "; secure" in Visitor(made).sign_in().headers["set-cookie"].lower()


def test_wrong_passwords(visitor: Visitor) -> None:
    """The form comes back with the name, without the password, and says what is wrong; no cookie is set."""
    answer = visitor.sign_in("wrong", next="/instances")
    assert (401, "Name or password is not right.") == (answer.status, problem(answer))
    text = answer.body.decode()
    assert 'name="name" value="admin"' in text
    assert 'name="next" value="/instances"' in text
    assert 'value="wrong"' not in text
    assert "set-cookie" not in answer.headers
    assert "www-authenticate" not in answer.headers


def test_waiting_after_wrong_passwords(visitor: Visitor) -> None:
    """After five the form says how long to wait, and then the right password opens it; the API counts the same."""
    for _ in range(FREE_TRIES):
        visitor.sign_in("wrong")
    answer = visitor.sign_in()
    assert (429, "1") == (answer.status, answer.headers["retry-after"])
    assert "Too many wrong passwords; try again in 1 second." == problem(answer)
    asked = visitor.site.send("POST", "/api/v1/sign-in", {"content-type": "application/json"}, b'{"name":"admin"}')
    assert 400 == asked.status
    body = b'{"name":"admin","password":"x"}'
    assert 429 == visitor.site.send("POST", "/api/v1/sign-in", {"content-type": "application/json"}, body).status
    visitor.site.clock.advance(seconds=1)
    assert leads(visitor.sign_in()) == (303, "/")


def test_names_are_shown_as_text(visitor: Visitor) -> None:
    """What is typed as a name comes back as text, not as a part of the page."""
    text = visitor.sign_in(name='"><script>alert(1)</script>').body.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "host": "homing.example"},
    ],
)
def test_forms_of_other_sites(visitor: Visitor, headers: dict[str, str]) -> None:
    """No form of another site does anything, with a session or without."""
    visitor.sign_in()
    for path in ("/sign-in", "/sign-out", "/password"):
        refused = visitor.post(path, headers=headers, name="admin", password=PASSWORD, old=PASSWORD, new=OTHER)
        assert 403 == refused.status
        assert b"was not sent by a page of this receiver" in refused.body
    assert 200 == visitor.get("/password").status


def test_forms_without_https(visitor: Visitor) -> None:
    """A browser that says its origin and no more is at home where the origin is the host."""
    headers = {"host": "homing.lan:8400", "origin": "http://homing.lan:8400"}
    assert 303 == visitor.post("/sign-in", headers=headers, name="admin", password=PASSWORD).status


def test_forms_behind_a_proxy(tmp_path: Path) -> None:
    """The public address is our own, whatever the proxy makes of the Host header."""
    with site(tmp_path, public_url="http://telemetry.example/") as made:
        set_password(made)
        headers = {"host": "127.0.0.1:8400", "origin": "http://telemetry.example"}
        assert 303 == Visitor(made).post("/sign-in", headers=headers, name="admin", password=PASSWORD).status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 401),
        (b"\xff\xfe", 400),
        (b"name=%ff&password=%00", 401),
        (b"&".join([b"a=b"] * 11), 400),
        (b"x" * 70_000, 413),
    ],
)
def test_bodies_that_are_no_forms(visitor: Visitor, body: bytes, status: int) -> None:
    """Whatever is sent as a form is answered with a page and a sentence."""
    answer = visitor.site.send("POST", "/sign-in", OWN, body)
    assert status == answer.status
    assert answer.headers["content-type"].startswith("text/html")


def test_signing_out(visitor: Visitor) -> None:
    """Signing out ends the session, takes the cookie away and shows the form; twice does no harm."""
    visitor.sign_in()
    kept = visitor.cookie
    answer = visitor.post("/sign-out")
    assert leads(answer) == (303, "/sign-in")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    visitor.cookie = kept
    assert leads(visitor.get("/password")) == (303, "/sign-in?next=/password")
    assert leads(visitor.post("/sign-out")) == (303, "/sign-in")


def test_the_one_time_password(visitor: Visitor) -> None:
    """With the one-time password one gets no further than choosing another, which need not name the first again."""
    set_password(visitor.site, must_change=True)
    assert leads(visitor.sign_in(next="/instances?search=x")) == (303, "/password?next=/instances%3Fsearch%3Dx")
    assert leads(visitor.get("/instances")) == (303, "/password?next=/instances")
    form = visitor.get("/password?next=/instances").body.decode()
    assert "10 to 200 characters" in form
    assert 'name="old"' not in form
    assert "<nav" not in form
    answer = visitor.post("/password", new=OTHER, again=OTHER, next="/instances")
    assert leads(answer) == (303, "/instances")
    assert 'name="old"' in visitor.get("/password").body.decode()
    assert 401 == visitor.sign_in().status


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"new": OTHER, "again": OTHER + "x"}, "The two new passwords differ."),
        ({"new": "short", "again": "short"}, "A new password has 10 to 200 characters and differs from the old one."),
        ({"new": PASSWORD, "again": PASSWORD}, "A new password has 10 to 200 characters and differs from the old one."),
        ({"old": "wrong", "new": OTHER, "again": OTHER}, "The present password is not right."),
        ({}, "A new password has 10 to 200 characters and differs from the old one."),
    ],
)
def test_passwords_that_will_not_do(visitor: Visitor, fields: dict[str, str], sentence: str) -> None:
    """The form says what is wrong with a password, and shows none of what was typed."""
    visitor.sign_in()
    answer = visitor.send("/password", {"old": PASSWORD, "next": "/instances", **fields})
    assert (400, sentence) == (answer.status, problem(answer))
    assert OTHER not in answer.body.decode()
    assert 'name="next" value="/instances"' in answer.body.decode()


def test_changing_the_password(visitor: Visitor) -> None:
    """This browser stays signed in under a new session, every other session ends."""
    other = Visitor(visitor.site)
    for each in (visitor, other):
        each.sign_in()
    before = visitor.cookie
    answer = visitor.post("/password", old=PASSWORD, new=OTHER, again=OTHER, next="/instances")
    assert leads(answer) == (303, "/password?changed=1&next=%2Finstances")
    told = visitor.get(answer.headers["location"]).body.decode()
    assert "Password changed" in told
    assert 'href="/instances"' in told
    elsewhere = visitor.get(answer.headers["location"], **{"sec-fetch-site": "cross-site"}).body.decode()
    assert "Password changed" not in elsewhere
    assert before != visitor.cookie
    assert leads(other.get("/password")) == (303, "/sign-in?next=/password")
    assert 401 == Visitor(visitor.site).sign_in().status


def test_the_present_password_is_asked_for(visitor: Visitor) -> None:
    """A session alone does not change a password that is not a one-time one."""
    visitor.sign_in()
    answer = visitor.post("/password", new=OTHER, again=OTHER)
    assert (400, "The present password is not right.") == (answer.status, problem(answer))


def test_errors_are_pages_to_people(visitor: Visitor) -> None:
    """Who asks as a browser does gets a page where nothing is, in the frame of who is signed in; programs get JSON."""
    lost = visitor.get("/nowhere")
    assert (404, True) == (lost.status, b"Nothing is here" in lost.body)
    assert "content-security-policy" in lost.headers
    program = visitor.site.send("GET", "/nowhere", {"accept": "*/*"})
    assert (404, {"error": "Not Found"}) == (program.status, program.json)
    below_api = visitor.get("/api/v1/nowhere")
    assert (404, {"error": "Not Found"}) == (below_api.status, below_api.json)
    visitor.sign_in()
    assert b"<nav" in visitor.get("/instances?app=none").body


def test_pages_of_sessions_are_not_kept(visitor: Visitor) -> None:
    """No copy of a page, of its redirects or of its errors stays in a cache."""
    answers = [visitor.get("/password"), visitor.get("/sign-in"), visitor.get("/nowhere"), visitor.sign_in()]
    visitor.sign_in()
    answers.append(visitor.get("/password"))
    assert {"no-store"} == {answer.headers["cache-control"] for answer in answers}

"""``/r/repository/script/render``: the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from lxml import html

from tests.server import BASIC_USER, Client, Server, record_of

RENDER = "/r/repository/script/render"
HELLO = {"filename": "DeployR - Hello World", "author": "testuser"}


@pytest.fixture
def script(testuser: Client) -> Iterator[Callable[..., dict[str, str]]]:
    """Makes scripts, published unless said otherwise, that go with the test."""
    written = []

    def write(name: str, code: str, published: str = "true") -> dict[str, str]:
        testuser.succeed("/r/repository/file/write", filename=name, text=code, published=published)
        written.append(name)
        return {"filename": name, "author": "testuser"}

    yield write
    if written:
        testuser.succeed("/r/repository/file/delete", filename=",".join(written))


class Page:
    """A page as a browser reads it."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html;charset=UTF-8"
        self.headers = response.headers
        self.source = response.text
        self.tree = html.fromstring(response.content.decode())

    def texts(self, path: str) -> list[str]:
        return [element.text_content() for element in self.tree.xpath(path)]

    def under(self, heading: str) -> list[Any]:
        """Elements under a heading."""
        following: list[Any] = self.tree.xpath(f"//h2[. = '{heading}']/following-sibling::*")
        nexts = [index for index, element in enumerate(following) if element.tag == "h2"]
        return following[: nexts[0]] if nexts else following

    def error(self) -> str:
        [text] = self.texts("//p[@class = 'error']")
        return text

    def links(self) -> list[str]:
        return [str(url) for url in self.tree.xpath("//@src | //@href")]


def test_a_success_shows_console_objects_plots_and_files(
    anonymous: Client, script: Callable[..., dict[str, str]]
) -> None:
    name = script("full page.R", "x <- c(1, NA); f <- mean; cat('héllo'); plot(1); cat('a', file='a b.txt')")
    page = Page(anonymous.get(RENDER, robjects="x,f,none", **name))
    assert page.texts("//h1") == ["full page.R"]
    assert [element.text for element in page.under("Console")] == ["héllo"]
    shown = [element.text_content() for element in page.under("Objects")]
    assert shown == ["x vector, numeric", "[1.0,null]", "f object, function"]
    assert [element.text for element in page.under("Warnings")] == ["Object not found: none."]
    [plot], [file] = page.tree.xpath("//img/@src"), page.tree.xpath("//a/@href")
    assert anonymous.http.get(plot.removeprefix("/deployr")).content[:4] == b"\x89PNG"
    assert anonymous.http.get(file.removeprefix("/deployr")).content == b"a"
    assert page.texts("//a") == ["a b.txt"]


def test_the_parameters_are_those_of_execute(testuser: Client) -> None:
    inputs = json.dumps({"input_randomNum": {"type": "primitive", "value": 2}})
    sent = {"project": "PROJECT-none", "echooff": "True", "consoleoff": "True", "tag": "", "graphicswidth": "0"}
    page = Page(testuser.post(RENDER, inputs=inputs, robjects="input_randomNum", **sent, **HELLO))
    assert [element.text_content() for element in page.under("Objects")] == [
        "input_randomNum primitive, numeric",
        "2.0",
    ]
    assert page.under("Console") == []


def test_stored_files_are_linked(testuser: Client, script: Callable[..., dict[str, str]]) -> None:
    page = Page(testuser.post(RENDER, storefile="kept.txt", **script("store.R", "cat('text', file = 'kept.txt')")))
    [link] = page.tree.xpath("//h2[. = 'Stored files']/following-sibling::p/a/@href")
    assert testuser.http.get(link.removeprefix("/deployr")).content == b"text"
    testuser.succeed("/r/repository/file/delete", filename="kept.txt")


def test_a_failure_shows_its_error_and_the_console(anonymous: Client, script: Callable[..., dict[str, str]]) -> None:
    name = script("failing page.R", "cat('before\\n'); plot(1); stop('<b>broken</b>')")
    page = Page(anonymous.get(RENDER, robjects="x", **name))
    assert page.error() == "Error: <b>broken</b>"
    assert [element.text for element in page.under("Console")] == ["before\nError: <b>broken</b>"]
    assert page.links() == []


def test_what_cannot_be_run_is_said_on_the_page(
    anonymous: Client, server: Server, script: Callable[..., dict[str, str]]
) -> None:
    private = script("private page.R", "1", published="false")
    basic = server.login(BASIC_USER, "Password1")
    for client in (anonymous, basic):
        hidden = Page(client.get(RENDER, **private)).error()
        unknown = Page(client.get(RENDER, filename="unknown page.R", author="testuser")).error()
        assert hidden.replace("private", "unknown") == unknown
    assert "cluster" in Page(anonymous.get(RENDER, cluster="no such cluster", **HELLO)).error()
    assert Page(anonymous.get(RENDER, inputs="{", **HELLO)).error()
    basic.logout()


def test_a_malformed_call_is_refused_in_the_envelope(anonymous: Client) -> None:
    for sent in ({"author": "testuser"}, {"blackbox": "perhaps", **HELLO}):
        response = anonymous.get(RENDER, **sent)
        assert (response.status_code, record_of(response)["success"]) == (400, False)


HOSTILE = """
x <- '</pre><script>alert(1)</script>'
names <- list(a = x); names(names) <- x
cat(x, '\\033[31mred\\001', sep = '')
warning('<img src=x>')
plot(1)
cat('a', file = '<i>"&\\'.txt')
"""


def test_what_came_from_r_is_text(anonymous: Client, script: Callable[..., dict[str, str]]) -> None:
    name = script("hostile <b>page.R", HOSTILE)
    page = Page(anonymous.get(RENDER, robjects="x,names", **name))
    assert page.tree.xpath("//script | //b | //i | //iframe | //*[@onerror]") == []
    assert page.texts("//title") == ["hostile <b>page.R"]
    assert page.texts("//a") == ["<i>\"&'.txt"]
    assert "<script>alert(1)</script>�[31mred�" in page.under("Console")[0].text
    assert len(page.tree.xpath("//img")) == 1
    [link] = page.tree.xpath("//a/@href")
    assert anonymous.http.get(link.removeprefix("/deployr")).content == b"a"


def test_the_page_needs_nothing_from_elsewhere(anonymous: Client, script: Callable[..., dict[str, str]]) -> None:
    page = Page(anonymous.get(RENDER, **script("alone.R", "plot(1); cat('a', file='a.txt')")))
    assert all(url.startswith("/deployr/r/") for url in page.links())
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_source_is_shown_to_those_only_who_may_download_it(
    anonymous: Client, testuser: Client, script: Callable[..., dict[str, str]]
) -> None:
    names = [
        script("secret page.R", "x <- 1 # secret\nprint(x)"),
        script("secret error.R", "f <- function(x) stop('broken')\nf('secret')"),
        script("secret syntax.R", "1\nsecret <- ("),
    ]
    for name in names:
        assert "secret" not in Page(anonymous.get(RENDER, **name)).source.replace(name["filename"], "")
    assert "> x <- 1 # secret" in Page(testuser.get(RENDER, **names[0])).texts("//pre")[0]
    blackbox = Page(testuser.get(RENDER, blackbox="true", **names[0]))
    assert "secret" not in blackbox.source.replace("secret page.R", "")


def test_a_blackbox_keeps_its_state_until_it_is_recycled(
    anonymous: Client, script: Callable[..., dict[str, str]]
) -> None:
    name = script("counting page.R", "n <- if (exists('n')) n + 1 else 1; plot(1); cat('a', file='a.txt')")

    def count(**sent: str) -> str:
        page = Page(anonymous.get(RENDER, robjects="n", blackbox="True", **name, **sent))
        assert (len(page.tree.xpath("//img")), page.under("Files")) == (1, [])
        return str(page.under("Objects")[1].text)

    assert [count(), count(), count(recycle="True")] == ["1.0", "2.0", "1.0"]


@pytest.mark.parametrize("form", [";jsessionid={}?", "/jsessionid={}?"])
def test_a_page_opened_by_a_url_with_the_session_has_links_with_it(
    server: Server, testuser: Client, script: Callable[..., dict[str, str]], form: str
) -> None:
    private = script("by url.R", "plot(1); cat('a', file='a.txt')", published="false")
    session = testuser.http.cookies["JSESSIONID"]
    browser = server.client()
    query = "&".join(f"{name}={value}" for name, value in private.items())
    page = Page(browser.get(RENDER + form.format(session) + query))
    assert browser.http.cookies.get("JSESSIONID") is None
    assert len(page.links()) == 2
    for link in page.links():
        assert browser.http.get(link.removeprefix("/deployr")).status_code == 200
    by_cookie = Page(testuser.get(RENDER, **private))
    assert session not in by_cookie.source

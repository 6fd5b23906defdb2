"""What a page in the frame of a saved page can reach: nothing. Looked at from the server, on loopback and on a LAN."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import torch
from chrome import Chrome, Tab

from zoomstack_core.explorer_page import CONTENT_SECURITY_POLICY, explorer_page, framed_page, images_of, rebuilt_page
from zoomstack_core.geometry import ZoomGeometry

LAN = "zoom.lan"
# Every way out that a page has, each to an address of its own on the server that the page comes from.
HOSTILE = """<!doctype html><html><head><title>x</title></head><body><script>
const home = new URL(document.baseURI).origin;
const to = (name) => `${home}/leak/${name}`;
const put = (markup) => document.body.insertAdjacentHTML("beforeend", markup);
const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
const ways = {
  get: () => fetch(to("get")),
  post: () => fetch(to("post"), { method: "POST", mode: "no-cors", body: "{}" }),
  xhr: () => { const r = new XMLHttpRequest(); r.open("POST", to("xhr")); r.send("{}"); },
  beacon: () => navigator.sendBeacon(to("beacon"), "{}"),
  socket: () => new WebSocket(to("socket").replace("http", "ws")),
  events: () => new EventSource(to("events")),
  image: () => { new Image().src = to("image"); },
  script: () => { const s = document.createElement("script"); s.src = to("script"); document.body.append(s); },
  module: () => import(to("module")),
  worker: () => new Worker(blob(`fetch("${to("worker")}")`, "text/javascript")),
  style: () => put(`<link rel="stylesheet" href="${to("style")}">`),
  preload: () => put(`<link rel="preload" as="image" href="${to("preload")}">`),
  prefetch: () => put(`<link rel="prefetch" href="${to("prefetch")}">`),
  icon: () => put(`<link rel="icon" href="${to("icon")}">`),
  css: () => put(`<style>@import "${to("css")}"; body { background: url("${to("css2")}") }</style>`),
  font: () => put(`<style>@font-face { font-family: f; src: url("${to("font")}") } p { font: 9px f }</style><p>x</p>`),
  media: () => put(`<video src="${to("media")}" autoplay muted></video><audio src="${to("media2")}" preload="auto">`),
  object: () => put(`<object data="${to("object")}"></object><embed src="${to("embed")}">`),
  frame: () => put(`<iframe src="${to("frame")}"></iframe>`),
  srcdoc: () => put(`<iframe srcdoc="<img src='${to("srcdoc")}'>"></iframe>`),
  svg: () => put(`<svg><image href="${to("svg")}"/><use href="${to("use")}#x"/></svg>`),
  link: () => {
    put(`<a id="a" href="${to("link")}" target="_blank" ping="${to("ping")}">x</a>`);
    document.getElementById("a").click();
  },
  popup: () => window.open(to("popup")),
  parent: () => { parent.document.body.append("x"); },
  storage: () => localStorage.setItem("x", "x"),
};
const last = {
  form: () => {
    put(`<form method="post" action="${to("form")}" id="f"></form>`);
    document.getElementById("f").submit();
  },
  top: () => { top.location.href = to("top"); },
  refresh: () => put(`<meta http-equiv="refresh" content="0;url=${to("refresh")}">`),
  self: () => { location.href = to("self"); },
};
window.tried = [];
window.run = async (ways) => {
  for (const [name, way] of Object.entries(ways)) {
    try { await Promise.race([way(), new Promise((done) => setTimeout(done, 150))]); } catch {}
    tried.push(name);
  }
};
</script></body></html>"""


class Recorder(ThreadingHTTPServer):
    """A server that notes what arrives, and gives pages by their paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.arrived: list[str] = []

    @property
    def leaks(self) -> set[str]:
        return {path.removeprefix("/leak/") for path in self.arrived if path.startswith("/leak/")}


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.arrived.append(self.path)
        text, headers = self.server.pages.get(self.path, ("", {}))
        self.send_response(200 if text else 404)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def lan_chrome(chrome: Chrome) -> Iterator[Chrome]:
    with Chrome(chrome.path, f"--host-resolver-rules=MAP {LAN} 127.0.0.1") as running:
        yield running


@pytest.fixture(params=["127.0.0.1", LAN])
def opened(request: pytest.FixtureRequest, recorder: Recorder, lan_chrome: Chrome) -> Iterator[Tab]:
    opened = lan_chrome.tab(f"http://{request.param}:{recorder.server_port}")
    yield opened
    opened.errors.clear()  # every way that is closed is one
    opened.close()


def try_all(opened: Tab, frame: int) -> None:
    """Try all ways out in a frame of the page; those that leave the page come last."""

    async def run() -> None:
        page = opened.page.frames[frame]
        await page.wait_for_function("() => window.run")
        await page.evaluate("() => run(ways)")
        await page.evaluate("() => { setTimeout(() => run(last)); }")
        await opened.page.wait_for_timeout(1500)

    opened.wait(run())


@pytest.mark.parametrize("headers", [{}, {"Content-Security-Policy": CONTENT_SECURITY_POLICY}], ids=["meta", "header"])
def test_nothing_that_a_framed_page_tries_arrives(opened: Tab, recorder: Recorder, headers: dict[str, str]) -> None:
    recorder.pages["/framed"] = framed_page(HOSTILE, "x"), headers
    opened.open(f"{opened.url}/framed")
    try_all(opened, 1)
    assert recorder.leaks == set()
    assert opened.page.url == f"{opened.url}/framed"
    assert len(opened.page.context.pages) == 1
    left = "() => [document.body.children.length, document.body.textContent.trim(), localStorage.length]"
    assert opened.do(left) == [1, "", 0]


def test_the_same_page_without_its_frame_reaches_the_server(opened: Tab, recorder: Recorder) -> None:
    """Or the test above would show nothing."""
    recorder.pages["/plain"] = HOSTILE, {}
    opened.open(f"{opened.url}/plain")
    try_all(opened, 0)
    most = {
        "get",
        "post",
        "xhr",
        "beacon",
        "socket",
        "image",
        "script",
        "module",
        "style",
        "css",
        "frame",
        "svg",
        "srcdoc",
    }
    assert most <= recorder.leaks


def test_the_explorer_works_in_the_frame(opened: Tab, recorder: Recorder) -> None:
    colors = torch.eye(3)[:, :, None, None].expand(3, 3, 64, 64)
    page = explorer_page(images_of(colors), ZoomGeometry(3, 64, 64, 2.0), ["</script>red", "green", "blue"])
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    recorder.pages["/framed"] = framed_page(rebuilt_page(page, "x"), "x"), headers
    opened.open(f"{opened.url}/framed")

    async def caption() -> str:
        frame = opened.page.frames[1]
        await frame.wait_for_function("() => explorer.frames > 0")
        await frame.evaluate("() => explorer.goTo(2)")
        await frame.wait_for_function("() => explorer.view.zoom === 2 && !explorer.request")
        return await frame.evaluate("() => document.querySelector('.zoomstack-caption').textContent")  # type: ignore[no-any-return]

    assert opened.wait(caption()).endswith(": blue")
    assert recorder.leaks == set()
    assert opened.errors == []

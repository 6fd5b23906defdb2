"""What the front end asks the server for, and what it is told when that fails."""

import asyncio
import gzip
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from harness import Host
from PIL import Image

DEEP = b"[" * 100_000
JSON = {"Content-Type": "application/json"}


def pages(host: Host) -> list[Path]:
    return sorted((host.base / "output").rglob("*.html"))


def changed(asked: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a place; without that place for Ellipsis."""
    copy = json.loads(json.dumps(asked))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


def test_the_button_saves_a_page_of_the_last_result(host: Host, viewer_request: dict[str, Any]) -> None:
    status, page = host.post("/zoomstack/page", viewer_request)
    assert status == 200, page
    text = (host.base / "output" / page["subfolder"] / page["filename"]).read_text(encoding="utf-8")
    assert json.dumps(viewer_request["zoom"]["geometry"]) in text
    assert json.dumps(viewer_request["zoom"]["motion"]) in text
    assert text.count("data:image/webp;base64,") == 3


def routes(host: Host) -> list[tuple[str, str]]:
    """Method and path of every route of the pack that the server has."""
    host.object_info()
    paths = {(route.method, route.resource.canonical) for route in host.app.router.routes() if route.resource}
    return sorted((method, path) for method, path in paths if path.startswith("/zoomstack") and method != "HEAD")


def test_every_route_of_the_pack_is_tried_here(host: Host) -> None:
    assert routes(host) == [
        ("GET", "/zoomstack/page"),
        ("POST", "/zoomstack/kept_levels"),  # with more in test_saving_levels.py
        ("POST", "/zoomstack/levels"),  # there too
        ("POST", "/zoomstack/page"),
        ("POST", "/zoomstack/prompts"),
    ]


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "bad UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "NUL": b"\0" * 10,
    "100,000 brackets": DEEP,
    "100,000 pairs of brackets": DEEP + b"]" * 100_000,
    "900 pairs of brackets": b"[" * 900 + b"]" * 900,
    "100,000 objects": b'{"a":' * 100_000,
    "a number": b"1",
    "a text": b'"a"',
    "a list": b"[]",
    "nothing in JSON": b"null",
    "an empty object": b"{}",
    "no number": b'{"text": NaN}',
    "a number of 5,000 digits": b'{"text": ' + b"9" * 5000 + b"}",
    "more than can be": b" " * 2**23,
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png", "multipart/form-data"])
@pytest.mark.usefixtures("no_new_file")
def test_a_body_that_is_no_request_is_told(host: Host, body: str, content_type: str) -> None:
    for method, path in routes(host):
        if method == "POST":
            status, answer = host.ask(method, path, data=BODIES[body], headers={"Content-Type": content_type})
            assert status == (413 if body == "more than can be" else 400), (path, answer)
            assert 0 < len(answer["error"]) < 700, path


@pytest.mark.usefixtures("no_new_file")
def test_a_body_that_cannot_be_unpacked_is_told(host: Host) -> None:
    for method, path in routes(host):
        if method == "POST":
            status, answer = host.ask(method, path, data=b"{}", headers={"Content-Encoding": "gzip"})
            assert (status, bool(answer["error"])) == (400, True), path
            bomb = gzip.compress(b" " * 2**26)
            assert host.ask(method, path, data=bomb, headers={"Content-Encoding": "gzip"})[0] == 413, path


@pytest.mark.parametrize("asked", [{"text": "# nothing"}, {}, {"text": 3}, {"text": None}, {"text": ["a"]}, [], "a"])
def test_a_text_without_prompts_is_an_error(host: Host, asked: Any) -> None:
    status, answer = host.post("/zoomstack/prompts", asked)
    assert status == 400
    assert answer["error"].startswith("no prompts can be read in this text")


@pytest.mark.parametrize(
    "text",
    ["**" + "a **" * 200_000, "[" * 900_000, "\n" * 450_000, "a\n" * 300_000, '["a",' * 140_000],
    ids=lambda text: text[:9],
)
def test_a_long_text_is_read_or_refused(host: Host, text: str) -> None:
    status, answer = host.post("/zoomstack/prompts", {"text": text})
    assert status in (200, 400)
    assert answer.get("prompts") or 0 < len(answer["error"]) < 700


def test_a_text_over_a_megabyte_is_refused(host: Host) -> None:
    status, answer = host.post("/zoomstack/prompts", {"text": "a" * 2**20})
    assert status == 413
    assert "1,048,576 bytes" in answer["error"]


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("# x\n1. a\n2. b", ["a", "b"]),
        ('["a", "b \\ud83e"]', ["a", "b �"]),
        ('{"negPrompt": "x", "prompts": ["a", "b"]}', ["a --neg x", "b --neg x"]),
        ("1. a\n2. b\n3. From 1 - c\n4. d", ["a", "b", "from 1: c", "d"]),
        ('[{"prompt": "a"}, {"prompt": "b"}, {"prompt": "c", "parent": 1}]', ["a", "b", "from 1: c"]),
    ],
)
def test_the_rows_learn_what_the_node_reads(host: Host, text: str, prompts: list[str]) -> None:
    assert host.post("/zoomstack/prompts", {"text": text}) == (200, {"prompts": prompts})
    assert host.post("/zoomstack/prompts", {"text": "\n".join(prompts)}) == (200, {"prompts": prompts})


LONG = "x" * 5000
ODD_NAMES = [
    "",
    ".",
    "..",
    "/",
    "gone.png",
    "../../../../etc/passwd",
    "/etc/passwd",
    "C:\\x.png",
    "a\0b",
    LONG,
    3,
    None,
    [],
    {},
]
ODD = [None, True, 3, -1, 0, 1e308, 10**400, "x", [], [[]], {}, [None], ["x"], [{}], [[1, 2, 3]], [10**400, 2.0]]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: str(name)[:20])
@pytest.mark.parametrize("key", ["filename", "subfolder", "type"])
@pytest.mark.usefixtures("no_new_file")
def test_the_button_takes_no_other_files(host: Host, viewer_request: dict[str, Any], key: str, name: Any) -> None:
    name = "nowhere" if key == "subfolder" and name in ("", ".") else name
    status, answer = host.post("/zoomstack/page", changed(viewer_request, ("images", 1, key), name))
    assert status == 404, answer
    assert answer["error"] == "the images are no longer there; run the workflow again."


@pytest.mark.parametrize("value", [..., *ODD], ids=lambda value: str(value)[:20])
@pytest.mark.parametrize(
    "place",
    [
        ("images",),
        ("images", 0),
        ("zoom",),
        ("zoom", "geometry"),
        ("zoom", "geometry", "height"),
        ("zoom", "geometry", "width"),
        ("zoom", "geometry", "factors"),
        ("zoom", "geometry", "factors", 0),
        ("zoom", "geometry", "foci"),
        ("zoom", "geometry", "foci", 0),
        ("zoom", "geometry", "foci", 0, 1),
        ("zoom", "motion"),
        ("zoom", "motion", "roll"),
        ("zoom", "prompts"),
        ("filename_prefix",),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
def test_whatever_is_asked_is_saved_or_told(host: Host, viewer_request: dict[str, Any], place: Any, value: Any) -> None:
    before = pages(host)
    status, answer = host.post("/zoomstack/page", changed(viewer_request, place, value))
    if status == 200:
        assert len(pages(host)) == len(before) + 1
        opened = host.fetch("/zoomstack/page", {k: answer[k] for k in ("filename", "subfolder")})
        assert opened[0] == 200, "what was saved can be opened"
    else:
        assert status in (400, 404)
        assert 0 < len(answer["error"]) < 700
        assert pages(host) == before


@pytest.mark.parametrize("count", [0, 1, 2, 4, 1001, 5000])
@pytest.mark.usefixtures("no_new_file")
def test_more_or_fewer_images_than_levels_are_refused(host: Host, viewer_request: dict[str, Any], count: int) -> None:
    status, answer = host.post(
        "/zoomstack/page", {**viewer_request, "images": (viewer_request["images"] * 1700)[:count]}
    )
    assert status == 400
    assert "levels" in answer["error"] or "images must be a list of 1 to 1000 files" in answer["error"]


@pytest.mark.parametrize(
    "prefix",
    ["../x", "../../x/y", "a/../../x", "/tmp/x", "/", "a\0b", "a/" + LONG, LONG, "\ud83e", "x/\ud83e/y"],
    ids=repr,
)
@pytest.mark.usefixtures("no_new_file")
def test_a_prefix_that_cannot_be_is_told(host: Host, viewer_request: dict[str, Any], prefix: str) -> None:
    status, answer = host.post("/zoomstack/page", {**viewer_request, "filename_prefix": prefix})
    assert status == 400, answer
    assert len(answer["error"]) < 700
    if ".." in prefix or prefix.startswith("/"):
        assert "outside the output folder" in answer["error"]


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x89PNG\r\n\x1a\n" + b"x" * 100, "half", "large", "other size"])
@pytest.mark.usefixtures("no_new_file")
def test_an_image_that_cannot_be_read_is_told(host: Host, viewer_request: dict[str, Any], content: Any) -> None:
    file = host.base / "temp" / "odd.png"
    sizes = {"large": (20_000, 20_000), "other size": (32, 48), "half": (48, 32)}
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        Image.effect_noise((48, 32), 80).convert("RGB").resize(sizes[content]).save(file, compress_level=1)
    if content == "half":
        file.write_bytes(file.read_bytes()[:2000])
    odd = {"filename": file.name, "subfolder": "", "type": "temp"}
    status, answer = host.post("/zoomstack/page", changed(viewer_request, ("images", 1), odd))
    assert status in (400, 500)
    assert 0 < len(answer["error"]) < 700


@pytest.mark.parametrize("form", ["EPS", "GIF", "JPEG", "SPIDER", "TIFF"])
@pytest.mark.usefixtures("no_new_file")
def test_only_the_hosts_previews_are_opened(
    host: Host, viewer_request: dict[str, Any], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoders of other formats start programs (Ghostscript), and raise errors of any class."""
    opened: list[str] = []
    Image.init()
    factory, accept = Image.OPEN[form]
    monkeypatch.setitem(Image.OPEN, form, (lambda *given: opened.append(form) or factory(*given), accept))
    file = host.base / "temp" / "other.png"
    picture = Image.new("F" if form == "SPIDER" else "RGB", (48, 32))
    picture.save(file.with_suffix(".other"), format=form)  # ".png" would be SPIDER's from then on
    file.with_suffix(".other").replace(file)
    odd = {"filename": file.name, "subfolder": "", "type": "temp"}
    status, answer = host.post("/zoomstack/page", changed(viewer_request, ("images", 1), odd))
    assert (status, opened) == (400, [])
    assert "'other.png' is no image that can be read" in answer["error"]


@pytest.mark.parametrize("error", [RuntimeError("odd"), AttributeError("odd"), MemoryError(), AssertionError()])
def test_an_error_that_nobody_thought_of_is_told_and_logged(
    host: Host,
    viewer_request: dict[str, Any],
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*given: Any, **named: Any) -> Any:
        raise error

    (host.base / "output" / "any.html").write_text("x")
    for name in ("save_page", "save_levels", "save_kept_levels", "parse_schedule", "rebuilt_page"):
        monkeypatch.setattr(host.module("routes"), name, fail)
    for method, path in routes(host):
        body = (
            {"json": {**viewer_request, "text": "a", "node": "kept"}}
            if method == "POST"
            else {"params": {"filename": "any.html"}}
        )
        caplog.clear()
        status, answer = host.ask(method, path, **body)
        assert status == 500
        assert answer["error"] == f"ZoomStack failed: {type(error).__name__}. The server's log says where."
        assert caplog.records[-1].exc_info is not None


def test_an_answer_of_the_server_itself_is_left_as_it_is(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiohttp import web

    def redirect(*given: Any) -> Any:
        raise web.HTTPConflict(text="its own")

    monkeypatch.setattr(host.module("routes"), "_opened", redirect)

    async def asked(client: Any) -> tuple[int, str]:
        async with client.get("/zoomstack/page") as response:
            return response.status, await response.text()

    assert host.with_client(asked) == (409, "its own")


@pytest.mark.parametrize(
    "name", ["gone.html", "../page.html", "/etc/passwd", "", ".", "a\0.html", "x" * 5000 + ".html", "%ff"]
)
@pytest.mark.parametrize("subfolder", ["", "zoomstack", "..", "/", "a\0b", "x" * 300])
def test_a_page_that_is_not_there_is_told(host: Host, name: str, subfolder: str) -> None:
    status, answer = host.ask("GET", f"/zoomstack/page?filename={quote(name, safe='%')}&subfolder={quote(subfolder)}")
    assert status == 404
    assert answer["error"] == "there is no such page in the output folder."
    assert host.ask("GET", "/zoomstack/page")[0] == 404


HOSTILE = "<!doctype html><meta name=generator content=ZoomStack><script>fetch('/prompt', {method: 'POST'})</script>"


@pytest.mark.parametrize(
    "page",
    [
        HOSTILE.encode(),
        b"",
        b"\xff\xfe<script>",
        (HOSTILE + "\nexplorer.show({});\n</script>").encode(),
        (HOSTILE + '\nexplorer.show({"geometry": [], "urls": [], "prompts": []});\n</script>').encode(),
        b"\nexplorer.show(" + DEEP + b");\n</script>",
    ],
)
def test_a_page_that_the_viewer_has_not_saved_is_not_opened(host: Host, page: bytes) -> None:
    (host.base / "output" / "hostile.html").write_bytes(page)
    status, answer = host.ask("GET", "/zoomstack/page", params={"filename": "hostile.html"})
    assert status == 415
    assert "'hostile.html' is not opened" in answer["error"]


def test_of_a_saved_page_only_the_zoom_is_opened(host: Host, viewer_request: dict[str, Any]) -> None:
    page = host.post("/zoomstack/page", viewer_request)[1]
    path = host.base / "output" / page["subfolder"] / page["filename"]
    path.write_text(path.read_text("utf-8").replace('"use strict";', "evil();").replace("<body>", HOSTILE), "utf-8")
    status, text, headers = host.fetch("/zoomstack/page", {k: page[k] for k in ("filename", "subfolder")})
    assert status == 200
    assert "evil()" not in text and "generator content" not in text
    assert text.count("data:image/webp;base64,") == 3
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_others_are_answered_while_pages_are_saved_opened_and_read(host: Host, viewer_request: dict[str, Any]) -> None:
    """The work itself waits here: if it were in the event loop, no other request would be answered meanwhile."""
    working, go_on = threading.Event(), threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        working.set()
        assert go_on.wait(60), "another request was not answered while this one was at work"
        raise ValueError("enough")

    module = host.module("routes")
    asked = [
        ("save_page", "POST", "/zoomstack/page", viewer_request),
        ("save_levels", "POST", "/zoomstack/levels", viewer_request),
        ("parse_schedule", "POST", "/zoomstack/prompts", {"text": "a"}),
        ("rebuilt_page", "GET", "/zoomstack/page", None),
    ]
    (host.base / "output" / "any.html").write_text("x")

    async def ask_both(client: Any, method: str, path: str, body: Any) -> int:
        first = asyncio.ensure_future(client.request(method, path, json=body, params={"filename": "any.html"}))
        while not working.is_set():
            await asyncio.sleep(0.01)
        async with client.get("/system_stats") as other:
            status = other.status
        go_on.set()
        assert (await first).status in (400, 415)
        return status

    for name, method, path, body in asked:
        working.clear()
        go_on.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, slow)
            assert host.with_client(lambda client, m=method, p=path, b=body: ask_both(client, m, p, b)) == 200

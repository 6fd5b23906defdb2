"""A headless Chromium on the front end of a running ComfyUI, driven with plain function calls.

Playwright's event loop runs in a thread of its own, since the tests in tests/comfyui run another one in the main
thread. So every wait has two limits: Playwright's, and ours on the answer of the thread.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar

import psutil
from playwright.async_api import Browser, CDPSession, ConsoleMessage, Page, Playwright, Request, Route, async_playwright

T = TypeVar("T")

SECONDS = 60.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
)
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.OnboardingCoachmarks.Seen": ["appMode"],  # of newer front ends
    "Comfy.Workflow.Persist": False,
    "Comfy.EnableTooltips": False,
    "Comfy.Workflow.ShowMissingNodesWarning": True,
}
READY = """() => window.app?.vueAppReady && app.extensionManager && app.isGraphReady && app.canvas
    && Object.keys(LiteGraph.registered_node_types).length > 100"""
# What the host's page says by itself, with no custom node at all; anything else is ours.
OWN_ERRORS_OF_THE_HOST = (
    "user.css",
    "/api/userdata",
    "ComfyApp graph accessed before initialization",
    "net::ERR_FAILED",
    "missingModelDownload",  # it asks for the size of model files that are not here,
    "missingModelMetadata",  # from this module in newer versions
)
# Not Playwright's add_style_tag, which fails with whatever the page says of its Content-Security-Policy just then.
NO_TRANSITIONS = """() => {
    const style = document.createElement("style");
    style.textContent = "* { transition: none !important }";
    document.head.append(style);
}"""
# Every use of what the front end calls deprecated by a script of ours, each time and not only the first.
RECORD_DEPRECATED = """() => {
    LiteGraph.alwaysRepeatWarnings = true;
    LiteGraph.onDeprecationWarning = [(message) => {
        const line = new Error().stack.split("\\n").find((line) => line.includes("/extensions/ZoomStack/"));
        if (line) (window.zoomstackDeprecated ??= new Set()).add(`${message} @ ${line.trim()}`);
    }];
}"""
DEPRECATED = """() => {
    const found = [...window.zoomstackDeprecated ?? []];
    window.zoomstackDeprecated = null;
    return found;
}"""
RUN = """async (ms) => {
    const outputs = {}, api = window.comfyAPI.api.api, listeners = new AbortController();
    const ended = new Promise((end) => {
        const on = (name, act) => api.addEventListener(name, act, {signal: listeners.signal});
        on("executed", (e) => { outputs[e.detail.node] = e.detail.output; });
        on("execution_success", () => end("success"));
        on("execution_error", (e) => end(`${e.detail.node_type}: ${e.detail.exception_message}`));
        on("execution_interrupted", () => end("interrupted"));
        setTimeout(() => end("no end in time"), ms);
    });
    await app.queuePrompt(0, 1);
    const errors = app.extensionManager.lastNodeErrors;
    const status = errors && Object.keys(errors).length ? JSON.stringify(errors) : await ended;
    listeners.abort();
    await new Promise((done) => setTimeout(done, 50));
    return {status, outputs};
}"""


class Chrome:
    """One Chromium, the executable file ``path``; a context manager that leaves no process behind.

    Args:
        flags: more than the usual ones.
    """

    def __init__(self, path: Path, *flags: str) -> None:
        self.path, self.flags = path, (*FLAGS, *flags)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._before = {process.pid for process in psutil.Process().children(recursive=True)}

    def __enter__(self) -> "Chrome":
        self._thread.start()
        try:
            self._playwright: Playwright = self.wait(async_playwright().start())
            launch = self._playwright.chromium.launch(
                executable_path=self.path, args=self.flags, timeout=SECONDS * 1000
            )
            self._browser: Browser = self.wait(launch)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait(self._browser.close(), 20)
            self.wait(self._playwright.stop(), 20)
        except TimeoutError:
            pass  # what did not end when asked is killed
        finally:
            self._kill()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _kill(self) -> None:
        mine = [p for p in psutil.Process().children(recursive=True) if self._is_mine(p)]
        for process in mine:
            process.kill()
        psutil.wait_procs(mine, timeout=10)

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            # the browser, and Playwright's driver, a Node.js of its own
            return process.pid not in self._before and any(n in process.name() for n in ("chrom", "node", "playwright"))
        except psutil.NoSuchProcess:
            return False

    def wait(self, doing: Coroutine[Any, Any, T], seconds: float = SECONDS + 10) -> T:
        """The result of ``doing`` on Playwright's thread; TimeoutError when it takes longer."""
        future = asyncio.run_coroutine_threadsafe(doing, self._loop)
        try:
            return future.result(seconds)
        except FutureTimeout:
            future.cancel()
            raise TimeoutError(f"the browser did not answer within {seconds} s") from None

    def tab(self, url: str, **options: Any) -> "Tab":
        """A new tab, in a profile of its own. It reaches ``url`` and nothing else; "" allows the network nothing."""
        return Tab(self, url, self.wait(self._new_page(**options)))

    async def _new_page(self, **options: Any) -> Page:
        context = await self._browser.new_context(viewport={"width": 1400, "height": 900}, **options)
        context.set_default_timeout(SECONDS * 1000)
        return await context.new_page()


class Tab:
    """One tab.

    Attributes:
        errors: of its console, and uncaught ones, that are not the host's own.
        requests: the addresses that it asked the network for.
    """

    def __init__(self, chrome: Chrome, url: str, page: Page) -> None:
        self.chrome, self.url, self.page = chrome, url, page
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._session: CDPSession | None = None
        self.wait(self._listen())

    async def _listen(self) -> None:
        # on Playwright's thread: listeners are messages to its driver too
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error.stack or error}"))
        self.page.on("request", self._on_request)
        await self.page.route("**/*", self._only_here)

    def wait(self, doing: Coroutine[Any, Any, T], seconds: float = SECONDS + 10) -> T:
        return self.chrome.wait(doing, seconds)

    def close(self) -> None:
        self.wait(self.page.context.close())

    async def _only_here(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(("data:", "blob:", "file:")) or (self.url and url.startswith(self.url)):
            await route.continue_()
        else:
            await route.abort()

    def _on_request(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.requests.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        where = (message.location or {}).get("url", "")
        text = f"{message.text} @ {where}"
        if message.type == "error" and not any(own in text for own in OWN_ERRORS_OF_THE_HOST):
            self.errors.append(text)

    def cdp(self, method: str, **values: Any) -> Any:
        """The answer of Chromium's own protocol, for what Playwright does not do."""
        if self._session is None:
            self._session = self.wait(self.page.context.new_cdp_session(self.page))
        return self.wait(self._session.send(method, values))

    def open(self, address: str | None = None) -> None:
        self.wait(self.page.goto(address or self.url, wait_until="domcontentloaded"))

    def open_front_end(self) -> None:
        """Open ComfyUI and wait until it takes workflows."""
        self.open()
        self.until(READY)
        self.do(NO_TRANSITIONS)
        self.do(RECORD_DEPRECATED)

    def deprecated(self) -> list[str]:
        """What this pack's scripts have used of the front end that is deprecated, since the last call."""
        return self.do(DEPRECATED)  # type: ignore[no-any-return]

    def do(self, script: str, argument: Any = None) -> Any:
        """The result of a JavaScript function, by way of JSON."""
        made = self.wait(self.page.evaluate(f"async (a) => JSON.stringify(await ({script})(a)) ?? null", argument))
        return None if made is None else json.loads(made)

    def until(self, script: str, argument: Any = None) -> None:
        """Wait until a JavaScript function gives something true."""
        self.wait(self.page.wait_for_function(script, arg=argument))

    def load(self, workflow: Any) -> None:
        """Load a workflow as opening its file does."""
        load = "app.loadGraphData(workflow, true, true)"
        self.do(f"async (workflow) => {{ await {load}; await new Promise(r => setTimeout(r, 200)); }}", workflow)

    def run(self) -> dict[str, Any]:
        """Run the workflow as the Run button does; the outputs by node. AssertionError if it does not succeed."""
        ran = self.do(RUN, (SECONDS - 5) * 1000)
        assert ran["status"] == "success", ran["status"]
        return ran["outputs"]  # type: ignore[no-any-return]

    def screenshot(self, path: Path, **options: Any) -> None:
        self.wait(self.page.screenshot(path=path, **options))

    def press(self, keys: str) -> None:
        self.wait(self.page.keyboard.press(keys))

    def center(self, selector: str) -> tuple[float, float]:
        box = self.wait(self.page.locator(selector).first.bounding_box())
        assert box, f"{selector} is not to be seen"
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click(self, selector: str) -> None:
        self.wait(self.page.mouse.click(*self.center(selector)))

    def wheel(self, selector: str, amount: float, right: float = 0, down: float = 0) -> None:
        """Turn the wheel over a point of an element, given from its center; below 0 is away from the user."""
        x, y = self.center(selector)
        self.wait(self.page.mouse.move(x + right, y + down))
        self.wait(self.page.mouse.wheel(0, amount))

    def drag(self, selector: str, right: float, down: float) -> None:
        x, y = self.center(selector)
        self.wait(self.page.mouse.move(x, y))
        self.wait(self.page.mouse.down())
        self.wait(self.page.mouse.move(x + right, y + down, steps=4))
        self.wait(self.page.mouse.up())

    def touch(self, *steps: list[tuple[float, float]]) -> None:
        """Put fingers down at the first step's points, move them to those of each other step, lift them."""
        for kind, points in zip(("touchStart", *["touchMove"] * (len(steps) - 1)), steps, strict=True):
            fingers = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            self.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
        self.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

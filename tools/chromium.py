"""A Chromium for the tests of the front end: one that is on the machine, else the system's package, else Playwright's.

A browser counts as there when it loads a page: some systems have a command of that name that only asks to install it,
and a downloaded one may lack libraries of the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import system_packages
from commands import run_logged
from host import locked
from nodejs import find_node
from report import ToolError, say

# Names the browser to use, an executable file; tools/test.py tells the tests by it which one it found.
VARIABLE = "ZOOMSTACK_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Where browsers are that are not on the path.
PLACES = {
    "darwin": tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium")),
    "win32": tuple(
        rf"{os.environ.get(root, '')}\Google\Chrome\Application\chrome.exe"
        for root in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
    ),
}
START_SECONDS = 120.0
DOWNLOAD_SECONDS = 600.0
# In a page that the command line brings, so that no network is asked.
PAGE = "<p>zoom</p>"
WHERE_PLAYWRIGHTS_IS = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


class NoBrowser(Exception):
    """Why no browser can be had, in one line."""


def find_browser(python: Path, state: Path) -> Path | None:
    """The first browser on this machine that starts.

    Args:
        python: the Python that has Playwright.
        state: the folder of the tools, ``.host`` of the checkout.

    Raises:
        ToolError: if ZOOMSTACK_BROWSER names one that does not start.
    """
    if named := os.environ.get(VARIABLE):
        if not starts(Path(named)):
            raise ToolError(f"{VARIABLE} is {named!r}, which does not start as a browser without a window.")
        return Path(named)
    return next((browser for browser in _candidates(python, state) if starts(browser)), None)


def fetch_browser(python: Path, state: Path) -> Path:
    """A browser for a machine on which none was found. Arguments as of ``find_browser``.

    Raises:
        NoBrowser: if none can be had.
    """
    state.mkdir(exist_ok=True)
    with locked(state / "lock"):
        # another run of the tools, which this one waited for, may have fetched one
        return find_browser(python, state) or _fetch(python, state, state / "install.log")


def _fetch(python: Path, state: Path, log: Path) -> Path:
    problems = []
    for what, get in _ways(python, state, log):
        say(f"Browser for the tests of the front end: {what}")
        try:
            get()
        except ToolError as error:
            problems.append(str(error))
        else:
            if found := find_browser(python, state):
                return found
            problems.append(f"after {what} none starts")
    raise NoBrowser(f"no Chromium or Chrome was found, and none could be fetched ({'; '.join(problems)}; log: {log})")


def starts(browser: Path) -> bool:
    """Whether ``browser`` loads a page without a window, in a profile that is removed again."""
    with tempfile.TemporaryDirectory(prefix="zoomstack-browser-", ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        command = [str(browser), *options, f"--user-data-dir={profile}", "--dump-dom", f"data:text/html,{PAGE}"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return PAGE.encode() in done.stdout


def playwright_variables(state: Path) -> dict[str, str]:
    """The variables that let Playwright keep its browsers in the tools' folder and run on the Node.js of the tools.

    The Node.js that comes with Playwright needs a library, libatomic, that a bare Debian does not have.
    """
    variables = {"PLAYWRIGHT_BROWSERS_PATH": str(_downloads(state)), "PYTHONUTF8": "1"}
    if node := find_node(state):
        variables["PLAYWRIGHT_NODEJS_PATH"] = node.node[0]
    return variables


def _candidates(python: Path, state: Path) -> Iterator[Path]:
    yield from (Path(found) for name in NAMES if (found := shutil.which(name)))
    yield from (Path(place) for place in PLACES.get(sys.platform, ()) if Path(place).is_file())
    if downloaded := _downloaded(python, state):
        yield downloaded


def _downloaded(python: Path, state: Path) -> Path | None:
    """Playwright's own browser, if it is there."""
    if not _downloads(state).is_dir():
        return None
    command = [str(python), "-c", WHERE_PLAYWRIGHTS_IS]
    environ = {**os.environ, **playwright_variables(state)}
    done = subprocess.run(command, env=environ, capture_output=True, encoding="utf-8", errors="replace")
    file = Path(done.stdout.strip())
    return file if done.returncode == 0 and file.is_file() else None


def _ways(python: Path, state: Path, log: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """How a browser can be had here, in this order: what to say, and what does it."""
    as_root = system_packages.can_install()
    if as_root:
        yield "apt-get install chromium", lambda: system_packages.install(["chromium"], log)
    yield "Playwright's download (180 MB)", lambda: _playwright(["install", "--no-shell"], python, state, log)
    if as_root and _downloaded(python, state):
        yield "the libraries that Playwright's needs", lambda: _playwright(["install-deps"], python, state, log)


def _playwright(arguments: list[str], python: Path, state: Path, log: Path) -> None:
    command = [str(python), "-m", "playwright", *arguments, "chromium"]
    run_logged(command, f"playwright {arguments[0]}", log, DOWNLOAD_SECONDS, playwright_variables(state))


def _downloads(state: Path) -> Path:
    return state / "browsers"

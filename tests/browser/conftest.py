"""One real server and one Chromium for all tests of the front end; both end with the test run, whatever happens."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chrome import SETTINGS, Chrome, Tab
from chromium import find_browser
from comfy_server import ComfyServer
from host import Host

PACK = Path(__file__).resolve().parents[2]
BROWSER = pytest.StashKey[Path]()
# Runs a script that ends itself when the process that started it is gone, even if that was killed.
TIED = """
import os, runpy, sys, threading, time
parent = os.getppid()
def watch():
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class TiedServer(ComfyServer):
    """A server that does not outlive this process."""

    def command(self) -> list[str]:
        python, *script = super().command()
        # The folder of another front end than the one that ComfyUI requires; tools/test.py --front-end sets it.
        other = os.environ.get("ZOOMSTACK_FRONT_END")
        return [python, "-c", TIED, *script, *(("--front-end-root", other) if other else ())]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    if not mine:
        return
    if os.environ.get("ZOOMSTACK_NO_BROWSER") == "1":
        reason = "ZOOMSTACK_NO_BROWSER=1"
    elif found := find_browser(Path(sys.executable), PACK / ".host"):
        config.stash[BROWSER] = found
        return
    else:
        reason = "no Chromium or Chrome that starts; python tools/test.py fetches one where it can"
    for item in mine:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyServer]:
    base = tmp_path_factory.mktemp("server")
    pack = base / "custom_nodes" / "ZoomStack"
    comfyui, python = Path(os.environ["COMFYUI_PATH"]), Path(os.environ["COMFYUI_PYTHON"])
    for folder in ("custom_nodes", "input", "output", "user"):
        (base / folder).mkdir()
    shutil.copy(comfyui / "input" / "example.png", base / "input")  # a workflow begins with the host's own example
    pack.symlink_to(PACK, target_is_directory=True)
    with TiedServer(Host(comfyui, python, base, pack, base), start_limit=180) as running:
        yield running


@pytest.fixture(scope="session")
def chrome(pytestconfig: pytest.Config) -> Iterator[Chrome]:
    with Chrome(pytestconfig.stash[BROWSER]) as running:
        yield running


@pytest.fixture(scope="session", params=["classic", "nodes2"])
def tab(request: pytest.FixtureRequest, server: ComfyServer, chrome: Chrome) -> Iterator[Tab]:
    """The front end, in each of its two ways to draw nodes; the server has nothing in its cache of what ran before."""
    server.send("/free", {"free_memory": True})
    server.send("/api/settings", {**SETTINGS, "Comfy.VueNodes.Enabled": request.param == "nodes2"})
    tab = chrome.tab(server.url)
    tab.open_front_end()
    yield tab
    tab.close()


@pytest.fixture(autouse=True)
def _no_new_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "tab" in request.fixturenames:
        tab: Tab = request.getfixturevalue("tab")
        errors, tab.errors[:] = list(tab.errors), []
        assert not errors, "the page's console has errors that are not the host's own"
        assert not tab.deprecated(), "our scripts use what this front end calls deprecated"

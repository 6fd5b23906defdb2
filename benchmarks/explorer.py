"""How fast the explorer plays, in a real Chromium without a graphics card.

``python -m benchmarks.explorer [--levels 16] [--size 1024] [--branches 1]`` prints, for the exported page at several
sizes of its window: pictures per second while it plays, and Chromium's processor time per picture, in milliseconds: of
the page (its script and the drawing of the canvas) and of the process that puts pages on the screen. Here the picture
has all of its pixels; outside of this measurement it has fewer while it moves, where frames would take too long.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import psutil
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tools")]

from chrome import Chrome, Tab  # noqa: E402
from chromium import find_browser  # noqa: E402

from zoomstack_core.explorer_page import explorer_page, images_of  # noqa: E402
from zoomstack_core.nesting import Nesting  # noqa: E402

WINDOWS = ((460, 480), (1400, 900), (2560, 1440))
SECONDS = 6.0
PLAY = """async (ms) => {
    explorer.detail._choose = () => {};
    explorer.controls.speed.value = "2";
    explorer.goTo(1);
    await new Promise((done) => setTimeout(done, 500));
    const frames = explorer.frames, start = performance.now();
    explorer.play();
    await new Promise((done) => setTimeout(done, ms));
    explorer.pause();
    return {frames: explorer.frames - frames, seconds: (performance.now() - start) / 1000};
}"""


def page(levels: int, size: int, branches: int) -> str:
    """An exported page of smooth noise: the widest level, and the others in chains beside each other in it."""
    coarse = torch.rand(levels, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    parents = (None, *(max(0, level - branches) for level in range(1, levels)))
    return explorer_page(images_of(smooth), Nesting((2.0,), parents=parents).fit(levels, size, size))


def processor_seconds() -> dict[str, float]:
    """Processor time so far of Chromium's processes, by their type."""
    spent: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            kind = next((a.removeprefix("--type=") for a in process.cmdline() if a.startswith("--type=")), "")
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has just ended
        spent[kind] = spent.get(kind, 0.0) + times.user + times.system
    return spent


def measure(tab: Tab) -> str:
    before = processor_seconds()
    played = tab.do(PLAY, SECONDS * 1000)
    after = processor_seconds()
    per_frame = {k: 1000 * (after[k] - before.get(k, 0.0)) / played["frames"] for k in ("renderer", "gpu-process")}
    return (
        f"{played['frames'] / played['seconds']:5.1f} pictures per second; ms of processor time per picture: "
        f"page {per_frame['renderer']:.1f}, screen {per_frame['gpu-process']:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the explorer plays.")
    parser.add_argument("--levels", type=int, default=16)
    parser.add_argument("--size", type=int, default=1024, help="width and height of every level")
    parser.add_argument("--branches", type=int, default=1, help="chains that lie in the widest level, up to 4")
    arguments = parser.parse_args()
    browser = find_browser(Path(sys.executable), ROOT / ".host")
    if browser is None:
        sys.exit("No Chromium or Chrome that starts was found; python tools/test.py fetches one where it can.")
    with tempfile.TemporaryDirectory() as folder, Chrome(browser) as chrome:
        file = Path(folder) / "explorer.html"
        file.write_text(page(arguments.levels, arguments.size, arguments.branches), encoding="utf-8")
        tab = chrome.tab("")
        tab.open(file.as_uri())
        tab.until("() => explorer.frames > 0")
        for width, height in WINDOWS:
            tab.wait(tab.page.set_viewport_size({"width": width, "height": height}))
            print(
                f"{arguments.levels} levels of {arguments.size}², window {width} × {height}: {measure(tab)}", flush=True
            )


if __name__ == "__main__":
    main()

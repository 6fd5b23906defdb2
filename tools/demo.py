"""The main job, end to end: ``python tools/demo.py`` makes a zoom from a galaxy to the ground with the embedded model.

Gets ComfyUI if there is none (see host.py), starts it without a window, runs the demo workflow on it, and says where
the video and the images of the levels are.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comfy_server import ComfyServer
from host import CHECKOUT, Host, ensure_host
from report import Progress, Stopwatch, ToolError, run, say

WORKFLOWS = CHECKOUT / "workflows" / "api"
WORKFLOW = WORKFLOWS / "galaxy_to_planet_demo.json"
VIDEOS = {".mp4", ".webm", ".mkv", ".mov"}

Prompt = dict[str, Any]


def find_workflow(name: Path) -> Path:
    """A file by its path, or by its name alone in the folder of workflows, with or without ``.json``.

    Raises:
        ToolError: if there is none; it lists the folder.
    """
    for file in (name, WORKFLOWS / name, WORKFLOWS / f"{name}.json"):
        if file.is_file():
            return file
    known = "".join(f"\n  {file.name}" for file in sorted(WORKFLOWS.glob("*.json")))
    raise ToolError(f"There is no workflow {name}. {WORKFLOWS} has:{known}")


def read_prompt(file: Path) -> Prompt:
    """A workflow in API format: node id -> {"class_type", "inputs"}."""
    try:
        prompt = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ToolError(f"There is no workflow {file}.") from None
    except ValueError as error:
        raise ToolError(f"{file} is not JSON: {error}") from None
    if not isinstance(prompt, dict) or not all(isinstance(n, dict) and "class_type" in n for n in prompt.values()):
        raise ToolError(f"{file} is not a workflow in API format. In ComfyUI, save it with File > Export (API).")
    return prompt


def set_seed(prompt: Prompt, seed: int) -> None:
    """Give every node of ``prompt`` that has a seed of its own this one."""
    found = False
    for node in prompt.values():
        for name in ("seed", "noise_seed"):
            if isinstance(node["inputs"].get(name), int):
                node["inputs"][name] = seed
                found = True
    if not found:
        raise ToolError("--seed: no node of this workflow has a seed.")


def submit(server: ComfyServer, prompt: Prompt) -> str:
    """Queue ``prompt``; returns its id."""
    status, answer = server.post("/prompt", {"prompt": prompt})
    # ComfyUI accepts a workflow when one of its outputs is valid, and leaves the others out.
    if status == 200 and not answer["node_errors"]:
        return str(answer["prompt_id"])
    errors = [answer["error"]] if "error" in answer else []
    problems = [f"{error['message']}: {error['details']}" for error in errors]
    for node_id, node in dict(answer["node_errors"]).items():
        where = f"  node {node_id} ({node['class_type']})"
        problems += [f"{where}: {error['message']}: {error['details']}" for error in node["errors"]]
    raise ToolError("ComfyUI does not accept the workflow.\n" + "\n".join(problems) + f"\nIts log: {server.log}")


def wait(server: ComfyServer, prompt_id: str) -> dict[str, Any]:
    """Wait until the prompt is done; returns its entry in the history.

    Raises:
        ToolError: if a node fails, naming it, or the server ends.
    """
    with Progress() as progress:
        while True:
            server.require_running()
            entry: dict[str, Any] | None = server.get(f"/history/{prompt_id}").get(prompt_id)
            if entry is not None:
                break
            progress.show(f"running{steps_in_log(server.log)}")
            time.sleep(0.5)
    if entry["status"]["status_str"] != "success":
        raise ToolError(failure(entry, server.log))
    return entry


def steps_in_log(log: Path) -> str:
    """The newest progress bar in ComfyUI's log, as ``", step 12 of 40"``: its HTTP interface does not tell."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 400))
        bars = re.findall(r"(\d+)/(\d+) \[", file.read().decode("utf-8", errors="replace"))
    return f", step {bars[-1][0]} of {bars[-1][1]}" if bars else ""


def failure(entry: dict[str, Any], log: Path) -> str:
    for event, data in entry["status"]["messages"]:
        if event == "execution_error":
            return (
                f"Node {data['node_id']} ({data['node_type']}) failed: {data['exception_type']}: "
                f"{data['exception_message'].strip()}\nComfyUI's log: {log}"
            )
        if event == "execution_interrupted":
            return f"The run was interrupted. ComfyUI's log: {log}"
    return f"The run failed. ComfyUI's log: {log}"


def saved_files(entry: dict[str, Any], output: Path) -> Iterator[Path]:
    """The files that the prompt saved, in the order of its nodes (previews are left out)."""
    for node_output in entry["outputs"].values():
        for items in node_output.values():
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict) and item.get("type") == "output":
                    yield output / item.get("subfolder", "") / item["filename"]


def show_results(files: list[Path]) -> None:
    """Say where the video and the images are; ToolError if there are none or they are not on the disk."""
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise ToolError("The run succeeded but left no files" + "".join(f"\n  {name} is missing" for name in missing))
    for title, wanted in (("Video", True), ("Images", False)):
        chosen = [file for file in files if (file.suffix.lower() in VIDEOS) == wanted]
        if chosen:
            say(f"{title}:" + "".join(f"\n  {file}" for file in chosen))


def make_demo(host: Host, prompt: Prompt, port: int | None = None) -> list[Path]:
    """Run ``prompt`` on a server of its own; returns the files that it saved."""
    with ComfyServer(host, port) as server:
        say(f"ComfyUI runs at {server.url}, log in {server.log}")
        entry = wait(server, submit(server, prompt))
    return list(saved_files(entry, host.base / "output"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the demo zoom with a real ComfyUI, fetched if there is none.")
    parser.add_argument(
        "--workflow",
        type=Path,
        default=WORKFLOW,
        help="another workflow in API format: a file, or a name in workflows/api",
    )
    parser.add_argument("--seed", type=int, help="another scene (0 or more)")
    parser.add_argument("--port", type=int, help="port for ComfyUI (a free one if left out)")
    options = parser.parse_args()
    if options.seed is not None and options.seed < 0:
        parser.error(f"--seed must be 0 or more, not {options.seed}")
    prompt = read_prompt(find_workflow(options.workflow))
    if options.seed is not None:
        set_seed(prompt, options.seed)
    host = ensure_host()
    watch = Stopwatch()
    files = make_demo(host, prompt, options.port)
    show_results(files)
    say(f"Done in {watch}, with the start of ComfyUI.")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

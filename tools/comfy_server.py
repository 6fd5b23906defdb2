"""A ComfyUI server of our own: start it, talk to it over HTTP, end it however this process leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from host import Host
from report import Progress, Stopwatch, ToolError

HAS_ACCELERATOR = """
import torch
backends = (torch.cuda, torch.backends.mps, getattr(torch, "xpu", None))
print(any(backend is not None and backend.is_available() for backend in backends))
"""


# For glibc: to keep large blocks that were freed. By default the system gets them back, and fresh pages for the next
# ones are a tenth of a run's processor time without an accelerator.
KEPT_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TOP_PAD_": str(2**28),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}


class ComfyServer:
    """ComfyUI with this pack and no other custom nodes, reachable from this machine only.

    A context manager: inside it the server answers, after it the server has ended.

    Args:
        host: where ComfyUI and its Python are.
        port: where to listen; a free one if None.
        start_limit: seconds until a start counts as failed.
    """

    def __init__(self, host: Host, port: int | None = None, start_limit: float = 300.0) -> None:
        self.host = host
        self.port = port or free_port()
        self.log = host.state / "comfyui.log"
        self._start_limit = start_limit
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """The command line that starts the server."""
        options = ["--listen", "127.0.0.1", "--port", str(self.port), "--disable-auto-launch"]
        options += ["--disable-all-custom-nodes", "--whitelist-custom-nodes", self.host.pack.name]
        options += ["--disable-api-nodes", "--database-url", "sqlite:///:memory:"]
        if self.host.base != self.host.comfyui:
            options += ["--base-directory", str(self.host.base)]
        if not has_accelerator(self.host.python):
            options += ["--cpu"]
        return [str(self.host.python), "main.py", *options]

    def __enter__(self) -> ComfyServer:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # In a group of its own, so that Ctrl-C ends this process, which then ends the server, and not both at once.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        # A request for a port in use would be answered by whatever has it.
        if is_taken(self.port):
            raise ToolError(f"Port {self.port} is in use. Choose another with --port, or leave it out for a free one.")
        command = self.command()
        environ = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        if "--cpu" in command:
            environ = {**KEPT_MEMORY, **environ}
        try:
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, cwd=self.host.comfyui, env=environ, stdout=log, stderr=subprocess.STDOUT, **apart
                )
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and all that it has started: ask, wait ten seconds, then kill."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _wait_until_it_answers(self) -> None:
        watch = Stopwatch()
        with Progress() as progress:
            progress.show("ComfyUI is starting")
            while watch.seconds < self._start_limit:
                self.require_running()
                if self.answers():
                    return
                time.sleep(0.25)
        raise ToolError(f"ComfyUI did not answer within {self._start_limit:.0f} s.\n{self.log_tail()}")

    def require_running(self) -> None:
        """Raise ToolError with the end of its log if the server has ended by itself."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            raise ToolError(f"ComfyUI ended by itself with status {status}.\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        last = "\n".join("  " + line for line in text.replace("\r", "\n").splitlines()[-lines:])
        return f"The end of its log, {self.log}:\n{last}"

    def answers(self) -> bool:
        try:
            with _local().open(self.url + "/system_stats", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """The JSON answer to a GET request."""
        return self._ask(urllib.request.Request(self.url + path))[1]

    def post(self, path: str, data: object) -> tuple[int, Any]:
        """HTTP status and JSON answer of a POST request with JSON ``data``."""
        return self._ask(self._json_request(path, data))

    def send(self, path: str, data: object) -> None:
        """A POST request with JSON ``data`` to a path that answers with nothing."""
        with _local().open(self._json_request(path, data), timeout=120) as answer:
            answer.read()

    def _json_request(self, path: str, data: object) -> urllib.request.Request:
        body = json.dumps(data).encode()
        return urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})

    def _ask(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with _local().open(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", errors="replace")
            if "json" not in error.headers.get("Content-Type", ""):
                raise ToolError(f"ComfyUI answered {error.code} {text.strip()[:200]}\n{self.log_tail()}") from error
            return error.code, json.loads(text)
        except OSError as error:
            raise ToolError(f"ComfyUI stopped answering ({error}).\n{self.log_tail()}") from error


def _local() -> urllib.request.OpenerDirector:
    """An opener that ignores the proxy settings, which are not meant for this machine's own address."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def has_accelerator(python: Path) -> bool:
    """Whether torch in ``python`` sees a GPU. Without one ComfyUI has to be started with ``--cpu``."""
    done = subprocess.run([python, "-c", HAS_ACCELERATOR], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise ToolError(f"{python} cannot import torch:\n{done.stderr.strip()[-500:]}")
    return done.stdout.strip() == "True"

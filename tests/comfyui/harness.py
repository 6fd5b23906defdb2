"""A real ComfyUI in this process: its loaders, validator and executor, without the web server.

Nothing here stands in for the host. What the tests add are a source and a sink for values (``probe_nodes.py``) and
small checkpoints (``tiny_models.py``), which stock loaders load.
"""

import asyncio
import importlib
import os
import re
import struct
import sys
import tempfile
import uuid
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

PACK = Path(__file__).resolve().parents[2]
PROBES = Path(__file__).with_name("probe_nodes.py")

Prompt = dict[str, dict[str, Any]]  # API format: node id -> {"class_type", "inputs"}
# The lines of a node that say how far a run is, and in the end how long it took.
PROGRESS = r"\d+ of \d+ levels done|\d+ levels, |step \d"
Ref = list[Any]  # [node id, output slot], as in API prompts


def call(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node of an API prompt; an input is a value, or the [node id, output slot] that it is linked to."""
    return {"class_type": class_type, "inputs": inputs}


class NodeFailed(RuntimeError):
    """A node raised. The message is the node type, the exception's type and its message, then the traceback."""


class PromptRejected(ValueError):
    """The host's validation refused a prompt. The message holds the host's own reasons, per node."""


class Host:
    """One booted ComfyUI, after ``prepare``. Boot at most one per process: ComfyUI keeps its state in modules.

    Attributes:
        pack: our pack's package, as the host imported it.
        messages: what the host sent to its web clients during the last run, as (event, data).
        progress: (value, total) of every progress step of the last run.
        previews: PIL images of the last run's live previews.
        base: the base directory: models, input, output, temp, user.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.messages: list[tuple[Any, Any]] = []
        self.progress: list[tuple[float, float]] = []
        self.previews: list[Any] = []
        # main.py imports the package utils first: nodes.py puts comfy/, which has a utils.py, before it on the path.
        import utils.extra_config  # noqa: F401, I001
        import comfy.utils
        import execution
        import server

        import nodes

        self._comfy_nodes = nodes
        self._execution = execution
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._server = server.PromptServer(self._loop)
        self._has_routes = False
        self._server.send_sync = lambda event, data, sid=None: self.messages.append((event, data))
        comfy.utils.set_progress_bar_global_hook(self._on_progress)
        self._await(nodes.init_builtin_extra_nodes())
        self.pack = self._load_custom_node(PACK)
        self._probes = self._load_custom_node(PROBES)
        self._tiny_models = importlib.import_module("tiny_models")  # imports ComfyUI
        self._tiny_models.register_families()
        cache_args = {"lru": 0, "ram": 0.0, "ram_inactive": 0.0}
        self._executor = execution.PromptExecutor(self._server, execution.CacheType.CLASSIC, cache_args)

    def run(self, prompt: Prompt, **extra_data: Any) -> dict[str, Any]:
        """Validate and execute an API prompt; the UI outputs by node id.

        Raises:
            PromptRejected: when the host's validation refuses the prompt, or a part of it.
            NodeFailed: when a node raises, or is interrupted.
        """
        for record in (self.messages, self.progress, self.previews):
            record.clear()
        prompt_id = str(uuid.uuid4())
        self._server.node_replace_manager.apply_replacements(prompt)
        valid, error, outputs, node_errors = self._await(self._execution.validate_prompt(prompt_id, prompt, None))
        if not valid or node_errors:
            raise PromptRejected(error, node_errors)
        self._server.last_prompt_id = prompt_id
        extra_data = {"client_id": "tests", **extra_data}
        queue = self._server.prompt_queue
        queue.put((0, prompt_id, prompt, extra_data, outputs, {}))
        _, number = queue.get()
        try:
            self._await(self._executor.execute_async(prompt, prompt_id, extra_data, outputs))
        finally:
            queue.task_done(number, {}, None)
        for event, data in self._executor.status_messages:
            if event == "execution_error":
                what = f"{data['node_type']}: {data['exception_type']}: {data['exception_message']}"
                raise NodeFailed(what + "\n" + "".join(data["traceback"]))
            if event == "execution_interrupted":
                raise NodeFailed(f"{data['node_type']}: interrupted")
        return self._executor.history_result["outputs"]

    def evaluate(self, prompt: Prompt, *refs: Ref, **extra_data: Any) -> list[Any]:
        """Run ``prompt`` and give what came out of ``refs``, each a [node id, output slot]."""
        sinks = {f"probe{i}": call("TestSink", value=ref, number=i) for i, ref in enumerate(refs)}
        received: dict[int, Any] = self._probes.RECEIVED
        received.clear()
        self.run({**prompt, **sinks}, **extra_data)
        return [received[i] for i in range(len(refs))]

    def source(self, value: Any) -> dict[str, Any]:
        """A node for an API prompt whose only output is ``value``, of any type."""
        key = str(uuid.uuid4())
        self._probes.VALUES[key] = value
        return call("TestSource", key=key)

    def checkpoint(self, name: str) -> str:
        """The file name of a small checkpoint, a key of ``tiny_models.FAMILIES``, for CheckpointLoaderSimple."""
        folder = self.base / "models" / "checkpoints"
        file_name = f"{name}.safetensors"
        if not (folder / file_name).exists():
            self._tiny_models.write_checkpoint(name, folder)
        return file_name

    def texts(self, node_id: str) -> list[str]:
        """What the node with this id showed below its widgets during the last run, the newest last."""
        head = struct.pack(">I", len(node_id)) + node_id.encode()
        sent = [data for _, data in self.messages if isinstance(data, bytes) and data.startswith(head)]
        return [data[len(head) :].decode() for data in sent]

    def notices(self, node_id: str) -> list[str]:
        """What the node with this id had to say during the last run, but for how far it was."""
        lines = dict.fromkeys(line for text in self.texts(node_id) for line in text.splitlines())
        return [line for line in lines if not re.match(PROGRESS, line)]

    def node(self, node_id: str) -> Any:
        """The node class with this id, as the host registered it."""
        return self._comfy_nodes.NODE_CLASS_MAPPINGS[node_id]

    @property
    def nodes(self) -> list[Any]:
        """The node classes of the pack."""
        return self.module("nodes").NODES

    def module(self, name: str) -> ModuleType:
        """A module of the pack, such as ``zoomstack_core.method.stack``: the copy that the nodes use."""
        return importlib.import_module(f"{self.pack.__name__}.{name}")

    def object_info(self) -> dict[str, Any]:
        """The definitions of all nodes, as the front end gets them from the server's /object_info."""
        status, answer = self.ask("GET", "/object_info")
        assert status == 200
        return answer

    def post(self, path: str, data: Any) -> tuple[int, Any]:
        """HTTP status and JSON answer of a POST request with JSON ``data`` to the server."""
        return self.ask("POST", path, json=data)

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """HTTP status and answer, which must be JSON; ``request`` as aiohttp's clients take it."""

        async def answered(client: Any) -> tuple[int, Any]:
            async with client.request(method, path, **request) as response:
                return response.status, await response.json()

        return self.with_client(answered)

    def fetch(self, path: str, query: dict[str, str]) -> tuple[int, str, Any]:
        """HTTP status, text and headers of a page."""

        async def answered(client: Any) -> tuple[int, str, Any]:
            async with client.get(path, params=query) as response:
                return response.status, await response.text(), response.headers

        return self.with_client(answered)

    def with_client(self, use: Callable[[Any], Awaitable[Any]]) -> Any:
        """What ``use`` gives, of a client of the running server."""

        async def used() -> Any:
            from aiohttp.test_utils import TestClient, TestServer

            async with TestClient(TestServer(self.app)) as client:
                return await use(client)

        return self._await(used())

    @property
    def app(self) -> Any:
        """The server's application, with all routes."""
        if not self._has_routes:
            with warnings.catch_warnings():  # ComfyUI's routes are older than aiohttp's wish for async ones
                warnings.simplefilter("ignore", DeprecationWarning)
                self._server.add_routes()
            self._has_routes = True
        return self._server.app

    def _await(self, awaitable: Any) -> Any:
        return self._loop.run_until_complete(awaitable)

    def _load_custom_node(self, path: Path) -> ModuleType:
        if not self._await(self._comfy_nodes.load_custom_node(str(path), module_parent="custom_nodes")):
            raise RuntimeError(f"ComfyUI could not load the nodes in {path}; the reason is in the log above.")
        # the names that the host gives: only those of folders lose their dots, those of files keep a folder's
        return sys.modules[str(path.with_suffix("")) if path.is_file() else str(path).replace(".", "_x_")]

    def _on_progress(
        self, value: float, total: float, preview: Any, prompt_id: str | None = None, node_id: str | None = None
    ) -> None:
        """What ComfyUI's main.py does on a progress step, recorded instead of sent."""
        import comfy.model_management
        from comfy_execution.progress import get_progress_state
        from comfy_execution.utils import get_executing_context

        comfy.model_management.throw_exception_if_processing_interrupted()
        context = get_executing_context()
        node_id = node_id or (context.node_id if context else None)
        get_progress_state().update_progress(node_id, value, total, preview)
        self.progress.append((value, total))
        if preview is not None:
            self.previews.append(preview[1])


def prepare(gpu: bool = False) -> Path:
    """Make the ComfyUI under test importable, with all of its folders in a temporary one, which it gives.

    Args:
        gpu: let it use the machine's GPU; the tests run on the CPU.

    Raises:
        RuntimeError: when COMFYUI_PATH does not say where it is.
    """
    comfyui = os.environ.get("COMFYUI_PATH", "")
    if not (Path(comfyui) / "comfy").is_dir():
        raise RuntimeError(f"no ComfyUI in COMFYUI_PATH={comfyui!r}; run the tests with python tools/test.py.")
    sys.path.insert(0, comfyui)  # before the repository root, whose package nodes/ would hide ComfyUI's nodes.py
    base = Path(tempfile.mkdtemp(prefix="zoomstack-tests-"))
    argv = sys.argv
    device = [] if gpu else ["--cpu"]
    folders = ["--base-directory", str(base), "--database-url", "sqlite://"]
    sys.argv = ["main.py", *device, "--disable-api-nodes", *folders]
    try:
        import comfy.options

        comfy.options.enable_args_parsing()
        import comfy.cli_args
    finally:
        sys.argv = argv
    torch.set_num_threads(1)
    return base

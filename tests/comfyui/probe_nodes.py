"""Test-only nodes: a source and a sink for values of any type, so that tests can feed and read real graphs."""

from typing import Any

from comfy_api.latest import ComfyExtension, io

VALUES: dict[str, Any] = {}  # by key, what TestSource gives
RECEIVED: dict[int, Any] = {}  # by number, what TestSink got in the last run


class TestSource(io.ComfyNode):
    """Gives ``VALUES[key]``."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(node_id="TestSource", inputs=[io.String.Input("key")], outputs=[io.AnyType.Output()])

    @classmethod
    def execute(cls, key: str) -> io.NodeOutput:
        return io.NodeOutput(VALUES[key])


class TestSink(io.ComfyNode):
    """Puts what it gets into ``RECEIVED[number]``, in every run."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [io.AnyType.Input("value"), io.Int.Input("number")]
        return io.Schema(node_id="TestSink", inputs=inputs, is_output_node=True, not_idempotent=True)

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> float:
        return float("nan")  # never equal to itself: never cached

    @classmethod
    def execute(cls, value: Any, number: int) -> io.NodeOutput:
        RECEIVED[number] = value
        return io.NodeOutput()


class ProbeExtension(ComfyExtension):
    """What ComfyUI asks a custom node file for."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The source and the sink."""
        return [TestSource, TestSink]


async def comfy_entrypoint() -> ComfyExtension:
    """Called by ComfyUI once."""
    return ProbeExtension()

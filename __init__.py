"""ZoomStack: endless zooms for ComfyUI. One prompt per scale, sampled jointly into one seamless zoom."""

from .host_version import warn_if_older

warn_if_older()  # before the imports that an old ComfyUI cannot follow

from comfy_api.latest import ComfyExtension, io  # noqa: E402

from . import routes  # noqa: E402, F401  # registers what the front end asks for
from .demo.folders import add_model_folders  # noqa: E402
from .nodes import NODES  # noqa: E402
from .nodes.shared.saving import remove_unfinished  # noqa: E402

WEB_DIRECTORY = "./js"
add_model_folders()  # before the host's nodes tell the front end what they list


class ZoomStackExtension(ComfyExtension):
    """What ComfyUI asks the pack for."""

    async def on_load(self) -> None:
        """Clears away what a server that was killed has left of files that it was saving."""
        remove_unfinished()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node of the pack."""
        return NODES


async def comfy_entrypoint() -> ComfyExtension:
    """Called by ComfyUI once, when it loads the pack."""
    return ZoomStackExtension()

"""Write workflows/ and subgraphs/: ``python tools/make_workflows.py`` after a node that they use has changed.

Each workflow of templates/descriptions.py is written twice, in the UI format for the front end's template browser and
in the API format for scripts such as demo.py. The host's own node definitions decide slots, widget order and defaults.
subgraphs/ has the blueprint of templates/blueprint.py.
"""

from __future__ import annotations

import json
import sys

from comfy_server import ComfyServer
from host import CHECKOUT, ensure_host
from report import run, say
from templates.blueprint import blueprints
from templates.descriptions import workflows


def main() -> int:
    with ComfyServer(ensure_host()) as server:
        definitions = server.get("/object_info")
    made = {f"workflows/{name}": content for name, content in workflows(definitions).items()}
    made |= {f"subgraphs/{name}": content for name, content in blueprints(definitions).items()}
    for name, content in made.items():
        path = CHECKOUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"{path.relative_to(CHECKOUT)}: {len(content.get('nodes', content))} nodes")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

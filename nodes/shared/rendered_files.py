"""Files in the folder for temporary files that a result in the host's cache needs."""

from pathlib import Path


class RenderedFiles:
    """What nodes of one kind have rendered, so that a result whose file is gone is not taken for one.

    The host keeps results as long as a node's inputs and fingerprint stay the same; somebody may empty the folder
    meanwhile.
    """

    def __init__(self) -> None:
        self._files: dict[str | None, dict[Path, int]] = {}
        self._lost: dict[str | None, int] = {}

    def add(self, node_id: str | None, path: Path) -> None:
        """A file that a node has just made."""
        self._files.setdefault(node_id, {})[path] = path.stat().st_size

    def fingerprint(self, node_id: str | None) -> int:
        """A number of a node that changes when a file of it is gone, or no longer whole."""
        files = self._files.get(node_id, {})
        gone = [path for path, size in files.items() if not path.is_file() or path.stat().st_size != size]
        for path in gone:
            del files[path]
        if gone:
            self._lost[node_id] = self._lost.get(node_id, 0) + 1
        return self._lost.get(node_id, 0)

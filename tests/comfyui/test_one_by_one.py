"""What patches remember, copied for every level."""

from collections.abc import Callable
from typing import Any

from harness import Host


def patch_that_remembers() -> tuple[Callable[[], int], Callable[[], int], list[int]]:
    count, seen = 0, []

    def call() -> int:
        nonlocal count
        count += 1
        seen.append(count)
        return count

    def look() -> int:
        return count

    return call, look, seen


def own(host: Host, options: Any) -> Any:
    return host.module("sampling.network.one_by_one").with_own_memory(options)


def test_variables_that_two_functions_share_are_shared_by_their_copies(host: Host) -> None:
    call, look, _ = patch_that_remembers()
    first, second = (own(host, {"a": [call], "b": {"c": look}}) for _ in range(2))
    assert [first["a"][0](), first["a"][0](), second["a"][0]()] == [1, 2, 1]
    assert [first["b"]["c"](), second["b"]["c"](), look()] == [2, 1, 0]


def test_a_list_of_a_patch_is_one_list_wherever_its_copies_meet_it(host: Host) -> None:
    call, _, seen = patch_that_remembers()
    copied = own(host, {"patches": [call], "seen": seen})
    copied["patches"][0]()
    assert copied["seen"] == [1] and seen == []


def test_lists_that_hold_themselves_end(host: Host) -> None:
    ring: list[Any] = []
    ring.append(ring)
    copied = own(host, ring)
    assert copied is not ring and copied[0] is copied

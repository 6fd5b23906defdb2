"""The instruction for a language model says what the nodes know: scene, levels, factors, focus, style."""

import pytest

from zoomstack_core.nesting import Nesting
from zoomstack_core.prompts.instruction import write_instruction


def test_it_says_scene_levels_factor_and_style() -> None:
    text = write_instruction(" from a forest to a leaf ", 5, Nesting((4.0,)), "watercolor")
    for part in (
        "one scene at 5 levels",
        "Every level shows the middle of the level before it, 4 times larger.",
        "The last level is 256 times larger than the first.",
        "Scene: from a forest to a leaf\n",
        "repeated in every prompt: watercolor\n",
        "what would you see if you zoomed in by 4?",
        "exactly 5 lines: one line per level, the widest first",
    ):
        assert part in text
    assert "Style" not in write_instruction("a forest", 5, Nesting((4.0,)), " ")


def test_it_says_every_step_where_they_differ() -> None:
    focus = ((0.5, 0.5), (0.1, 0.9), (0.9, 0.5))
    text = write_instruction("a forest", 4, Nesting((2.0, 4.0, 1.5), focus))
    assert "Level 2 shows the middle of level 1, 2 times larger." in text
    assert "Level 3 shows the lower left part of level 2, 4 times larger." in text
    assert "Level 4 shows the right part of level 3, 1.5 times larger." in text
    assert "12 times larger than the first" in text
    assert "zoomed in that far" in text


def test_it_says_that_a_ring_leads_back() -> None:
    text = write_instruction("a forest", 3, Nesting((2.0, 4.0, 3.0), closed=True))
    assert "Level 3 shows the middle of level 2, 4 times larger.\nThe last level is 8 times larger" in text
    assert "the middle of level 3 shows the whole of level 1 again, 3 times smaller" in text
    assert "Level 4" not in text
    assert "has no end" not in write_instruction("a forest", 3, Nesting((2.0, 4.0)))


def test_it_says_in_which_level_a_branch_lies() -> None:
    text = write_instruction("a forest", 4, Nesting((4.0,), parents=(None, 0, 0, 2)))
    assert "Level 3 shows the right part of level 1, 4 times larger." in text
    assert "Level 4 shows the middle of level 3" in text


@pytest.mark.parametrize(
    ("point", "place"),
    [((0.5, 0.5), "middle"), ((0.6, 0.4), "middle"), ((0, 0), "upper left part"), ((1, 1), "lower right part")],
)
def test_it_says_where_the_zoom_goes(point: tuple[float, float], place: str) -> None:
    assert f"shows the {place} of" in write_instruction("a forest", 3, Nesting(focus=(point,)))


def test_one_level_is_no_zoom() -> None:
    text = write_instruction("a forest", 1, Nesting())
    assert "times larger" not in text
    assert "exactly 1 lines" in text


def test_what_cannot_be_written_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="^scene is empty; expected"):
        write_instruction(" \n", 3, Nesting())
    with pytest.raises(ValueError, match="^geometry has 2 zoom factors for 4 levels"):
        write_instruction("a forest", 4, Nesting((2.0, 3.0)))

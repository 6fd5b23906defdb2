"""The instruction for a language model says what the nodes know: scene, levels, factors, focus, style."""

import pytest

from zoomstack_core.nesting import Nesting
from zoomstack_core.prompts.instruction import Draft, write_draft_instruction, write_instruction
from zoomstack_core.prompts.schedule import parse_schedule


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


DRAFT = Draft(["a forest", "a tree", "a leaf"], None, 3)


def test_of_a_draft_it_asks_what_is_seen_for_better_lines_and_for_a_focus() -> None:
    text = write_draft_instruction("a forest", DRAFT, Nesting((3.0,)), "watercolor")
    for part in (
        "You see 3 pictures, a quick draft of one scene at 3 levels",
        "Every level shows the middle of the level before it, 3 times larger.",
        "Scene: a forest\n",
        "repeated in every prompt: watercolor\n",
        "The prompts of the draft:\n1. a forest\n2. a tree\n3. a leaf\n",
        "look at its picture, say in a few words what it shows, and write its prompt: repeat the line of the draft",
        "x goes from 0 at the left edge to 1000",
        "that place: 3, or another one from 1.5 to 8",
        "a JSON list of exactly 3 objects",
        '"level": 3, "seen": "…", "prompt": "…", "focus": null, "factor": null}]',
    ):
        assert part in text


def test_without_prompts_it_asks_for_new_ones_and_without_pictures_for_lines() -> None:
    text = write_draft_instruction("a forest", DRAFT._replace(prompts=[]), Nesting())
    assert "prompts of the draft" not in text and "word for word" not in text
    assert "look at its picture" in text and '"focus"' in text
    text = write_draft_instruction("a forest", DRAFT._replace(pictures=0), Nesting())
    assert "1. a forest\n2. a tree\n" in text and "word for word where the levels next to it fit it" in text
    assert "picture" not in text.replace("what fills the picture", "") and "focus" not in text
    assert "exactly 3 lines" in text


def test_in_a_ring_the_last_level_has_a_focus_too() -> None:
    text = write_draft_instruction("a forest", DRAFT, Nesting(closed=True))
    assert "After the last level comes level 1." in text and "null" not in text


@pytest.mark.parametrize(
    ("draft", "nesting"),
    [
        (DRAFT._replace(parents=(None, 0, 0)), Nesting((4.0,))),
        (DRAFT, Nesting((4.0,), parents=(None, 0, 0))),
        (Draft(["a forest"], None, 1), Nesting()),
    ],
)
def test_the_places_of_branches_stay_and_one_level_has_none(draft: Draft, nesting: Nesting) -> None:
    text = write_draft_instruction("a forest", draft, nesting)
    assert '"seen"' in text and "focus" not in text and "factor" not in text
    assert ("Level 3 shows the right part of level 1" in text) == (len(draft.prompts) == 3)


def test_steps_of_different_factors_keep_their_own() -> None:
    text = write_draft_instruction("a forest", DRAFT, Nesting((2.0, 5.0)))
    assert "Level 3 shows the middle of level 2, 5 times larger." in text
    assert "that place: that of the step above" in text


def test_an_answer_in_the_form_that_it_asks_for_is_read() -> None:
    form = write_draft_instruction("a forest", DRAFT, Nesting()).rpartition("\n[")[2]
    first, _, last = form.removesuffix("]").split("\n")
    point = first.replace('"y": …', '"y": 40').replace('"x": …', '"x": 700').replace('"factor": …', '"factor": 3')
    answer = f"[{point}\n{point}\n{last}]"
    schedule = parse_schedule(answer)
    assert schedule.prompts == ["…"] * 3
    assert schedule.directions.focus == ((0.7, 0.04), (0.7, 0.04), None)
    assert schedule.directions.factors == (3.0, 3.0, None)


def test_a_draft_that_does_not_fit_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="^images has 2 pictures for 3 prompts; expected one picture per level"):
        write_draft_instruction("a forest", DRAFT._replace(pictures=2), Nesting())
    with pytest.raises(ValueError, match="^scene is empty"):
        write_draft_instruction("", DRAFT, Nesting())
    with pytest.raises(ValueError, match="^geometry has 3 zoom factors for 3 levels"):
        write_draft_instruction("a forest", DRAFT, Nesting((2.0, 3.0, 4.0)))

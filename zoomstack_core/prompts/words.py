"""What the readers of prompts have in common: quotes, the ends of sentences, and the names of fields."""

from __future__ import annotations

import re

QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}
SENTENCE_ENDS = (".", "!", "?", ":", "…", ")")
# Names of fields and columns that say what to avoid, as `plain` gives them; the clearest first.
NEGATIVES = ("negativeprompt", "negative", "negprompt", "negpromp", "negprom", "neg", "negtext")


# Of those that say in which level one lies that does not lie in the level before it, and of those that number it.
# "from" may also be the first frame of a prompt.
PARENTS = ("fromlevel", "parent", "parentlevel", "parentid", "branchof", "branchfrom", "branchesfrom")
BRANCHES = ("from", *PARENTS)
LEVELS = ("level", "id", "number", "index", "no", "nr")


def plain(name: object) -> str:
    """A name by which a field or column is known: small letters and digits alone."""
    return re.sub(r"[\W_]+", "", str(name)).lower()

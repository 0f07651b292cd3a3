"""What can be wrong with a policy pack, and where: a person reads this with the file open beside it.

Raised by `infra.policy.pack`, made by every room file that reads or checks YAML.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. `line` and `column` count from 1, as editors do; `path` reads like `lanes.groups[3].to.DE`."""

    file: str
    line: int
    column: int
    path: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.path} - {self.wrong} - {self.remedy}"


class PolicyErrors(ValueError):
    """The pack does not load. Nothing of it is in force: mend every line of `problems`, then load again."""

    def __init__(self, problems: Iterable[Problem], *, folder: str) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.file, each.line, each.column)))
        self.folder = folder
        count = len(self.problems)
        heading = f"policy pack in {folder}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n".join([heading, *map(str, self.problems)]))


def nearest(word: str, known: Iterable[str], *, otherwise: str) -> str:
    """A remedy naming the known word closest to `word`, or `otherwise` where none is near."""
    match = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {match[0]!r}?" if match else otherwise


def listed(words: Iterable[str], *, at_most: int = 12) -> str:
    """The words in order, shortened so that a message stays one readable line."""
    ordered = sorted(words)
    more = f", ... ({len(ordered)} in all)" if len(ordered) > at_most else ""
    return ", ".join(ordered[:at_most]) + more

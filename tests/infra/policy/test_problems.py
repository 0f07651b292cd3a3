"""A problem reads like a compiler's, and a near spelling is offered only when it is near."""

from __future__ import annotations

from infra.policy.problems import PolicyErrors, Problem, listed, nearest


def problem(line: int, *, file: str = "a.yaml") -> Problem:
    return Problem(file=file, line=line, column=3, path="x[0].y", wrong="bad", remedy="mend")


def test_problem_is_one_line() -> None:
    """File, line, column, path, what is wrong, what to do."""
    assert str(problem(7)) == "a.yaml:7:3 x[0].y - bad - mend"


def test_problems_come_in_reading_order() -> None:
    """By file, then from top to bottom, whatever order they were found in."""
    error = PolicyErrors([problem(9), problem(2, file="b.yaml"), problem(10), problem(2)], folder="p")

    assert [(each.file, each.line) for each in error.problems] == [
        ("a.yaml", 2),
        ("a.yaml", 9),
        ("a.yaml", 10),
        ("b.yaml", 2),
    ]
    assert str(error).startswith("policy pack in p: 4 problems\n")


def test_near_word_is_offered_and_far_word_is_not() -> None:
    """One letter off is a suggestion, nothing in common is the general remedy."""
    assert nearest("depto", ["depot", "plan"], otherwise="write a name") == "did you mean 'depot'?"
    assert nearest("xyz", ["depot", "plan"], otherwise="write a name") == "write a name"


def test_long_lists_are_cut() -> None:
    """A remedy stays readable."""
    assert listed(["b", "a"]) == "a, b"
    assert listed(map(str, range(10, 40)), at_most=2) == "10, 11, ... (30 in all)"

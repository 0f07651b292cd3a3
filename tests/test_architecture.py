"""The law of the house: who may know whom, whose names are ours, and what no file may hold."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
ROOMS = ("flows", "tasks", "carriers", "calendars", "infra")
PROSE = {".py", ".md", ".yaml", ".yml", ".toml", ".lock", ".txt", ".csv", ".typ", ".html", ".po", ".json", ".mako", ""}


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout: cannot tell the project's files from others")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def _modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


class TestImports:
    def test_the_contracts_hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """flows over tasks over rules over the three rooms, which do not know one another."""
        monkeypatch.chdir(ROOT)

        assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0

    def test_a_planted_violation_is_caught(self, tmp_path: Path) -> None:
        """The same contracts refuse a ground floor that looks upward."""
        for room in ROOMS:
            (tmp_path / room).mkdir()
            (tmp_path / room / "__init__.py").touch()
        (tmp_path / "tasks" / "rules").mkdir()
        (tmp_path / "tasks" / "rules" / "__init__.py").touch()
        (tmp_path / "infra" / "upward.py").write_text("import tasks\n")
        (tmp_path / "contracts.toml").write_text(_layers_contract())
        ran = subprocess.run(
            [sys.executable, "-c", LINT],
            cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert ran.returncode != 0
        assert "infra.upward" in ran.stdout

    def test_no_folder_needs_itself(self) -> None:
        """Folders import one another in one direction only."""
        needs: dict[str, set[str]] = defaultdict(set)
        for path in _modules():
            folder = ".".join(path.parent.relative_to(ROOT).parts)
            for module in _imported(path):
                other = _folder_of(module)
                if other and other != folder:
                    needs[folder].add(other)

        assert _cycles(needs) == []

    def test_the_cycle_finder_finds(self) -> None:
        """Two folders that need each other are a cycle."""
        assert _cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) != []

    def test_steps_do_not_know_one_another(self) -> None:
        """A step module never imports a sibling step: only flows compose."""
        steps = {"waves", "coverage", "promises", "stock", "shipments", "pick_lists", "notices", "intake"}
        offences = [
            (path.name, module)
            for path in (ROOT / "tasks").glob("*.py")
            if path.stem in steps
            for module in _imported(path)
            if module.startswith("tasks.") and module.split(".")[1] in steps - {path.stem}
        ]

        assert offences == []

    def test_flows_hold_no_classes_and_no_sql(self) -> None:
        """A flow loaded by path would be a second copy of its classes; SQL belongs to the steps."""
        for path in (ROOT / "flows").glob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))

            assert [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)] == [], path.name
            assert not [module for module in _imported(path) if module.startswith("sqlalchemy")], path.name

    def test_only_the_clock_asks_the_machine(self) -> None:
        """`datetime.now` outside `infra.clock` would make a rule depend on the day it runs."""
        asking = [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for path in _modules()
            if path.relative_to(ROOT).as_posix() not in MAY_ASK_THE_TIME
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"now", "utcnow", "today"}
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"datetime", "date"}
        ]

        assert asking == []


LINT = (
    "from importlinter.cli import lint_imports; "
    "raise SystemExit(lint_imports(config_filename='contracts.toml', no_cache=True))"
)
MAY_ASK_THE_TIME = {
    "infra/clock.py",
    "carriers/sandbox/virtual_clock.py",  # the sandbox is another company: it has a clock of its own
}


def _layers_contract() -> str:
    return """
[tool.importlinter]
root_packages = ["flows", "tasks", "carriers", "calendars", "infra"]

[[tool.importlinter.contracts]]
name = "rooms"
type = "layers"
layers = ["flows", "tasks", "carriers | calendars | infra"]
"""


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {module for module in found if module.split(".")[0] in ROOMS}


def _folder_of(module: str) -> str | None:
    """The folder of the file that `module` (or the name's module) is."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        if base.is_dir():
            return ".".join(parts[:length])
        if base.with_suffix(".py").is_file():
            return ".".join(parts[: length - 1])
    return None


def _cycles(needs: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Pairs of folders that reach each other. A folder and the one around it are one room and do not count."""
    reach = {folder: set(others) for folder, others in needs.items()}
    changed = True
    while changed:
        changed = False
        for others in reach.values():
            more = set().union(*(reach.get(other, set()) for other in others)) - others
            others.update(more)
            changed = changed or bool(more)
    pairs = ((a, b) for a, others in reach.items() for b in others if a < b and a in reach.get(b, set()))
    return sorted((a, b) for a, b in pairs if not b.startswith(f"{a}."))


class TestNames:
    @pytest.mark.parametrize("room", ROOMS)
    def test_nobody_else_owns_our_package_names(self, room: str) -> None:
        """Another distribution that ships `infra` would silently replace ours."""
        owners = set(metadata.packages_distributions().get(room, []))

        assert owners <= {"parts-dispatch"}

    def test_no_file_shadows_the_standard_library(self) -> None:
        """`flows/` lands on sys.path, so a file named like a module of the library would become it."""
        names = {path.stem for path in _modules() if path.parent == ROOT / "flows"}

        assert names & (sys.stdlib_module_names | set(ROOMS)) == set()

    def test_rooms_at_the_top_are_the_prescribed_ones(self) -> None:
        """Beside the rooms only the front door, the lock, the licence, the log and dot-files."""
        allowed = {*ROOMS, "tests", "pyproject.toml", "README.md", "Makefile", "requirements.lock", "LICENSE",
                   "CHANGELOG.md"}  # fmt: skip
        top = {path.relative_to(ROOT).parts[0] for path in _tracked()}

        assert {name for name in top if not name.startswith(".")} <= allowed

    def test_modules_say_what_they_are_for(self) -> None:
        """Every module of a room opens with why it exists; generic names are not used."""
        for path in _modules():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert ast.get_docstring(tree) or "migrations" in path.parts or not tree.body, path
            assert path.stem not in {"utils", "helpers", "manager", "service", "data", "info", "common"}, path


class TestFunctions:
    def test_functions_stay_short(self) -> None:
        """Median at most 8 lines, nine in ten at most 30, none over 60, docstrings not counted."""
        lengths = sorted(length for path in _modules() for length in _lengths(path))

        assert lengths[len(lengths) // 2] <= 8
        assert lengths[int(len(lengths) * 0.9)] <= 30
        assert lengths[-1] <= 60


def _lengths(path: Path) -> list[int]:
    if "migrations" in path.parts:
        return []
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                found.append((body[-1].end_lineno or 0) - body[0].lineno + 1)
    return found


class TestFiles:
    def test_no_file_names_a_registry_or_this_machine(self) -> None:
        """Lock files carry hashes, not hosts; nothing depends on where it was written."""
        registries = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb.deb" + "ian.org"]
        homes = ["/" + "work/", "/" + "root/", "/" + "home/"]
        for path in _tracked():
            if path.suffix in PROSE:
                text = path.read_text(encoding="utf-8", errors="replace")
                assert not [word for word in registries if word in text], path
                assert not [word for word in homes if f" {word}" in text or f'"{word}' in text], path

    def test_the_lock_is_hashed_and_complete(self) -> None:
        """Every pin has hashes, no line has an address, and every declared dependency is pinned."""
        lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
        pinned = {line.split("==")[0].split("[")[0].lower() for line in lock.splitlines() if "==" in line}
        declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        wanted = [*declared["dependencies"], *declared["optional-dependencies"]["dev"]]
        names = {_name(requirement) for requirement in wanted}

        assert "://" not in lock
        assert lock.count("==") <= lock.count("--hash=sha256:")
        assert names - pinned == set()


def _name(requirement: str) -> str:
    for stop in "[<>=!~; ":
        requirement = requirement.split(stop, maxsplit=1)[0]
    return requirement.lower()

"""The commands about promises, as people and programs call them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from flows.promise_commands import register
from infra import settings
from infra.db.engine import Database
from infra.policy.pack import SHIPPED, load_pack
from tasks.desk import open_desk, using
from tasks.installation import prepare
from tests.conftest import NOON
from tests.tasks_promises.scenes import STRIKE, promised, write_closures

ROOT = Path(__file__).parents[2]
DRIVER = "from cyclopts import App; from flows.promise_commands import register; app = App(); register(app); app()"

Dispatch = Callable[..., int]


@pytest.fixture
def dispatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dispatch:
    """Runs a command in this process, over an installation of the test's own; gives its exit status."""
    monkeypatch.setenv("DISPATCH_HOME", str(tmp_path / "home"))
    settings.read_settings.cache_clear()
    app = App(name="dispatch")
    register(app)

    def run(*words: str) -> int:
        return int(app(words, result_action="return_value", exit_on_error=False) or 0)

    return run


@pytest.fixture
def installed(dispatch: Dispatch) -> Dispatch:
    """With one promised request, R-1: ships on Friday 20 November from Copenhagen, arrives on Monday."""
    read = settings.read_settings()
    database = Database(read.database)
    prepare(database, load_pack(today=NOON.date()))
    database.close()
    with using(open_desk(read)) as opened:
        promised(opened.database, "R-1")
        opened.close()
    return dispatch


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON value on standard output; nothing else may be there."""
    return json.loads(capsys.readouterr().out)


class TestPromise:
    WORDS = ("promise", "--from", "DK-CPH", "--to", "DK/2100", "--at", "2026-11-20T08:30:00Z")

    def test_both_dates_and_the_working(self, dispatch: Dispatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A table best first, then the working of each lane."""
        assert dispatch(*self.WORDS) == 0
        shown = capsys.readouterr().out

        assert "Fri 20 Nov" in shown
        assert "Mon 23 Nov" in shown
        assert "It arrives on Monday, 23 November 2026." in shown

    def test_json_is_all_there_is(self, dispatch: Dispatch, capsys: pytest.CaptureFixture[str]) -> None:
        """One list; dates, working and versions per lane."""
        dispatch(*self.WORDS, "--service", "express_saver", "--json")
        (quote,) = said(capsys)

        assert (quote["ship_on"], quote["arrive_on"]) == ("2026-11-20", "2026-11-23")
        assert quote["working"]
        assert quote["versions"]["policy"]

    def test_closures_of_a_folder_count(
        self, dispatch: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """What if Friday is lost?"""
        folder = write_closures(tmp_path / "closures", STRIKE)
        dispatch(*self.WORDS, "--service", "express_saver", "--overrides", str(folder), "--json")

        assert said(capsys)[0]["ship_on"] == "2026-11-23"

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            pytest.param(("--to", "DK/2100", "--from", "NOPE"), "DK-CPH", id="no such depot"),
            pytest.param(("--to", "Denmark"), "DE-BY/80331", id="no such place"),
            pytest.param((), "--to", id="nowhere"),
            pytest.param(("--to", "DK/2100", "--at", "2026-11-20T08:30:00"), "zone", id="whose time?"),
            pytest.param(("--to", "DK/2100", "--language", "sv"), "da, nl, de, en, es", id="no such language"),
            pytest.param(("--to", "DK/2100", "--overrides", "nowhere"), "nowhere", id="no such folder"),
            pytest.param(("--cases", "nowhere.json"), "nowhere.json", id="no such file"),
        ],
    )
    def test_what_is_wrong_goes_to_standard_error(
        self, dispatch: Dispatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], complaint: str
    ) -> None:
        """Exit status 2, an empty standard output, and what to do."""
        assert dispatch("promise", *words, "--json") == 2
        told = capsys.readouterr()

        assert told.out == ""
        assert complaint in told.err.replace("\n", " ")

    @pytest.mark.slow
    def test_processes_at_once_answer_alike(self, tmp_path: Path) -> None:
        """Eight processes, cold: the same JSON list from each, nothing on standard error, no database touched."""
        document = {
            "cases": [
                {"id": n, "approved_at": f"2026-12-{n:02}T12:59:59Z", "origin": {"region": "DE-BE", "cutoff": "14:00"},
                 "destination": {"region": "SE"}}
                for n in range(1, 29)
            ]
        }  # fmt: skip
        path = tmp_path / "cases.json"
        path.write_text(json.dumps(document))
        with ThreadPoolExecutor(8) as pool:
            ran = list(pool.map(lambda _: _run("promise", "--cases", str(path), "--json", home=tmp_path), range(8)))

        assert {each.returncode for each in ran} == {0}
        assert {each.stderr for each in ran} == {""}
        assert len({each.stdout for each in ran}) == 1
        assert [each["id"] for each in json.loads(ran[0].stdout)] == list(range(1, 29))
        assert [path.name for path in tmp_path.iterdir()] == ["cases.json"]

    @pytest.mark.slow
    @pytest.mark.parametrize("words", [WORDS, ("promise", "--cases", "cases.json")], ids=["a quote", "cases"])
    def test_it_starts_without_prefect_and_database(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        """Neither is imported: planners call it many times."""
        (tmp_path / "cases.json").write_text('{"cases": []}')
        driver = DRIVER.replace("app()", f"app({list(words)!r}, result_action='return_value')")
        tail = "; import sys; print(sorted({'prefect', 'sqlalchemy', 'holidays'} & set(sys.modules)), file=sys.stderr)"
        ran = subprocess.run(
            [sys.executable, "-c", driver + tail],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert ran.stderr.splitlines()[-1] == "[]"


def _run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, *words],
        cwd=ROOT, env={"DISPATCH_HOME": str(home / "none"), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip


class TestExplain:
    def test_the_receipt_in_a_language(self, installed: Dispatch, capsys: pytest.CaptureFixture[str]) -> None:
        """German, by number alone."""
        assert installed("explain", "R-1", "--language", "de") == 0

        assert "Ankunft: Montag, 23. November 2026." in capsys.readouterr().out

    def test_why_the_date_moved(self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        """After a strike day: the step that differs."""
        folder = write_closures(tmp_path / "closures", STRIKE)
        installed("calendars", "rebuild", "--overrides", str(folder), "--at", "2026-11-20T12:00:00Z")
        capsys.readouterr()
        installed("explain", "nordlyd/R-1", "--diff", "--json")
        told = said(capsys)

        assert told["sentences"][1] == "Not Friday, 20 November 2026: the depot is closed (warning strike)."
        assert told["facts"]["before"]["revision"] == 1

    @pytest.mark.parametrize("words", [("R-9",), ("R-1", "--diff"), ("R-1", "--language", "xx")])
    def test_what_cannot_be_explained(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
    ) -> None:
        """Exit status 2, and why."""
        assert installed("explain", *words) == 2
        assert capsys.readouterr().err


class TestRadar:
    def test_the_urgent_ones(self, installed: Dispatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Noon UTC: 120 minutes to Copenhagen's cut-off."""
        installed("radar", "--at", "2026-11-20T12:00:00Z", "--json")
        (blip,) = said(capsys)

        assert (blip["request"], blip["minutes_left"], blip["depot"]) == ("nordlyd/R-1", 120, "DK-CPH")

    def test_the_table_fits_a_terminal(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A hundred columns show the request whole."""
        monkeypatch.setenv("COLUMNS", "100")
        installed("radar", "--at", "2026-11-20T12:00:00Z")
        shown = capsys.readouterr().out

        assert "nordlyd/R-1" in shown
        assert max(len(line) for line in shown.splitlines()) <= 100

    def test_an_unknown_depot_names_those_there_are(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An empty radar would be a lie."""
        assert installed("radar", "--depot", "NOPE") == 2
        assert "DK-CPH" in capsys.readouterr().err


class TestCalendars:
    def test_a_dry_run_then_the_real_one(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """Both list the same move; the second run of the real one lists none."""
        words = ("calendars", "rebuild", "--overrides", str(write_closures(tmp_path / "closures", STRIKE)),
                 "--at", "2026-11-20T12:00:00Z", "--json")  # fmt: skip
        found = []
        for more in (("--dry-run",), (), ()):
            assert installed(*words, *more) == 0
            found.append(said(capsys))

        assert [len(each["moved"]) for each in found] == [1, 1, 0]
        assert [each["published"] for each in found] == [0, 1, 1]
        assert found[0]["moved"] == found[1]["moved"]

    def test_without_overrides_the_live_closures_stay(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """Rebuilding the regions does not reopen a struck depot."""
        folder = write_closures(tmp_path / "closures", STRIKE)
        installed("calendars", "rebuild", "--overrides", str(folder), "--at", "2026-11-20T12:00:00Z", "--json")
        first = said(capsys)
        installed("calendars", "rebuild", "--at", "2026-11-20T12:01:00Z", "--json")
        second = said(capsys)

        assert second["after"] == first["after"]
        assert second["moved"] == []

    def test_a_closure_of_nobody_is_refused(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """Nothing is published."""
        folder = write_closures(tmp_path / "closures", "depot/DK-CHP,2026-11-20,2026-11-20,no,,strike,")

        assert installed("calendars", "rebuild", "--overrides", str(folder)) == 2
        assert "depot/DK-CPH" in capsys.readouterr().err

    def test_people_read_one_reason_per_group(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """The reason once, the requests it moves beneath it."""
        folder = write_closures(tmp_path / "closures", STRIKE)
        installed("calendars", "rebuild", "--overrides", str(folder), "--at", "2026-11-20T12:00:00Z", "--dry-run")
        shown = capsys.readouterr().out

        assert "1 of 1 open promises would move" in shown
        assert shown.count("warning strike") == 1
        assert "Fri 20 Nov → Mon 23 Nov" in shown


class TestBacktest:
    def test_table_json_and_chart(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        """A cut-off at nine in the morning, everywhere: the one request is missed, and the chart is written."""
        text = (SHIPPED / "depots.yaml").read_text("utf-8")
        for hour in ("15:00", "14:30", "14:00"):
            text = text.replace(f": {hour}", ": 09:00")
        (tmp_path / "depots.yaml").write_text(text, "utf-8")
        words = ("backtest", "--policy", str(tmp_path / "depots.yaml"), "--since", "2026-11-20", "--until",
                 "2026-11-20")  # fmt: skip
        installed(*words, "--chart", str(tmp_path / "out.svg"))
        shown = capsys.readouterr().out
        installed(*words, "--json")
        facts = said(capsys)

        assert "cut-off passed" in shown
        assert (tmp_path / "out.svg").exists()
        assert (facts["total"]["live"]["missed"], facts["total"]["other"]["missed"]) == (0, 1)

    @pytest.mark.parametrize(
        "words",
        [
            pytest.param(("--policy", "nowhere", "--since", "2026-11-20", "--until", "2026-11-20"), id="no policy"),
            pytest.param(("--policy", str(SHIPPED), "--since", "2026-11-21", "--until", "2026-11-20"), id="backwards"),
            pytest.param(("--policy", str(SHIPPED), "--since", "2026-11-20", "--until", "2026-11-20", "--chart",
                          "out.gif"), id="no such chart"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said(
        self, installed: Dispatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
    ) -> None:
        """Exit status 2, nothing on standard output."""
        assert installed("backtest", *words) == 2
        assert capsys.readouterr().out == ""

"""`dispatch …`: what operators type. Each command opens the desk, calls the verbs and prints a table, or JSON.

Exit status: 0 all well; 1 something needs a person (rejected rows, a bad finding); 2 the command itself was wrong.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from flows.promise_commands import register
from flows.terminal import AsJson, At, aside, at_the_desk, complain, out, prepare, show, show_json
from infra import clock, orchestrator
from infra.settings import read_settings

app = App(
    name="dispatch",
    help="Approved hardware-replacement requests in; prepaid shipments, pick lists and notices out, each exactly once.",
    version_flags=["--version"],
)
STARTED = time.monotonic()
"""When this process began, as a person waiting sees it."""


def main() -> None:
    """The console script."""
    try:
        app()
    except Exception as trouble:
        # looked up only now: naming the errors up front would load the database for every --help
        if not isinstance(trouble, _known_trouble()):
            raise
        sys.exit(complain(f"{type(trouble).__name__}: {trouble}"))


def _known_trouble() -> tuple[type[Exception], ...]:
    """Errors whose message says what to do; anything else is a fault of ours and keeps its traceback."""
    from infra.db.engine import DatabaseError  # noqa: PLC0415 - only when something went wrong
    from infra.db.schema import SchemaMismatch  # noqa: PLC0415 - as above
    from infra.policy.problems import PolicyErrors  # noqa: PLC0415 - as above
    from tasks.desk import NoCarrierConnection  # noqa: PLC0415 - as above

    return DatabaseError, SchemaMismatch, PolicyErrors, NoCarrierConnection, clock.NaiveInstantError, FileExistsError


@app.command
def init() -> None:
    """Make or migrate the database; add the policy pack's example partners and opening stock where they are missing."""
    settings = read_settings()
    made = prepare(settings)
    out.print(f"{made.partners} partners, {made.contracts} contracts, {made.stock_items} stock items added")


@app.command
def doctor(*, as_json: AsJson = False) -> int:
    """Check the installation and the policy pack; each bad finding says what to do."""
    from tasks.checkup import examine  # noqa: PLC0415 - half a second that --help does without

    findings = examine(read_settings())
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        words = {True: "[green]good[/]", False: "[bold red]BAD[/]", None: "[yellow]note[/]"}
        rows = [[words[each.good], each.what, each.seen, "" if each.good else each.remedy] for each in findings]
        show("dispatch doctor", ["", "what", "seen", "what to do"], rows)
    return int(any(finding.good is False for finding in findings))


@app.command
def intake(
    *files: Path,
    report: Annotated[
        Path | None, Parameter(help="Write the rejected rows to this file as CSV, to be sent back.")
    ] = None,
    at: At = None,
    as_json: AsJson = False,
) -> int:
    """Take in approved requests from CSV, XLSX or JSONL files: good rows are stored once, bad rows come back."""
    from infra.intake.report import as_csv, as_table  # noqa: PLC0415 - half a second that --help does without
    from tasks.intake import take_in  # noqa: PLC0415 - half a second that --help does without

    if not files:
        aside.print("name at least one file")
        return 2
    gc.disable()  # a short life of making objects and keeping them: collecting finds nothing and takes a fifth
    with at_the_desk(at):
        taken = [take_in(path) for path in files]
    refusals = [refusal for each in taken for refusal in each.refusals]
    if report is not None:
        report.write_text(as_csv(refusals), encoding="utf-8-sig")
    if as_json:
        show_json({"files": [asdict(each) | {"refusals": [r.model_dump() for r in each.refusals]} for each in taken]})
    else:
        rows = [[each.file, each.rows, each.stored, each.repeated, each.rejected] for each in taken]
        show("taken in", ["file", "rows", "stored", "repeated", "rejected"], rows)
        for remark in (f"{each.file}: {remark}" for each in taken for remark in each.remarks):
            out.print(remark, markup=False, style="dim")
        if refusals:
            out.print(as_table(refusals))
    return int(bool(refusals))


@app.command
def run(
    *depots: str,
    at: At = None,
    as_json: AsJson = False,
) -> int:
    """Run a wave now: everything due at the given depots (all when none is named), as far as it goes."""
    orchestrator.prepare_environment(read_settings().home / "prefect")
    with _quiet_output(as_json):
        from prefect import tags  # noqa: PLC0415 - imports Prefect: a second that other commands do without

        from flows.dispatch_wave import dispatch_wave  # noqa: PLC0415 - imports Prefect: a second that other commands do without

        named = tags(*(f"depot:{depot}" for depot in depots))
        with at_the_desk(at), orchestrator.without_heartbeats(), named:
            summed = dispatch_wave(list(depots))
    if as_json:
        show_json(asdict(summed))
    else:
        rows = [["claimed", summed.claimed], *([state, count] for state, count in sorted(summed.by_state.items()))]
        rows += [[f"carrier: {word}", count] for word, count in sorted(summed.calls.items())]
        show("wave", ["what", "how many"], rows)
        out.print(f"pick lists: {', '.join(summed.waves) or 'none'}")
        if summed.exceptions:
            show("exceptions", ["request", "state", "reason", "evidence"], [[*e.values()] for e in summed.exceptions])
    return 0


@app.command
def notices(*, at: At = None, as_json: AsJson = False) -> int:
    """Deliver the letters that are due."""
    from tasks.notices import deliver_due  # noqa: PLC0415 - half a second that --help does without

    with at_the_desk(at):
        counts = deliver_due()
    if as_json:
        show_json(counts)
    else:
        out.print(", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing was due")
    return 0


@app.command
def holds(*, as_json: AsJson = False) -> int:
    """What stands still: every open hold with its reason, its owner and the next step."""
    from tasks.books import open_holds  # noqa: PLC0415 - half a second that --help does without

    columns = ["partner", "request", "reason", "in words", "owner", "next step"]
    with at_the_desk():
        found = open_holds()
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in found])
    else:
        show(f"{len(found)} open holds", columns, [list(row) for row in found])
    return 0


@app.command
def books(*, as_json: AsJson = False) -> int:
    """How many requests stand where, and whether stock, holds and pick lists add up."""
    from tasks import books as ledger_books  # noqa: PLC0415 - half a second that --help does without

    with at_the_desk():
        counts, wrong = ledger_books.books(), ledger_books.imbalances()
    facts = {"requests": counts.requests, **asdict(counts), "imbalances": wrong}
    if as_json:
        show_json(facts)
    else:
        show("books", ["what", "how many"], [[name, value] for name, value in facts.items() if name != "imbalances"])
        out.print("\n".join(wrong) or "everything adds up", style="red" if wrong else "green")
    return int(bool(wrong))


@app.command
def sample(
    folder: Path = Path("sample"),
    *,
    requests: Annotated[int, Parameter(help="Good, different requests; about 5 % dirty rows come on top.")] = 300,
    seed: int = 7,
    day: Annotated[
        date | None, Parameter(help="Approvals lie in the 24 h before 18:00 UTC of it; default: yesterday.")
    ] = None,
) -> None:
    """Write request files as five partners' systems would send them, some rows of them dirty."""
    from infra.policy.pack import load_pack  # noqa: PLC0415 - half a second that --help does without
    from infra.sample.writing import write_sample  # noqa: PLC0415 - half a second that --help does without

    day = day or clock.now().date() - timedelta(days=1)
    pack = load_pack(read_settings().policy)
    written = write_sample(folder, pack=pack, requests=requests, seed=seed, day=day)
    for path in written.paths:
        out.print(str(path), highlight=False)
    out.print(f"{len(written.good)} good, {len(written.dirty)} dirty and {len(written.repeated)} repeated rows")


@app.command
def papers(folder: Path, *, depot: str | None = None) -> None:
    """Copy the papers of released waves into a folder: pick lists (PDF, CSV, JSON), packing slips, labels to print."""
    from tasks.papers import lay_out  # noqa: PLC0415 - half a second that --help does without

    with at_the_desk():
        written = lay_out(folder, depot=depot)
    out.print(f"{len(written)} files in {folder}")


sandbox_app = App(name="sandbox", help="A carrier to practise on: real HTTP, a ledger of its own, faults on demand.")
app.command(sandbox_app)


@sandbox_app.command
def serve(
    *,
    port: int = 8991,
    ledger: Path | None = None,
    seed: int = 7,
    faults: Annotated[float, Parameter(help="Share of calls that go wrong, 0 to 1.")] = 0.0,
    clock_at: Annotated[str, Parameter(name="--clock", help="An instant with zone, or `real`.")] = "real",
) -> int:
    """Serve the sandbox on 127.0.0.1 until it is interrupted; prints how to point dispatch at it."""
    import subprocess  # noqa: PLC0415 - for this command alone

    ledger = ledger or read_settings().home / "carrier.sqlite"
    ledger.parent.mkdir(parents=True, exist_ok=True)
    aside.print(f"export DISPATCH_CARRIERS__UPS__BASE_URL=http://127.0.0.1:{port}", highlight=False)
    aside.print("export DISPATCH_CARRIERS__UPS__CLIENT_ID=practice DISPATCH_CARRIERS__UPS__CLIENT_SECRET=practice")
    options = ["--port", str(port), "--ledger", str(ledger), "--seed", str(seed), "--faults", str(faults)]
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.call([sys.executable, "-m", "carriers.sandbox", *options, "--clock", clock_at])
    return 0


@app.command
def demo(
    *,
    requests: int = 300,
    seed: int = 7,
    faults: Annotated[float, Parameter(help="Share of carrier calls that go wrong, 0 to 1.")] = 0.03,
    home: Annotated[Path | None, Parameter(help="Where the demo keeps everything; default: .dispatch/demo.")] = None,
    as_json: AsJson = False,
) -> int:
    """A day of waves on generated requests, against a carrier on loopback: papers, letters and balanced books."""
    folder = home or Path(".dispatch") / "demo"
    orchestrator.prepare_environment(folder / "prefect")
    with _quiet_output(as_json), _progress() as say:
        say("loading Prefect")
        from flows.run_demo import run_demo  # noqa: PLC0415 - imports Prefect: a second that other commands do without

        facts = run_demo(folder, requests=requests, seed=seed, faults=faults, say=say, started=STARTED)
    if as_json:
        show_json(facts)
    else:
        _show_demo(facts, folder)
    balanced = facts["bookings_in_our_books"] == facts["shipments_billed_by_carrier"] and not facts["imbalances"]
    return int(not balanced)


def _show_demo(facts: dict[str, Any], folder: Path) -> None:
    rows = [[name.replace("_", " "), value] for name, value in facts.items() if name != "imbalances"]
    show(f"the day of {requests_of(facts)}", ["what", "how many"], rows)
    places: list[list[Any]] = [
        ["pick lists, slips, print files", folder / "papers"],
        ["letters as sent", folder / "mails"],
        ["request files as received", folder / "inbox"],
        ["our record (SQLite)", folder / "dispatch.db"],
        ["the carrier's ledger (SQLite)", folder / "carrier.sqlite"],
        ["Prefect's runs", f"PREFECT_HOME={folder / 'prefect'} prefect server start"],
    ]
    show("where things lie", ["what", "where"], places)
    out.print(f"next: DISPATCH_HOME={folder} dispatch holds", highlight=False)


def requests_of(facts: dict[str, Any]) -> str:
    """A heading."""
    return f"{facts['requests']} requests in {facts['seconds']} s"


@contextlib.contextmanager
def _quiet_output(as_json: bool) -> Iterator[None]:  # noqa: FBT001 - the flag of the command itself
    """With --json whatever a library prints goes to standard error: standard output holds one object."""
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _progress() -> Iterator[Any]:
    with aside.status("starting") as status:

        def say(words: str) -> None:
            waited = time.monotonic() - STARTED
            if aside.is_terminal:
                status.update(words)
            aside.print(f"{waited:6.1f} s  {words}", highlight=False, style="dim")

        yield say


register(app)

if __name__ == "__main__":
    main()

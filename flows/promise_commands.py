"""The commands about promises: promise, explain, radar, calendars, backtest.

`flows.cli` calls `register(app)`. Each command imports what it needs when it runs: `dispatch promise` starts without a
database and without Prefect, because planners and other programs call it many times at once.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.text import Text

from flows.terminal import AsJson, At, at_the_desk, complain, say, show, show_json
from infra import clock

if TYPE_CHECKING:
    from tasks.drift import Drift, Moved
    from tasks.explanations import Explanation
    from tasks.quotes import Quote
    from tasks.radar import Blip

SHOWN = 40
"""Rows of a table: what a person can look through; --json gives all."""

Language = Annotated[str, Parameter(help="da, nl, de, en or es.")]


def register(app: App) -> None:
    """Adds the commands to `dispatch`."""
    app.command(promise)
    app.command(explain)
    app.command(radar)
    calendars = App(name="calendars", help="The calendars promises are made from, and what changing them moves.")
    calendars.command(rebuild)
    calendars.command(check)
    app.command(calendars)
    app.command(backtest)


# --- dispatch promise -----------------------------------------------------------------------------------------------


def promise(
    *,
    depot: Annotated[str | None, Parameter(name="--from", help="Depot code; default: every depot with a lane.")] = None,
    to: Annotated[str | None, Parameter(name="--to", help="COUNTRY[-SUBDIVISION]/POSTCODE, e.g. DE-BY/80331.")] = None,
    at: Annotated[
        datetime | None, Parameter(name="--at", help="The approval instant (ISO 8601 with zone); default: now.")
    ] = None,
    service: Annotated[str | None, Parameter(help="Only this service: ups:express_saver, or express_saver.")] = None,
    city: Annotated[str, Parameter(help="Where a town has holidays of its own.")] = "",
    overrides: Annotated[Path | None, Parameter(help="Folder of closure files to reckon with.")] = None,
    language: Language = "en",
    cases: Annotated[
        Path | None, Parameter(help="Answer a JSON document of cases with a JSON list; - reads standard input.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """What we would promise: both dates per lane, best first, with the working. Stock is not looked at."""
    if cases is not None:
        return _answer_cases(cases)
    if to is None:
        return complain("say where to: --to COUNTRY[-SUBDIVISION]/POSTCODE, or --cases FILE.json")
    from infra.documents.words import UnknownLanguageError  # noqa: PLC0415 - what --cases does without

    try:
        quotes = _quotes(to, at, depot=depot, service=service, city=city, overrides=overrides, language=language)
    except (ValueError, UnknownLanguageError, NotADirectoryError) as trouble:
        # NotQuoted, CalendarError, NaiveInstantError and PolicyErrors say what to do
        return complain(trouble)
    if as_json:
        show_json([asdict(each) for each in quotes])
    else:
        _show_quotes(quotes, to)
    return 0


def _answer_cases(cases: Path) -> int:
    from tasks.case_answers import answer_cases  # noqa: PLC0415 - a third of a second that --help does without

    try:
        answers = answer_cases(cases)
    except (ValueError, OSError) as trouble:
        return complain(trouble)
    show_json(answers)
    return 0


def _quotes(to: str, at: datetime | None, *, overrides: Path | None, city: str, **options: Any) -> list[Quote]:
    from calendars import snapshot  # noqa: PLC0415 - a third of a second that --help does without
    from infra.policy.pack import load_pack  # noqa: PLC0415 - as above
    from infra.settings import read_settings  # noqa: PLC0415 - as above
    from tasks import closure_files, quotes  # noqa: PLC0415 - as above

    layers = closure_files.read_layers(overrides, through=snapshot.load().last) if overrides else ()
    pack = load_pack(read_settings().policy)
    return quotes.quote(pack, quotes.place(to, city=city), at or clock.now(), layers=layers, **options)


def _show_quotes(quotes: list[Quote], to: str) -> None:
    columns = ["depot", "service", "leaves", "arrives", "next day", "freight", "cut-off (UTC)"]
    keeps = {"arrive": "arrival", "ship": "dispatch", "none": "-"}
    rows = [
        [
            each.depot, each.service, f"{each.ship_on:%a %d %b}", f"{each.arrive_on:%a %d %b}{_mark(each)}",
            keeps[each.stands_for], f"{each.freight} {each.currency}", f"{each.cutoff_at:%a %d %b %H:%M}",
        ]
        for each in quotes
    ]  # fmt: skip
    show(f"to {to}, best first", columns, rows, right=("freight",), whole=tuple(columns[:-1]))
    if any(each.provisional for each in quotes):
        say("* provisional: a calendar on the way is not final yet")
    said: dict[tuple[str, ...], str] = {}
    for each in quotes:
        way = f"{each.depot} by {each.name}"
        say(f"\n{way}", style="bold")
        for line in (f"as {said[each.working]}",) if each.working in said else each.working:
            say(f"  {line}")
        said.setdefault(each.working, way)


def _mark(each: Quote) -> str:
    return " *" if each.provisional else ""


# --- dispatch explain -----------------------------------------------------------------------------------------------


def explain(
    request: str,
    /,
    *,
    language: Language = "en",
    diff: Annotated[bool, Parameter(negative="", help="Why the date moved since the revision before.")] = False,
    revision: Annotated[
        int | None, Parameter(help="Explain this revision; with --diff: compare with this one. Default: the newest.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Why a request (partner/number, or a number only one partner uses) was promised what it was."""
    from infra.documents.words import UnknownLanguageError  # noqa: PLC0415 - half a second that --help does without
    from tasks import explanations  # noqa: PLC0415 - as above

    with at_the_desk():
        try:
            if diff:
                told = explanations.explain_move(request, language=language, since=revision)
            else:
                told = explanations.explain(request, language=language, revision=revision)
        except (explanations.NotExplained, UnknownLanguageError) as trouble:
            return complain(trouble)
    if as_json:
        show_json(asdict(told))
    else:
        _show_explanation(told)
    return 0


def _show_explanation(told: Explanation) -> None:
    say(f"{told.request} ({told.state}), revision {told.revision}", style="bold")
    for sentence in told.sentences:
        say(f"  {sentence}")


# --- dispatch radar -------------------------------------------------------------------------------------------------


def radar(
    *,
    depot: Annotated[str | None, Parameter(help="Only this depot.")] = None,
    limit: Annotated[int, Parameter(help="Rows shown; --json gives all.")] = SHOWN,
    at: At = None,
    as_json: AsJson = False,
) -> int:
    """Open work by minutes to the effective cut-off, with what can still keep each promise after it."""
    from tasks import radar as screen  # noqa: PLC0415 - half a second that --help does without

    with at_the_desk(at) as opened:
        if depot is not None and depot not in opened.pack.depot_by_code:
            return complain(f"there is no depot {depot!r}; there are {', '.join(sorted(opened.pack.depot_by_code))}")
        blips = screen.radar(depot=depot)
        currency = opened.pack.lanes[0].freight.currency
    if as_json:
        show_json([screen.facts(blip, currency) for blip in blips])
        return 0
    columns = ["min", "cut-off", "depot", "request", "state", "promised", f"if missed ({currency})"]
    rows = [_urgent(screen.row(blip), blip) for blip in blips[:limit]]
    show(f"{len(blips)} open requests", columns, rows, right=("min",), whole=tuple(columns[:-1]))
    if len(blips) > limit:
        say(f"and {len(blips) - limit} more: --limit {len(blips)} or --json shows them", style="dim")
    return 0


def _urgent(row: list[str], blip: Blip) -> list[Any]:
    style = "bold red" if blip.minutes_left < 0 else "yellow" if blip.minutes_left <= 60 else ""
    return [Text(row[0], style=style), *row[1:]]


# --- dispatch calendars ---------------------------------------------------------------------------------------------


def rebuild(
    *,
    overrides: Annotated[
        Path | None, Parameter(help="Folder of closure files that replace the live ones; default: keep those.")
    ] = None,
    recompile: Annotated[
        bool, Parameter(negative="", help="Compile the regions anew from the installed holiday data.")
    ] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would move.")] = False,
    at: At = None,
    as_json: AsJson = False,
) -> int:
    """Make new calendars live, and move the open promises they change: each once, its partner told once."""
    from calendars import snapshot  # noqa: PLC0415 - half a second that --help does without
    from calendars.operating import CalendarError  # noqa: PLC0415 - as above
    from tasks import closure_files, drift, live_calendars  # noqa: PLC0415 - as above

    with at_the_desk(at) as opened:
        try:
            regions = live_calendars.recompiled(opened.settings.home) if recompile else snapshot.load()
            kept = drift.live_calendars().calendars.layers
            layers = closure_files.read_layers(overrides, through=regions.last) if overrides else kept
            rebuilt = drift.rebuild(live_calendars.Calendars(snapshot=regions, layers=layers), dry_run=dry_run)
        except (CalendarError, NotADirectoryError) as trouble:
            return complain(trouble)
        facts = drift.facts(rebuilt.drift)
    if as_json:
        show_json({"before": rebuilt.before, "after": rebuilt.after, "published": rebuilt.published, **facts})
        return 0
    word = "would move" if dry_run else "moved"
    say(f"calendars {rebuilt.before} -> {rebuilt.after}" + ("" if dry_run else f", publication {rebuilt.published}"))
    _show_drift(rebuilt.drift, facts, word)
    return 0


def check(*, at: At = None, as_json: AsJson = False) -> int:
    """Move what the live calendars still have to move: what a run held, or a killed rebuild left."""
    from tasks import drift  # noqa: PLC0415 - half a second that --help does without

    with at_the_desk(at):
        found = drift.move_drifted()
        facts = drift.facts(found)
    if as_json:
        show_json(facts)
    else:
        _show_drift(found, facts, "moved")
    return 0


def _show_drift(found: Drift, facts: dict[str, Any], word: str) -> None:
    """Moves under the reason they share: one strike is one paragraph, however many promises it moves."""
    say(f"{len(found.moved) or 'none'} of {found.open_promises} open promises {word}")
    groups: dict[str, list[Moved]] = {}
    for each, row in zip(found.moved[:SHOWN], facts["moved"], strict=False):
        groups.setdefault(" ".join(row["why"]), []).append(each)
    columns = ["request", "state", "leaves", "arrives", "promised"]
    for why, moved in groups.items():
        say(f"\n{why}", style="bold")
        show("", columns, [_moved_row(each) for each in moved], whole=tuple(columns))
    if len(found.moved) > SHOWN:
        say(f"and {len(found.moved) - SHOWN} more: --json shows them", style="dim")
    if found.busy:
        say(f"in the hands of a run, moved by the next check: {', '.join(found.busy)}")
    if found.unanswered:
        say(f"no lane answers for {', '.join(found.unanswered)}: a person must look", style="bold red")


def _moved_row(each: Moved) -> list[str]:
    return [
        each.request, each.state, _from_to(each.was.ship_on, each.now.ship_on),
        _from_to(each.was.arrive_on, each.now.arrive_on), "arrival" if each.commitment == "arrive" else "dispatch",
    ]  # fmt: skip


def _from_to(old: date, new: date) -> str:
    return f"{new:%a %d %b}" if old == new else f"{old:%a %d %b} → {new:%a %d %b}"


# --- dispatch backtest ----------------------------------------------------------------------------------------------


def backtest(
    *,
    policy: Annotated[Path, Parameter(help="Another policy: a folder of pack files, or one file such as depots.yaml.")],
    since: Annotated[date, Parameter(help="First day of approval, UTC.")],
    until: Annotated[date, Parameter(help="Last day of approval, UTC, inclusive.")],
    chart: Annotated[Path | None, Parameter(help="Draw it: .svg or .png.")] = None,
    as_json: AsJson = False,
) -> int:
    """Replay past requests under another policy: promises kept and missed, why, and the extra freight."""
    from infra.policy.problems import PolicyErrors  # noqa: PLC0415 - half a second that --help does without
    from tasks import backtests, charts  # noqa: PLC0415 - as above

    if until < since:
        return complain(f"--until {until} is before --since {since}")
    with at_the_desk() as opened:
        try:
            other = backtests.other_pack(policy, base=opened.settings.policy)
            tested = backtests.backtest(other, since=since, until=until)
            if chart is not None:
                charts.write_chart(tested, chart)
        except (PolicyErrors, backtests.NotComparable, charts.UnknownChart, OSError) as trouble:
            return complain(trouble)
    if as_json:
        show_json(backtests.facts(tested))
    else:
        _show_backtest(tested, charts.rows)
    return 0


def _show_backtest(tested: Any, rows: Any) -> None:
    found = tested.verdict
    say(f"{found.requests} requests approved {tested.since} to {tested.until} (UTC), live policy -> other policy")
    say("Both are replayed by the cheapest way that keeps the date promised then, whatever the stock was.", style="dim")
    columns = ["requests", "kept", "missed", "next-day lanes", f"extra freight ({tested.currency})"]
    for name, groups in (("all", [found.total]), ("depot", found.by_depot), ("country", found.by_country)):
        show(f"by {name}" if name != "all" else "altogether", [name, *columns], rows(groups), right=tuple(columns))
    if found.causes:
        show("why the other policy misses", ["cause", "requests"], [[*each] for each in found.causes.items()],
             right=("requests",))  # fmt: skip

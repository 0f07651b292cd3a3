"""Time: which days count as business days for whom, and what date a promise therefore carries.

    sources   the only reader of the `holidays` package; what it says, under policy.yaml, ...
    compiler  ... is compiled, rarely, into ...
    snapshot  ... an immutable, versioned file of every region's days, loaded in milliseconds
    regions   an address -> the region whose days count, and its zone        postal   postal ranges -> subdivision
    operating OperatingCalendar: open or closed, why, and how sure           overrides  closures in files, later wins
    cutoffs   wall-clock cut-offs -> instants                                lanes    origin, destination, their tables
    promises  approval instant -> ship and arrive dates, with the working    cases    answers documents of cases

Pure: no clock, no network, no database; nothing here knows another room.

2026-11-20: a promise is two table look-ups. Cut-offs, half days, handling, pick-up, both zones and all calendars are
folded into tables when a lane is compiled, because asking a calendar library per order costs 400 times more and it
answers "working day" beyond its data.
2026-11-20: the library's calendars are kept as they are under their own keys (`SE`, `SE+de_facto`); what we decided
differently lives in policy.yaml under `+policy`, with a reason per line.
"""

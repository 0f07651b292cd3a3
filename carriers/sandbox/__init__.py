"""A carrier to practise on: real HTTP, a ledger that knows the truth, faults on order.

Runs as a program (`python -m carriers.sandbox`), on loopback only. One *world* holds what was accepted, voided and
billed; a *dialect* (one file per carrier) speaks that carrier's API over it. Adapters never look at the world; tests
assert on its ledger: bookings billed == parcels shipped.

    __main__.py       options, start, stop            world.py    clock + ledger + faults
    application.py    the ASGI app                    ledger.py   SQLite, survives a restart
    admin.py          /sandbox/…: truth and clock     faults.py   which request goes wrong, and how
    ups.py            UPS's dialect                   answering.py  how a wrong answer is given
    running.py        start one as a child process    labels.py, charges.py, shipment_numbers.py

A further dialect is one file with a `routes(world)` function, and one line in `application.DIALECTS`.
"""

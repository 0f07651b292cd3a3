"""The way into this room: a carrier's code in, something that books out. Called once per carrier and process.

A new carrier is one line in `ADAPTERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from carriers.port import CarrierPort
from carriers.transport import Credentials, TimeOuts
from carriers.ups.client import Ups

__all__ = ["ADAPTERS", "Credentials", "TimeOuts", "UnknownCarrierError", "connect"]


class UnknownCarrierError(LookupError):
    """No adapter under this code: mend the policy pack, or write the adapter."""


class Adapter(Protocol):
    def __call__(self, *, base_url: str, credentials: Credentials, time_outs: TimeOuts) -> CarrierPort: ...


ADAPTERS: Mapping[str, Adapter] = MappingProxyType({"ups": Ups})


def connect(
    carrier_code: str, *, base_url: str, credentials: Credentials, time_outs: TimeOuts | None = None
) -> CarrierPort:
    """An adapter to `carrier_code`, safe to share between threads. Nothing is sent before the first call.

    Raises `UnknownCarrierError`, and `ValueError` for an address that would carry credentials in clear text.
    """
    try:
        adapter = ADAPTERS[carrier_code]
    except KeyError:
        raise UnknownCarrierError(f"{carrier_code!r}; known are {sorted(ADAPTERS)}") from None
    return adapter(base_url=base_url, credentials=credentials, time_outs=time_outs or TimeOuts())

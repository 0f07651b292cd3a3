"""The sandbox as one ASGI application: the dialects side by side over one world, and the admin pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.routing import Route

from carriers.sandbox import admin, ups
from carriers.sandbox.world import World

DIALECTS: Sequence[Callable[[World], list[Route]]] = (ups.routes,)
"""Carriers' paths do not collide, so all share one address: it is the `base_url` of every adapter."""


def application(world: World) -> Starlette:
    dialects = [route for routes in DIALECTS for route in routes(world)]
    return Starlette(routes=[*dialects, *admin.routes(world)])

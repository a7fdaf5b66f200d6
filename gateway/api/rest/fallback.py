"""What lies under /v1 and is none of its resources: an answer in the API's manner, with the nearest that there is."""

from __future__ import annotations

from difflib import get_close_matches

from aiohttp import web

from gateway.api.rest.problem import Problem

NAME = "v1-fallback"


def route() -> web.RouteDef:
    """To be added after all other routes under /v1."""
    return web.route("*", "/v1/{nothing:.*}", nothing_here, name=NAME)


async def nothing_here(request: web.Request) -> web.StreamResponse:
    """405 with Allow where the path is right and the method is not, else 404."""
    allowed: set[str] = set()
    paths: list[str] = []
    for resource in request.app.router.resources():
        if resource.canonical.startswith("/v1/") and resource.name != NAME:
            paths.append(resource.canonical)
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        listed = ", ".join(sorted(allowed))
        words = f"{request.method} is not for {request.path[:200]}: use {listed}."
        return Problem(405, "method-not-allowed", words, headers={"Allow": listed}).response()
    near = get_close_matches(request.path[:200], paths, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    words = f"There is nothing at {request.path[:200]}.{hint} All paths are at /v1/docs and in /v1/openapi.json."
    return Problem(404, "not-found", words).response()

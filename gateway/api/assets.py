"""The page's files: a fixed list made at start-up, so that no path can lead anywhere else.

Every file is revalidated by ETag on each load (`no-cache`): a new release shows at once, an unchanged file costs a 304.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

# Written out, as the system's own table may call .js text/plain, and with nosniff no browser would run it.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; media-src 'self' blob: mediastream:; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Assets:
    """Serves the folder `root`."""

    def __init__(self, root: Path) -> None:
        self._files = {
            path.relative_to(root).as_posix(): path
            for path in sorted(root.rglob("*"))
            if path.suffix in TYPES and path.is_file() and not path.name.startswith(".")
        }
        if "index.html" not in self._files:
            raise FileNotFoundError(f"There is no index.html in {root}: the page is missing from this installation.")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = self._files.get(request.match_info.get("path") or "index.html")
        if path is None:
            raise web.HTTPNotFound(text="There is no such page here. The softphone is at /", content_type="text/plain")
        return web.FileResponse(path, headers={"Content-Type": TYPES[path.suffix], "Cache-Control": "no-cache"})


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every response."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers.pop("Server", None)

"""What the web server is told."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import web

PAGE = Path(web.__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Addresses, secrets and limits of the web server."""

    secret: bytes = field(repr=False)
    """Signs tokens: 32 bytes or more, the same after a restart if pages are to come back without signing in."""
    host: str = "127.0.0.1"
    port: int = 8080
    tls: ssl.SSLContext | None = None
    token_ttl: float = 300.0
    allowed_origins: tuple[str, ...] = ()
    """Origins ("https://phone.example.com") that may open the WebSocket besides the page's own; "*" is any."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For and X-Forwarded-Host are believed."""
    metrics_from: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that may read /metrics."""
    max_sockets: int = 4_000
    max_sockets_per_address: int = 256
    max_connections: int = 8_000
    idle_timeout: float = 30.0
    """Seconds a connection may go without a request in progress."""
    stop_grace: float = 2.0
    """Seconds a page gets to take its last messages when its socket is closed."""
    page: Path = PAGE
    """The folder with index.html."""
    demo: Mapping[str, Any] | None = None
    """`accounts` and `numbers` for GET /v1/demo: shown on the sign-in page. Only ever set by the demo."""

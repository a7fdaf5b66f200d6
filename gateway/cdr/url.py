"""The database's address: what we take, what its driver is called, and how to show it without its password."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
EXAMPLES = '"sqlite:///records/calls.db" or "postgresql://tandem:secret@db.example.com/tandem"'


def problem(url: str) -> str:
    """What is wrong with it, in words; empty when it can be used."""
    scheme, colon, rest = url.partition("://")
    driver = DRIVERS.get(scheme.lower())
    if not colon or driver is None:
        return f'"{masked(url)}" is no database we know; write one like {EXAMPLES}'
    if driver.startswith("sqlite"):
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            return f'"{masked(url)}" names no file; three slashes and its path: "sqlite:///records/calls.db"'
        return ""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname or parts.query) and bool(parts.path.strip("/"))
        _ = parts.port
    except ValueError:
        whole = False
    if not whole:
        return f'"{masked(url)}" lacks a host or a database\'s name; write one like {EXAMPLES}'
    if find_spec("asyncpg") is None:
        return "PostgreSQL needs its driver: pip install tandem-gateway[postgres]"
    return ""


def with_driver(url: str) -> str:
    """As SQLAlchemy wants it. The URL must be one without a `problem`."""
    scheme, _, rest = url.partition("://")
    return f"{DRIVERS[scheme.lower()]}://{rest}"


def file_of(url: str) -> str | None:
    """The path of a SQLite database, None for others."""
    scheme, _, rest = url.partition("://")
    return rest[1:].partition("?")[0] if DRIVERS[scheme.lower()].startswith("sqlite") else None


def masked(url: str) -> str:
    """For logs and errors: no password, wherever one may stand."""
    try:
        parts = urlsplit(url)
        netloc = parts.netloc
    except ValueError:
        return url.partition("://")[0] + "://***"
    user, at, host = netloc.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        netloc = f"{name}{':***' if colon else ''}@{host}"
    elif "@" in url:  # a password with a slash in it: which part is which cannot be told
        return f"{parts.scheme}://***"
    return urlunsplit((parts.scheme, netloc, parts.path, "", "")) if netloc else url.partition("?")[0]

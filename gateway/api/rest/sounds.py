"""Which sounds a program may ask for: our own, files of one folder, and URLs of hosts that the operator trusts.

    tone:NAME   say:WORDS   music   silence:SECONDS   file:NAME (below `sounds`)   https://HOST/... (in `fetch_from`)

A URL of any other host is refused: else whoever has a key could make the gateway look around in its own network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from gateway.api.rest.problem import FieldError, Problem, field_error
from media.errors import MediaError


class Sounds:
    """`parse` raises MediaError with words for what cannot be played (`media.sources.parse`)."""

    def __init__(self, parse: Callable[[str], object], folder: Path | None, fetch_from: Sequence[str]) -> None:
        self._parse = parse
        self._folder = folder.resolve() if folder is not None else None
        self._hosts = frozenset(host.lower() for host in fetch_from)

    def checked(self, sources: Sequence[str], field: str) -> tuple[str, ...]:
        """As the runtime plays them. Raises Problem that names each that cannot be played."""
        found: list[str] = []
        wrong: list[FieldError] = []
        for i, source in enumerate(sources):
            try:
                found.append(self._one(source))
            except ValueError as error:
                wrong.append(field_error("body", f"{field}.{i}", str(error)))
        if wrong:
            raise Problem(422, "not-valid", f"{wrong[0].field}: {wrong[0].detail}", wrong)
        return tuple(found)

    def _one(self, source: str) -> str:
        if source.startswith(("http://", "https://")):
            return self._url(source)
        if source.startswith("file:"):
            source = self._file(source.removeprefix("file:"))
        elif "+file:" in source:
            raise ValueError("name each file on its own, not joined by +")
        try:
            self._parse(source)
        except MediaError as error:
            raise ValueError(str(error)) from None
        return source

    def _file(self, name: str) -> str:
        if self._folder is None:
            raise ValueError('no folder is set for files: set "sounds" in [api]')
        if not name.isprintable() or "+" in name or Path(name).is_absolute():
            raise ValueError('write the path of a file below the folder "sounds", such as file:welcome.wav')
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise ValueError(f'there is no file "{name}" below the folder "sounds"')
        return f"file:{path}"

    def _url(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port, who = parts.hostname or "", parts.port, parts.username
        except ValueError:
            raise ValueError("is no URL") from None
        if who is not None or not url.isprintable() or " " in url:
            raise ValueError("write a plain URL, without user and password")
        if not {host, f"{host}:{port}"} & self._hosts:
            raise ValueError(f'nothing is fetched from "{host}": add it to fetch_from in [api]')
        return url

"""Names that this machine knows without asking: /etc/hosts, and localhost (RFC 6761 section 6.3)."""

from __future__ import annotations

import os

from signaling.net.transport import ip_version

LOCALHOST = ("127.0.0.1", "::1")


class Hosts:
    """The hosts file, read again whenever it changes."""

    def __init__(self, path: str = "/etc/hosts") -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._names: dict[str, tuple[str, ...]] = {}

    def get(self, name: str) -> tuple[str, ...]:
        """Addresses of `name`, in the file's order; empty if it is not listed."""
        self._refresh()
        name = name.lower().rstrip(".")
        return self._names.get(name) or (LOCALHOST if name == "localhost" or name.endswith(".localhost") else ())

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
            seen = (status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                with open(self._path, encoding="utf-8", errors="replace") as file:
                    self._names = parse(file.read())
                self._seen = seen
        except OSError:
            self._names, self._seen = {}, None  # no such file: nothing is listed


def parse(text: str) -> dict[str, tuple[str, ...]]:
    """Lines of `address name name... # comment`."""
    names: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *listed = line.partition("#")[0].split() or [""]
        if ip_version(address) is None:
            continue
        for name in listed:
            names[name.lower()] = (*names.get(name.lower(), ()), address)
    return names

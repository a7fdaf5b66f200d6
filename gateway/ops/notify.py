"""Tells systemd how we are (sd_notify): ready, draining, stopping. Nothing where it did not ask."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> bool:
    """One datagram of KEY=VALUE lines to the socket in NOTIFY_SOCKET. False: nobody listens."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path or not hasattr(socket, "AF_UNIX"):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path  # "@": the abstract name space
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            wire.connect(address)
            wire.send("\n".join(lines).encode())
    except OSError:
        return False  # being told is systemd's wish, not our life
    return True

"""Free ports and addresses on loopback."""

import os
import socket


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago, for both TCP and UDP."""
    while True:
        with socket.socket(socket.AF_INET, kind) as first:
            first.bind((host, 0))
            port: int = first.getsockname()[1]
            other = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, other) as second:
                try:
                    second.bind((host, port))
                except OSError:
                    continue
                return port


def own_network() -> str:
    """Three bytes of a loopback address that this test run has for itself: runs side by side do not meet."""
    return f"127.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"

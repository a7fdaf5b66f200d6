"""`tandem demo`: a whole telephone system on this machine, for somebody who has never seen one.

Three people with a page and a phone account each, four numbers that answer, no other server. On 127.0.0.1 by default;
`--lan` opens it to the local network, with a certificate of its own (browsers give a microphone only to https) and
passwords that nobody guesses. Ports that are taken are passed over.
"""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.app import Gateway
from gateway.config import Config
from gateway.demo.box import Screen, box
from gateway.demo.certificate import certificate
from gateway.ops.lifecycle import run
from gateway.ops.logs import set_up
from gateway.parts import CannotStart

PEOPLE = (("alice", "101", "Alice Ashford"), ("bob", "102", "Bob Bell"), ("carol", "103", "Carol Chappe"))
NUMBERS = (
    ("600", "app:echo", "Echo", "Hear yourself, both ways proven"),
    ("601", "app:tones", "Tones and digits", "Press a key: hear its name and a telephone tone"),
    ("602", "app:music", "Music", "Sit back"),
    ("603", "app:record", "Record and play", "Speak after the beep, press #, hear yourself"),
)
WORDS = "amber apple birch brook cedar cloud coral daisy ember fern flint grove hazel jade lake maple olive pearl river"
TRIES = 50


@dataclass(frozen=True, slots=True)
class DemoOptions:
    lan: bool = False
    port: int = 8080
    sip_port: int = 5060
    media_port: int = 8443
    rtp_ports: tuple[int, int] | None = None
    verbose: bool = False


def demo(options: DemoOptions) -> None:
    """Run it until Ctrl-C. Raises CannotStart."""
    level = "info" if options.verbose else "warning"
    set_up(level)
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as folder:
        host = lan_address() if options.lan else "127.0.0.1"
        notes: list[str] = []
        config = demo_config(options, host, Path(folder), notes)
        passwords = {user.name: user.password.get_secret_value() for user in config.users}
        gateway = Gateway(config, demo=shown({} if options.lan else passwords))
        run(
            gateway,
            ready=lambda: print(box(_screen(gateway, host, passwords, notes, options.lan)), flush=True),
            stopping=lambda: print("\nHanging up and leaving ...", flush=True),
        )


def demo_config(options: DemoOptions, host: str, folder: Path, notes: list[str]) -> Config:
    """The demo as a configuration; what had to be different from what was asked goes into `notes`."""
    cert, key = certificate(host) if options.lan else ("", "")
    return Config.model_validate(
        {
            "server": {
                "host": host,
                "port": free_port(host, options.port, "The page's port", notes, tcp_free),
                "tls_cert": cert,
                "tls_key": key,
                "secret": secrets.token_hex(32),
            },
            "sip": {
                "host": host,
                "port": free_port(host, options.sip_port, "The phones' port", notes, tcp_free, udp_free),
            },
            "media": {
                "webrtc_host": host,
                "webrtc_port": free_port(host, options.media_port, "The browsers' sound port", notes, udp_free),
                "rtp_host": host,
                "rtp_ports": options.rtp_ports or (20000, 29999),
                "recordings": str(folder),
            },
            "users": [
                {"name": name, "extension": extension, "display": display, "password": password(name, options.lan)}
                for name, extension, display in PEOPLE
            ],
            "routes": [{"match": number, "to": [target]} for number, target, _, _ in NUMBERS],
        }
    )


def shown(passwords: dict[str, str]) -> dict[str, object]:
    """What the page shows before sign-in, to anybody who can reach it: on a network that is no place for passwords."""
    accounts = [{"user": name, "display": display, "extension": extension} for name, extension, display in PEOPLE]
    return {
        "accounts": [a | ({"password": passwords[a["user"]]} if a["user"] in passwords else {}) for a in accounts],
        "numbers": [{"number": number, "title": title, "words": words} for number, _, title, words in NUMBERS],
    }


def password(name: str, guessable_is_bad: bool) -> str:
    """Easy on this machine alone; on a network, easy to type but not to guess."""
    if not guessable_is_bad:
        return name
    return f"{secrets.choice(WORDS.split())}-{secrets.choice(WORDS.split())}-{secrets.randbelow(900) + 100}"


def lan_address() -> str:
    """The address by which this machine goes out; nothing is sent to find it. Raises CannotStart."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: an address that is nobody's (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            raise CannotStart("this machine has no network; try: tandem demo (without --lan)") from None


def free_port(host: str, wanted: int, what: str, notes: list[str], *is_free: Callable[[str, int], bool]) -> int:
    """The wanted port, or the next one that is free. Raises CannotStart."""
    for port in range(wanted, min(wanted + TRIES, 65536)) if wanted else (0,):
        if all(free(host, port) for free in is_free):
            if port != wanted:
                notes.append(f"{what} {wanted} is taken by another program; this demo uses {port}.")
            return port
    raise CannotStart(f"no free port from {wanted} to {wanted + TRIES - 1} on {host}; see: tandem demo --help")


def tcp_free(host: str, port: int) -> bool:
    return _free(socket.SOCK_STREAM, host, port)


def udp_free(host: str, port: int) -> bool:
    return _free(socket.SOCK_DGRAM, host, port)


def _free(kind: socket.SocketKind, host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # a connection that has just ended is not in the way
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _screen(gateway: Gateway, host: str, passwords: dict[str, str], notes: list[str], lan: bool) -> Screen:
    return Screen(
        page=gateway.web.urls[0],
        server=f"{host}:{gateway.endpoint.addresses[0].port}",
        people=[(display, extension, name, passwords[name]) for name, extension, display in PEOPLE],
        numbers=[(number, title, words) for number, _, title, words in NUMBERS],
        notes=notes,
        lan=lan,
    )

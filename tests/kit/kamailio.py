"""A real office PBX: Kamailio with digest, a registrar for the trunk (201) and one desk phone (11)."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from pathlib import Path

from tests.kit.ports import free_port

CONFIG = Path(__file__).resolve().parents[1] / "interop" / "kamailio" / "office.cfg"
PROGRAM = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin:/sbin")
MISSING = "" if PROGRAM else "kamailio (Debian: kamailio) is not installed"


class Kamailio:
    """Use as an async context manager; `stop` and `start` in between are a restart: it forgets who was registered."""

    def __init__(self, folder: Path, *, expires: int = 60, host: str = "127.0.0.1") -> None:
        self.host, self.port, self.expires = host, free_port(host=host), expires
        self.folder = folder / f"kamailio-{self.port}"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    async def __aenter__(self) -> Kamailio:
        self.folder.mkdir()
        text = CONFIG.read_text()
        for name, value in (("HOST", self.host), ("PORT", self.port), ("EXPIRES", self.expires)):
            text = text.replace(f"@{name}@", str(value))
        (self.folder / "office.cfg").write_text(text)
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        assert PROGRAM is not None
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                PROGRAM,
                *("-f", str(self.folder / "office.cfg"), "-DD", "-E", "-m", "32", "-M", "4"),
                *("-w", str(self.folder), "-Y", str(self.folder), "-P", str(self.folder / "pid")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(200):
            if self._process.returncode is not None:
                raise AssertionError(f"kamailio ended at once: {self.log[-1500:]}")
            if await asyncio.to_thread(self._answers):
                return
            await asyncio.sleep(0.05)
        await self.stop()
        raise AssertionError(f"kamailio does not answer: {self.log[-1500:]}")

    async def stop(self) -> None:
        if self._process.returncode is None:
            os.killpg(self._process.pid, 15)
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                os.killpg(self._process.pid, 9)
                await self._process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _answers(self) -> bool:
        """Whether it answers an OPTIONS."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((self.host, 0))
            probe.settimeout(0.2)
            port = probe.getsockname()[1]
            lines = (
                f"OPTIONS sip:{self.address} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.host}:{port};branch=z9hG4bKprobe{port}",
                "Max-Forwards: 5",
                f"From: <sip:probe@{self.host}>;tag=1",
                f"To: <sip:{self.address}>",
                f"Call-ID: probe-{port}",
                "CSeq: 1 OPTIONS",
                "Content-Length: 0",
            )
            try:
                probe.sendto("\r\n".join([*lines, "", ""]).encode(), (self.host, self.port))
                return probe.recv(2000).startswith(b"SIP/2.0 200")
            except OSError:
                return False

"""A real gateway in a process of its own, as a user starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from tests.kit.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class Gateway:
    """`tandem <command>` as an async context manager, ready to take calls when the block begins.

    `args` are the command line; "{http}" and "{sip}" in them are replaced by free ports.
    """

    def __init__(self, folder: Path, *args: str, config: str | None = None, env: dict[str, str] | None = None) -> None:
        self.http, self.sip = free_port(), free_port()
        self.folder, self.env = folder, env or {}
        if config is not None:
            path = folder / "tandem.toml"
            path.write_text(config.replace("{http}", str(self.http)).replace("{sip}", str(self.sip)))
            args = ("serve", "--config", str(path))
        self.args = [a.replace("{http}", str(self.http)).replace("{sip}", str(self.sip)) for a in args]
        self.url = f"http://127.0.0.1:{self.http}"
        self.registrar = f"127.0.0.1:{self.sip}"

    def environment(self) -> dict[str, str]:
        """Ours, without what would configure another gateway; records are kept in the folder."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")} | {"PYTHONUNBUFFERED": "1"}
        env |= {
            "TANDEM_RECORDS__URL": f"sqlite:///{self.folder}/calls.db",
            "TANDEM_RECORDS__SPOOL": f"{self.folder}/spool",
        }
        return env | self.env

    async def __aenter__(self) -> Gateway:
        log = (self.folder / f"gateway-{self.http}.log").open("wb")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *self.args,
            cwd=ROOT,
            env=self.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        async with aiohttp.ClientSession() as http:
            for _ in range(200):
                if self.process.returncode is not None:
                    raise AssertionError(f"the gateway ended at once: {self.log}")
                try:
                    async with http.get(f"{self.url}/healthz") as answer:
                        if answer.status == 200:
                            return self
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
        await self.stop()
        raise AssertionError(f"the gateway does not answer: {self.log[-2000:]}")

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self, sig: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(sig)
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        return self.process.returncode or 0

    @property
    def log(self) -> str:
        return (self.folder / f"gateway-{self.http}.log").read_text(errors="replace")

    async def metrics(self) -> dict[str, float]:
        """All samples of /metrics: 'name{labels}' -> value."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def resources(self) -> dict[str, int]:
        """Open file descriptors, threads and resident memory (KiB) of the process."""
        pid = self.process.pid
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        return {
            "fds": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": int(status["Threads"]),
            "rss": int(status["VmRSS"].split()[0]),
        }

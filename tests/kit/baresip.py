"""A real SIP phone: baresip, headless, on a loopback address of its own, steered over its control socket.

It plays a tone as its microphone and records what it hears (`Phone.heard()`), so both directions can be proven by ear.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.kit.ports import own_network
from tests.kit.tones import read_wav

MODULES = Path("/usr/lib/baresip/modules")
MISSING = (
    ""
    if shutil.which("baresip") and (MODULES / "sndfile.so").exists()
    else "baresip (Debian: baresip-core) is not installed"
)
_hosts = itertools.count(11)

CONFIG = """\
poll_method epoll
sip_listen {host}:5060
call_local_timeout 120
call_max_calls 8
audio_player aubridge,sink
audio_source ausine,{tone}
audio_alert ausine,{tone}
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 2
audio_buffer 20-160
rtp_ports 20000-20999
rtcp_mux no
jitter_buffer_delay 1-10
rtp_stats yes
net_interface {host}
module_path {modules}
{codecs}
module ausine.so
module aubridge.so
module aufile.so
module sndfile.so
module srtp.so
snd_path {folder}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app debug_cmd.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:4444
ringback_disabled yes
statmode_default off
redial_attempts 0
"""


class Phone:
    """One baresip. Use as an async context manager; it is registered (or has failed to) when the block begins."""

    def __init__(
        self,
        folder: Path,
        *,
        user: str,
        password: str,
        registrar: str,
        tone: int,
        transport: str = "udp",
        auto_answer: bool = False,
        codecs: str = "opus g722 g711",
        extra: str = "",
        register: bool = True,
    ) -> None:
        self.host = f"{own_network()}.{next(_hosts)}"
        self.user, self.password, self.registrar, self.transport = user, password, registrar, transport
        self.tone, self.auto_answer, self.codecs, self.extra, self.register = tone, auto_answer, codecs, extra, register
        self.folder = folder / f"{user}-{self.host}"
        self.events: list[dict[str, Any]] = []
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Phone:
        self.folder.mkdir(parents=True)
        modules = "\n".join(f"module {c}.so" for c in self.codecs.split())
        (self.folder / "config").write_text(
            CONFIG.format(host=self.host, tone=self.tone, modules=MODULES, codecs=modules, folder=self.folder)
        )
        (self.folder / "accounts").write_text(
            f"<sip:{self.user}@{self.registrar};transport={self.transport}>;auth_user={self.user};auth_pass={self.password}"
            f';outbound="sip:{self.registrar};transport={self.transport}";regint={60 if self.register else 0}'
            f"{';answermode=auto' if self.auto_answer else ''}{self.extra}\n"
        )
        (self.folder / "contacts").write_text("")
        log = (self.folder / "log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            "baresip",
            "-f",
            str(self.folder),
            "-v",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        for _ in range(100):
            try:
                self._reader, self._writer = await asyncio.open_connection(self.host, 4444)
                break
            except OSError:
                await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"baresip did not start: {self.log[-800:]}")
        self._pump = asyncio.create_task(self._read())
        if self.register:
            try:
                await self._registered()
            except AssertionError:
                await self.__aexit__()
                raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._pump.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        if self._process.returncode is None:
            self._process.kill()  # asked politely it takes 1-3 s to unregister, and nobody here minds
            await self._process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    async def _registered(self) -> None:
        for _ in range(120):
            if "200 OK" in self.log or any(e.get("type") in ("REGISTER_OK", "REGISTER_FAIL") for e in self.events):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.user} could not register: {self.log[-800:]}")

    async def _read(self) -> None:
        while True:
            try:
                size = await self._reader.readuntil(b":")
                message = json.loads(await self._reader.readexactly(int(size[:-1])))
                await self._reader.readexactly(1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if message.get("response"):
                self._replies.put_nowait(message)
            else:
                self.events.append(message)
                self._changed.set()

    async def command(self, command: str, params: str = "") -> str:
        """Run one of baresip's commands and return its answer's text."""
        body = json.dumps({"command": command, "token": "t"} | ({"params": params} if params else {})).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        reply = await asyncio.wait_for(self._replies.get(), 5)
        assert reply["ok"], reply
        return str(reply.get("data", ""))

    async def wait_for(self, kind: str, seconds: float = 6, param: str = "") -> dict[str, Any]:
        """The first event of that type (e.g. CALL_ESTABLISHED, CALL_CLOSED, CALL_INCOMING, CALL_DTMF_START)."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            for event in self.events:
                if event.get("type") == kind and param in event.get("param", ""):
                    return event
            self._changed.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left, 0.001))
            except TimeoutError:
                raise AssertionError(f"{self.user}: no {kind} {param} in {seconds} s; had {self.kinds}") from None

    @property
    def kinds(self) -> list[str]:
        return [str(e.get("type")) for e in self.events if e.get("type") not in ("CALL_RTCP", "VU_RX", "VU_TX")]

    async def dial(self, number: str) -> None:
        await self.command("dial", f"sip:{number}@{self.registrar}" if "@" not in number else f"sip:{number}")

    def digits(self) -> list[str]:
        """DTMF keys that began, in order."""
        return [str(e["param"]) for e in self.events if e.get("type") == "CALL_DTMF_START"]

    def recordings(self, direction: str = "dec") -> list[Path]:
        """Recordings of what was heard ("dec") or sent ("enc"), one a call, in order."""
        return sorted(self.folder.glob(f"dump-*-{direction}.wav"))

    def heard(self) -> tuple[np.ndarray, int]:
        """int16 samples and rate of what the phone heard in its last call."""
        return read_wav(self.recordings()[-1])

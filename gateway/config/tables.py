"""Everything an operator can set, with its default: the shape of tandem.toml and of the TANDEM_ environment.

One strict model per table: an unknown key is an error. `file` reads a file into `Config` and explains what is
wrong; `check` finds what is wrong between tables. `tandem.example.toml` shows every key (a test keeps it
complete).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.types import (
    Codec,
    Digest,
    Host,
    Network,
    Pattern,
    PortRange,
    SipUri,
    StunUrl,
    Subsystem,
    TargetText,
    Transport,
    TurnUrl,
)

Seconds = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
Level = Literal["debug", "info", "warning", "error"]


class Strict(BaseModel):
    """Base of every table: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ServerTable(Strict):
    """[server]: the page, its WebSocket, /healthz and /metrics."""

    host: Host = "127.0.0.1"
    port: Port = 8080
    tls_cert: str = ""
    tls_key: str = ""
    public_url: str = ""
    secret: SecretStr = SecretStr("")
    token_ttl: Seconds = 300.0
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    metrics_from: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")
    drain: Seconds = 0.0


class BrowserTable(Strict):
    """[browser]: the conversation with pages."""

    heartbeat: Annotated[float, Field(gt=0)] = 5.0
    dead_after: Annotated[float, Field(gt=0)] = 12.0
    resume_window: Seconds = 30.0
    calls_per_session: Annotated[int, Field(ge=1)] = 8
    sessions_per_user: Annotated[int, Field(ge=1)] = 5
    sessions: Annotated[int, Field(ge=1)] = 2000


class SipTable(Strict):
    """[sip]: phones and PBXs."""

    host: Host = "127.0.0.1"
    port: Port = 5060
    transports: tuple[Transport, ...] = ("udp", "tcp")
    advertised: str = ""
    domains: tuple[str, ...] = ()
    realm: str = "tandem"
    user_agent: str = "Tandem"
    challenge: bool = True
    digest: tuple[Digest, ...] = ("MD5",)
    trusted: tuple[Network, ...] = ()


class MediaTable(Strict):
    """[media]: sound."""

    webrtc_host: Host = "127.0.0.1"
    webrtc_port: Port = 8443
    webrtc_advertised: tuple[str, ...] = ()
    ice: Literal["lite", "full"] = "lite"
    rtp_host: Host = "127.0.0.1"
    rtp_advertised: str = ""
    rtp_ports: PortRange = (20000, 29999)
    codecs: tuple[Codec, ...] = ("OPUS", "G722", "PCMU", "PCMA")
    hold: str = "music"
    stall_after: Annotated[float, Field(gt=0)] = 5.0
    recordings: str = "recordings"


class TurnTable(Strict):
    """[turn]: ICE servers that pages may use."""

    stun: tuple[StunUrl, ...] = ()
    urls: tuple[TurnUrl, ...] = ()
    secret: SecretStr = SecretStr("")
    ttl: Annotated[float, Field(gt=0)] = 43_200.0


class CallsTable(Strict):
    """[calls]: times and limits of calls."""

    ring_timeout: Annotated[float, Field(gt=0)] = 30.0
    setup_timeout: Annotated[float, Field(gt=0)] = 15.0
    media_timeout: Seconds = 30.0
    hold_timeout: Seconds = 1800.0
    max_duration: Annotated[float, Field(gt=0)] = 14_400.0
    max_calls: Annotated[int, Field(ge=1)] = 300
    max_calls_per_user: Annotated[int, Field(ge=1)] = 5
    call_rate: Annotated[float, Field(gt=0)] = 10.0
    forward_limit: Annotated[int, Field(ge=0, le=50)] = 5
    ringback: tuple[Literal["browser", "sip"], ...] = ("browser",)


class LogTable(Strict):
    """[log]"""

    level: Level = "info"
    levels: dict[Subsystem, Level] = {}
    format: Literal["text", "json"] = "text"
    calls: bool = True


class UserTable(Strict):
    """[[users]]: one account for the page and for phones."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
    password: Annotated[SecretStr, Field(min_length=1)]
    extension: Annotated[str, Field(pattern=r"^[0-9*#+]{0,32}$")] = ""
    display: Annotated[str, Field(max_length=128)] = ""


class TrunkTable(Strict):
    """[[trunks]]: another SIP server, called with credentials, and registered at if it wants that."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
    server: SipUri
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+\-]{1,64}$")]
    password: SecretStr
    auth_user: str = ""
    register_: Annotated[bool, Field(alias="register")] = True
    expires: Annotated[int, Field(ge=60)] = 3600


class RejectTable(Strict):
    """`reject` of a route."""

    status: Annotated[int, Field(ge=400, le=699)] = 403
    words: str = "This call is not allowed."


class RouteTable(Strict):
    """[[routes]]: the first whose pattern matches is taken."""

    match: Pattern
    to: tuple[TargetText, ...] = ()
    strategy: Literal["parallel", "sequential"] = "parallel"
    timeout: Seconds = 0.0
    on_busy: TargetText = ""
    on_no_answer: TargetText = ""
    on_unreachable: TargetText = ""
    reject: RejectTable | None = None
    from_trunks: bool = False


class Config(BaseSettings):
    """The whole configuration. The environment (TANDEM_SIP__PORT=5070) stands above the file."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, env_prefix="TANDEM_", env_nested_delimiter="__"
    )

    server: ServerTable = ServerTable()
    browser: BrowserTable = BrowserTable()
    sip: SipTable = SipTable()
    media: MediaTable = MediaTable()
    turn: TurnTable = TurnTable()
    calls: CallsTable = CallsTable()
    log: LogTable = LogTable()
    users: tuple[UserTable, ...] = ()
    trunks: tuple[TrunkTable, ...] = ()
    routes: tuple[RouteTable, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

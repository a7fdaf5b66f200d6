"""What can be wrong although every value is right by itself: names nobody has, two for one, halves alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from gateway.calls.patterns import captured_names
from gateway.calls.router import Target
from gateway.config.tables import Config, RouteTable

Path_ = tuple[str | int, ...]
Finding = tuple[Path_, str]
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - an address to be warned of


def check(config: Config) -> list[Finding]:
    """Every problem between values, each with the path of the value to change."""
    return [
        *_users(config),
        *_trunks(config),
        *_routes(config),
        *_api(config),
        *_addresses(config),
        *_halves(config),
        *_times(config),
    ]


def _users(config: Config) -> Iterator[Finding]:
    yield from _twice("users", "name", [user.name for user in config.users])
    yield from _twice("users", "extension", [user.extension for user in config.users])
    names = {user.name.casefold() for user in config.users}
    for i, user in enumerate(config.users):
        if user.extension.casefold() in names:
            yield ("users", i, "extension"), f'"{user.extension}" is also a user\'s name; choose another'


def _trunks(config: Config) -> Iterator[Finding]:
    yield from _twice("trunks", "name", [trunk.name for trunk in config.trunks])


def _api(config: Config) -> Iterator[Finding]:
    yield from _twice("api_keys", "name", [key.name for key in config.api_keys])
    yield from _twice("api_keys", "hash", [key.hash for key in config.api_keys])
    for i, key in enumerate(config.api_keys):
        if not key.scopes:
            yield ("api_keys", i, "scopes"), 'at least one is needed, such as "calls:read"'
    if (sounds := config.api.sounds) and not Path(sounds).is_dir():
        yield ("api", "sounds"), f"there is no folder {sounds}"


def _twice(table: str, key: str, values: Sequence[str]) -> Iterator[Finding]:
    """What two rows of a table have in common that each needs for its own."""
    seen: dict[str, int] = {}
    for i, value in enumerate(values):
        folded = value.casefold()
        if folded and folded in seen:
            yield (
                (table, i, key),
                f'"{folded}" is also the {key} of {table[:-1]} {seen[folded] + 1}; each needs its own',
            )
        seen.setdefault(folded, i)


def _routes(config: Config) -> Iterator[Finding]:
    names = [user.name for user in config.users]
    known = {name.casefold() for user in config.users for name in (user.name, user.extension)}
    trunks = [trunk.name for trunk in config.trunks]
    for i, route in enumerate(config.routes):
        if bool(route.to) == (route.reject is not None):
            yield (
                ("routes", i, "to"),
                'a route either leads somewhere (to = ["user:alice"]) or refuses (reject = {...})',
            )
        known_names = captured_names(route.match)
        for key, text in _targets(route):
            target = Target.parse(text)
            for name in re.findall(r"\{([^{}]*)\}", text):
                if name not in known_names:
                    yield ("routes", i, key), f"{{{name}}} stands for nothing: {_braces(known_names)}"
            if target.kind == "trunk" and (name := target.value.partition("/")[0]) not in trunks:
                yield ("routes", i, key), f'there is no trunk "{name}"{_perhaps(name, trunks, "trunks")}'
            if target.kind == "user" and "{" not in target.value and target.value.casefold() not in known:
                yield ("routes", i, key), f'there is no user "{target.value}"{_perhaps(target.value, names, "users")}'


def _braces(names: frozenset[str]) -> str:
    return f"this match gives {' and '.join(f'{{{name}}}' for name in sorted(names))}"


def _targets(route: RouteTable) -> Iterator[tuple[str, str]]:
    yield from (("to", text) for text in route.to)
    for key in ("on_busy", "on_no_answer", "on_unreachable"):
        if text := getattr(route, key):
            yield key, text


def _perhaps(word: str, words: Sequence[str], table: str) -> str:
    near = get_close_matches(word, words, 1)
    return f'; did you mean "{near[0]}"?' if near else f"; add it under [[{table}]]"


def _addresses(config: Config) -> Iterator[Finding]:
    """Who listens on every address cannot know which of them others reach it by."""
    media, sip = config.media, config.sip
    example = 'write the address that others reach this machine by, like "203.0.113.7"'
    if sip.host in EVERYWHERE and not sip.advertised:
        yield ("sip", "advertised"), f"needed since host is {sip.host}: {example}"
    if media.rtp_host in EVERYWHERE and not media.rtp_advertised:
        yield ("media", "rtp_advertised"), f"needed since rtp_host is {media.rtp_host}: {example}"
    if media.webrtc_host in EVERYWHERE and not media.webrtc_advertised and media.ice == "lite":
        yield ("media", "webrtc_advertised"), f"needed since webrtc_host is {media.webrtc_host}: {example}, in a list"


def _halves(config: Config) -> Iterator[Finding]:
    server, turn = config.server, config.turn
    for have, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if getattr(server, have) and not getattr(server, other):
            yield ("server", other), f"{have} is set, {other} is not; TLS needs both"
    for key in ("tls_cert", "tls_key"):
        if (name := getattr(server, key)) and not Path(name).is_file():
            yield ("server", key), f"there is no file {name}"
    secret = server.secret.get_secret_value()
    if secret and len(secret) < 32:
        yield ("server", "secret"), "32 characters or more are needed; make one with: openssl rand -hex 32"
    if turn.urls and not turn.secret.get_secret_value():
        yield ("turn", "secret"), "needed since urls are set: the static-auth-secret of coturn"
    for table, key in (("sip", "transports"), ("sip", "digest"), ("media", "codecs")):
        if not getattr(getattr(config, table), key):
            yield (table, key), "at least one is needed"
    hold = config.media.hold
    if hold not in ("music", "silence") and not Path(hold).is_file():
        yield ("media", "hold"), f'"music", "silence" or a WAV or MP3 file; there is no file {hold}'


def _times(config: Config) -> Iterator[Finding]:
    if config.browser.dead_after <= config.browser.heartbeat:
        yield ("browser", "dead_after"), "must be longer than heartbeat, else living pages are cut off"
    if 0 < config.calls.media_timeout < config.media.stall_after:
        yield ("calls", "media_timeout"), "must not be shorter than stall_after in [media]; 0 is never"

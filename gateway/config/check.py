"""What can be wrong although every value is right by itself: names nobody has, two for one, halves alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from gateway.calls.patterns import ANY, captured_names
from gateway.calls.router import Target
from gateway.calls.routing.conditions import OWN
from gateway.config.tables import Config, RouteTable, TrunkTable

Path_ = tuple[str | int, ...]
Finding = tuple[Path_, str]
_BRACES = re.compile(r"\{([^{}]*)\}")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - an address to be warned of


def check(config: Config) -> list[Finding]:
    """Every problem between values, each with the path of the value to change."""
    return [
        *_users(config),
        *_trunks(config),
        *_groups(config),
        *_routes(config),
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
    for i, trunk in enumerate(config.trunks):
        if trunk.name == OWN:
            yield ("trunks", i, "name"), f'"{OWN}" means no trunk in routes; choose another'
        for key, words in _trunk(config, trunk):
            yield ("trunks", i, key), words


def _trunk(config: Config, trunk: TrunkTable) -> Iterator[tuple[str, str]]:
    password = trunk.password.get_secret_value()
    if not trunk.targets:
        yield "server", 'needed: where it is, like "sip:pbx.example.com"'
    if len(set(trunk.targets)) < len(trunk.targets):
        yield "servers", "the same server twice"
    if trunk.register_ and not trunk.user:
        yield "user", "needed to register; a peer that knows us by our address: register = false"
    elif trunk.register_ and not password:
        yield "password", "needed to register; a peer that knows us by our address: register = false"
    elif password and not (trunk.user or trunk.auth_user):
        yield "user", "needed since a password is set: whose is it?"
    if trunk.transport and trunk.transport not in config.sip.transports:
        yield "transport", f'"{trunk.transport}" is not among the transports in [sip]'
    if trunk.transport and any(";transport=" in server for server in trunk.targets):
        yield "transport", "the server says its own transport; take one of both out"
    if not trunk.caller_from:
        yield "caller_from", 'at least one of "pai", "rpid", "from" is needed'
    for key in ("called_out", "called_in", "caller_out", "caller_in"):
        for rule in getattr(trunk, key):
            captured = captured_names(rule.match)
            for name in _BRACES.findall(rule.to):
                if name not in captured:
                    yield key, f"{{{name}}} stands for nothing: {_braces(captured)}"


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


def _groups(config: Config) -> Iterator[Finding]:
    yield from _twice("groups", "name", [group.name for group in config.groups])
    known = _Known(config)
    for i, group in enumerate(config.groups):
        for text in group.members:
            if words := known.unknown(text, frozenset({"number"})):
                yield ("groups", i, "members"), words
            elif text.startswith("trunk:") and "/" not in text:
                yield ("groups", i, "members"), f'"{text}" says no number; write {text}/NUMBER'


def _routes(config: Config) -> Iterator[Finding]:
    known = _Known(config)
    for i, route in enumerate(config.routes):
        if route.webhook and route.reject is not None:
            yield ("routes", i, "webhook"), "a route that refuses asks nobody; take out reject or webhook"
        elif route.webhook:
            pass  # who is asked decides; `to` is for when there is no answer
        elif bool(route.to) == (route.reject is not None):
            yield (
                ("routes", i, "to"),
                'a route either leads somewhere (to = ["user:alice"]) or refuses (reject = {...})',
            )
        if not (route.match != ANY or "match" in route.model_fields_set or _conditions(route)):
            yield ("routes", i, "match"), f'a route without any condition takes every call; write match = "{ANY}" if so'
        captured = captured_names(route.match)
        for key, text in _targets(route):
            if words := known.unknown(text, captured):
                yield ("routes", i, key), words
        for name in route.trunk:
            if name != OWN and (words := known.trunk(name)):
                yield ("routes", i, "trunk"), f'{words}; "{OWN}" is a call that came in by none'
        for pattern in route.from_:
            if pattern.startswith("user:") and (words := known.user(pattern.removeprefix("user:"))):
                yield ("routes", i, "from"), words


def _conditions(route: RouteTable) -> tuple[object, ...]:
    return tuple(each for each in (route.from_, route.trunk, route.source, route.hours) if each)


class _Known:
    """Names that targets may mention."""

    def __init__(self, config: Config) -> None:
        self._users = [user.name for user in config.users]
        self._names = {name.casefold() for user in config.users for name in (user.name, user.extension)}
        self._trunks = [trunk.name for trunk in config.trunks]
        self._groups = [group.name for group in config.groups]

    def unknown(self, text: str, captured: frozenset[str]) -> str:
        """What in this target stands for nothing; empty where all is known."""
        for name in _BRACES.findall(text):
            if name not in captured:
                return f"{{{name}}} stands for nothing: {_braces(captured)}"
        target = Target.parse(text)
        if target.kind == "trunk":
            return self.trunk(target.value.partition("/")[0])
        if "{" in target.value:
            return ""
        if target.kind == "group":
            return self.group(target.value)
        return self.user(target.value) if target.kind == "user" else ""

    def trunk(self, name: str) -> str:
        return _missing("trunk", name, self._trunks)

    def group(self, name: str) -> str:
        return _missing("group", name, self._groups)

    def user(self, name: str) -> str:
        return "" if name.casefold() in self._names else _missing("user", name, self._users)


def _missing(what: str, name: str, names: Sequence[str]) -> str:
    """Nothing if it is among them, whatever its case."""
    known = name.casefold() in {each.casefold() for each in names}
    return "" if known else f'there is no {what} "{name}"{_perhaps(name, names, f"{what}s")}'


def warnings(config: Config) -> list[Finding]:
    """What works, but hardly as it is meant: a route that an earlier one leaves nothing for."""
    found: list[Finding] = []
    for i, route in enumerate(config.routes):
        for j, earlier in enumerate(config.routes[:i]):
            if not _conditions(earlier) and earlier.match in (ANY, route.match):
                words = f'never taken: route number {j + 1} (match = "{earlier.match}") stands before it'
                found.append((("routes", i, "match"), words))
                break
    return found


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

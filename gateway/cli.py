"""The command line: `tandem serve`, `tandem demo`, `tandem check-config`, `tandem api-key new`.

Whatever goes wrong ends in one readable line (or one per problem) and an exit code: 0 good, 1 it could not run, 2 it
was asked wrongly or its configuration is not right. A traceback is a bug.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OK, FAILED, MISUSED = 0, 1, 2
DEFAULT_FILE = Path("tandem.toml")

HELP = """\
Tandem joins browsers and phones: a WebRTC-to-SIP gateway in one process.

  tandem demo                          try it now: no configuration, no other server
  tandem demo --lan                    the same for the phones and browsers of your network
  tandem check-config                  is tandem.toml right? every mistake, with its line
  tandem serve --config tandem.toml    the gateway
  tandem api-key new --name crm ...    a key for a program that uses the API
"""

NO_CONFIG = """\
There is no configuration: tandem.toml is not in this folder and --config was not given.

  To just try it:        tandem demo
  To set up a gateway:   copy tandem.example.toml to tandem.toml, put your users into it, then
                         tandem check-config
                         tandem serve
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return OK
    except BrokenPipeError:  # `tandem ... | head`
        return OK


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="tandem", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"tandem {tandem_version()}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = _command(commands, "serve", "run the gateway", _serve)
    _config_option(serve)

    demo = _command(commands, "demo", "a whole telephone system on this machine, for trying out", _demo)
    demo.add_argument("--lan", action="store_true", help="for the local network, with a self-signed certificate")
    demo.add_argument("--port", type=_port, default=8080, help="of the page (default 8080; taken: the next free one)")
    demo.add_argument(
        "--sip-port", type=_port, default=5060, help="for phones (default 5060; taken: the next free one)"
    )
    demo.add_argument("--media-port", type=_port, default=8443, help="for browsers' sound, UDP (default 8443)")
    demo.add_argument(
        "--rtp-ports", type=_ports, metavar="FROM-TO", help="for phones' sound, UDP (default 20000-29999)"
    )
    demo.add_argument("--verbose", "-v", action="store_true", help="log what happens")

    check = _command(commands, "check-config", "say everything that is wrong with the configuration", _check)
    _config_option(check)
    _api_key_commands(commands)
    return top


def _api_key_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("api-key", help="make keys for programs that use the API")
    new = _command(
        keys.add_subparsers(title="commands", metavar="COMMAND", required=True),
        "new",
        "print a new key once, and the table for tandem.toml that knows it",
        _new_api_key,
    )
    new.add_argument("--name", required=True, help="of the program, such as crm")
    new.add_argument("--scope", required=True, action="append", metavar="SCOPE", help="what it may; can be repeated")
    new.add_argument("--rate", type=float, default=20.0, metavar="N", help="requests a second (default 20)")


def tandem_version() -> str:
    try:
        return version("tandem-gateway")
    except PackageNotFoundError:
        return "(not installed)"


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
    run: object,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    command.set_defaults(run=run)
    return command


def _config_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", "-c", type=Path, metavar="FILE", help="the configuration (default: tandem.toml in this folder)"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f'"{text}" is no port; write a number from 1 to 65535')
    return int(text)


def _ports(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash or not first.isdecimal() or not last.isdecimal() or not 0 < int(first) + 3 <= int(last) <= 65535:
        raise argparse.ArgumentTypeError(f'"{text}" is no range of four ports or more; write it like 20000-29999')
    return int(first), int(last)


def _config_path(arguments: argparse.Namespace) -> Path | None:
    if arguments.config is None and not DEFAULT_FILE.exists():
        print(NO_CONFIG, end="", file=sys.stderr)
        return None
    return Path(arguments.config or DEFAULT_FILE)


# Imports stand in the commands: --help and mistakes answer at once, without loading codecs and servers.


def _check(arguments: argparse.Namespace) -> int:
    from gateway.config.file import ConfigError, load

    if (path := _config_path(arguments)) is None:
        return MISUSED
    try:
        config = load(path)
    except ConfigError as error:
        return _explain(error.problems)
    print(f"{path} is good: {_count(len(config.users), 'user')}, {_count(len(config.routes), 'route')}.")
    return OK


def _serve(arguments: argparse.Namespace) -> int:
    from gateway.config.file import ConfigError, load

    if (path := _config_path(arguments)) is None:
        return MISUSED
    try:
        config = load(path)
    except ConfigError as error:
        return _explain(error.problems)
    from gateway.app import CannotStart, serve

    try:
        serve(config)
    except CannotStart as error:
        return _fail(error)
    return OK


def _demo(arguments: argparse.Namespace) -> int:
    from gateway.app import CannotStart
    from gateway.demo.run import DemoOptions, demo

    options = DemoOptions(
        lan=arguments.lan,
        port=arguments.port,
        sip_port=arguments.sip_port,
        media_port=arguments.media_port,
        rtp_ports=arguments.rtp_ports,
        verbose=arguments.verbose,
    )
    try:
        demo(options)
    except CannotStart as error:
        return _fail(error)
    return OK


def _new_api_key(arguments: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from gateway.api.rest.keys import new_key, table
    from gateway.config.tables import ApiKeyTable

    key, hash_ = new_key()
    scopes = tuple(dict.fromkeys(arguments.scope))
    try:
        ApiKeyTable(name=arguments.name, hash=hash_, scopes=scopes, rate=arguments.rate)
    except ValidationError as error:
        for detail in error.errors():
            words = detail["msg"].removeprefix("Value error, ").replace("Input should be", "write a number")
            if detail["type"] == "string_pattern_mismatch":
                words = "write 1 to 64 letters, digits or _ . -"
            print(f"tandem: --{str(detail['loc'][0]).removesuffix('s')}: {words}", file=sys.stderr)
        return MISUSED
    print(f"The key, shown only now:\n\n  {key}\n\nPut this into tandem.toml and restart:\n", file=sys.stderr)
    sys.stderr.flush()
    print(table(arguments.name, hash_, scopes, arguments.rate), end="")
    return OK


def _explain(problems: Sequence[object]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"\n{_count(len(problems), 'problem')}. Nothing was started.", file=sys.stderr)
    return MISUSED


def _fail(error: Exception) -> int:
    print(f"tandem: {error}", file=sys.stderr)
    return FAILED


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"

"""The configuration explains itself."""
# ruff: noqa: E501 - a mistake and its explanation stand side by side

import tomllib
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.config.file import ConfigError, _inner, load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tandem.example.toml"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    import os

    for name in [n for n in os.environ if n.startswith("TANDEM_")]:
        monkeypatch.delenv(name)


def keys_of_model(model, prefix="") -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        name = field.alias or name
        keys |= keys_of_model(inner, f"{prefix}{name}.") if inner else {prefix + name}
    return keys


def keys_of_data(data, prefix="") -> set[str]:
    keys = set()
    for name, value in data.items():
        for item in value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]:
            keys |= keys_of_data(item, f"{prefix}{name}.") if isinstance(item, dict) and item else {prefix + name}
    return keys


def test_the_example_shows_every_key_and_no_other():
    assert keys_of_data(tomllib.loads(EXAMPLE.read_text())) == keys_of_model(Config)


def test_the_example_is_valid_and_shows_the_defaults():
    config, default = load(EXAMPLE), Config()
    for table in ("server", "browser", "sip", "media", "turn", "calls", "log"):
        assert getattr(config, table) == getattr(default, table), table


def test_every_key_is_in_the_documentation():
    text = (ROOT / "docs" / "configuration.md").read_text()
    missing = [key for key in keys_of_model(Config) if f"`{key.rsplit('.', 1)[-1]}`" not in text]
    assert not missing


def problems(tmp_path, text: str) -> list[str]:
    path = tmp_path / "tandem.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    return [str(p).removeprefix(str(tmp_path) + "/") for p in error.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[sip]\nprot = 1", 'tandem.toml:2: unknown key "prot" in [sip]; did you mean "port"?'),
        ("[spi]\nport = 1", 'tandem.toml:1: unknown table or key "spi"; did you mean [sip]?'),
        ("[sip]\nice = 'lite'", 'tandem.toml:2: unknown key "ice" in [sip]; "ice" belongs into [media]'),
        ("port = 1", 'tandem.toml:1: unknown table or key "port"; "port" belongs into [server] or [sip]'),
        ("[sip]\n\nport = 'x'", "tandem.toml:3: port in [sip]: expected a valid integer, unable to parse string as an integer, found 'x'"),
        ("[sip]\nport = 70000", "tandem.toml:2: port in [sip]: expected less than or equal to 65535, found 70000"),
        ("[media]\nice = 'some'", "tandem.toml:2: ice in [media]: expected 'lite' or 'full', found 'some'"),
        ("[media]\ncodecs = ['G729']", 'tandem.toml:2: codecs in [media]: "G729" is no codec we speak; choose from OPUS, G722, PCMU, PCMA'),
        ("[log]\nlevels = { sip = 'debug' }", """tandem.toml:2: sip in [log]: "sip" writes no log; write one like "signaling.sip", beginning with signaling, media, gateway, tandem, aiohttp, aioice, aiortc, asyncio, sqlalchemy"""),
        ("[log]\nlevels = { signaling = 'loud' }", "tandem.toml:2: signaling in [log]: expected 'debug', 'info', 'warning' or 'error', found 'loud'"),
        ("[log]\nformat = 'xml'", "tandem.toml:2: format in [log]: expected 'text' or 'json', found 'xml'"),
        ("[server]\ndrain = -1", "tandem.toml:2: drain in [server]: expected greater than or equal to 0, found -1"),
        ("[media]\nrtp_ports = [5, 4]", "tandem.toml:2: rtp_ports in [media]: 5-4 is no range of ports; write it like [20000, 29999]"),
        ("[[users]]\nname='a'\npassword='b'\n[[users]]\nname='c'", "tandem.toml:4: password is missing in [[users]] number 2"),
        ("[[users]]\nname='a'\npassword='b'\nextention='1'", 'tandem.toml:4: unknown key "extention" in [[users]] number 1; did you mean "extension"?'),
        ("[[routes]]\nmatch='re:('\nto=['app:echo']", 'tandem.toml:2: match in [[routes]] number 1: "re:(" is not a regular expression: missing ), unterminated subpattern at position 0'),
        ("[[routes]]\nmatch='1'\nto=['app:ecko']", 'tandem.toml:3: to in [[routes]] number 1: there is no app "ecko"; choose from echo, tones, music, record, park, conference'),
        ("[[routes]]\nmatch='1'\nto=['user:bob']", 'tandem.toml:3: to in [[routes]] number 1: there is no user "bob"; add it under [[users]]'),
        ("[[routes]]\nmatch='1'", 'tandem.toml:1: to in [[routes]] number 1: a route either leads somewhere (to = ["user:alice"]) or refuses (reject = {...})'),
        ("[[routes]]\nmatch='1'\nto=['trunk:pbx']", 'tandem.toml:3: to in [[routes]] number 1: there is no trunk "pbx"; add it under [[trunks]]'),
        ("[[trunks]]\nname='x'\nserver='pbx'\nuser='1'\npassword='p'", 'tandem.toml:3: server in [[trunks]] number 1: "pbx" is no server; write one like "sip:pbx.example.com" or "sip:192.0.2.1:5080;transport=tcp"'),
        ("[sip]\nhost = '0.0.0.0'", 'tandem.toml:1: advertised in [sip]: needed since host is 0.0.0.0: write the address that others reach this machine by, like "203.0.113.7"'),
        ("[server]\nsecret = 'short'", "tandem.toml:2: secret in [server]: 32 characters or more are needed; make one with: openssl rand -hex 32"),
        ("[sip]\ntransports = []", "tandem.toml:2: transports in [sip]: at least one is needed"),
        ("[turn]\nurls = ['turn:x']", "tandem.toml:1: secret in [turn]: needed since urls are set: the static-auth-secret of coturn"),
        ("[turn]\nurls = ['turn.example.com']\nsecret='x'", 'tandem.toml:2: urls in [turn]: "turn.example.com" is no such address; write one like "turn:turn.example.com:3478?transport=udp"'),
        ("[[users]]\nname='a'\npassword='b'\n[[routes]]\nmatch='re:^0(?P<n>.*)'\nto=['sip:{nr}@x.test']", "tandem.toml:6: to in [[routes]] number 1: {nr} stands for nothing: this match gives {1} and {n} and {number}"),
        ("[calls]\nmedia_timeout = 3", "tandem.toml:2: media_timeout in [calls]: must not be shorter than stall_after in [media]; 0 is never"),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, text, expected):
    assert problems(tmp_path, text) == [expected]


def test_all_mistakes_at_once(tmp_path):
    found = problems(tmp_path, "[sip]\nprot = 1\nport = 'x'\n[nonsense]\n[media]\nice = 1\n")
    assert len(found) == 4


def test_two_users_of_one_name_or_extension(tmp_path):
    text = "[[users]]\nname='a'\npassword='x'\nextension='1'\n[[users]]\nname='A'\npassword='x'\nextension='1'\n"
    assert problems(tmp_path, text) == [
        'tandem.toml:6: name in [[users]] number 2: "a" is also the name of user 1; each needs its own',
        'tandem.toml:8: extension in [[users]] number 2: "1" is also the extension of user 1; each needs its own',
    ]


def test_two_trunks_of_one_name(tmp_path):
    trunk = "[[trunks]]\nname='{}'\nserver='sip:pbx.test'\nuser='1'\npassword='p'\n"
    assert problems(tmp_path, trunk.format("office") + trunk.format("Office")) == [
        'tandem.toml:7: name in [[trunks]] number 2: "office" is also the name of trunk 1; each needs its own'
    ]


def test_not_toml(tmp_path):
    (found,) = problems(tmp_path, "[sip\nport")
    assert found.startswith("tandem.toml: not TOML: ")
    assert "line 1" in found


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file. Copy tandem.example.toml"):
        load(tmp_path / "nothing.toml")


def test_the_environment_stands_above_the_file(tmp_path, monkeypatch):
    path = tmp_path / "t.toml"
    path.write_text("[sip]\nport = 1000\nrealm = 'x'\n")
    monkeypatch.setenv("TANDEM_SIP__PORT", "2000")
    monkeypatch.setenv("TANDEM_MEDIA__RTP_PORTS", "[3000, 3100]")
    config = load(path)
    assert (config.sip.port, config.sip.realm, config.media.rtp_ports) == (2000, "x", (3000, 3100))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TANDEM_SIP__PROT", "1", "environment variable TANDEM_SIP__PROT: sets nothing; did you mean TANDEM_SIP__PORT?"),
        ("TANDEM_SPI__PORT", "1", "environment variable TANDEM_SPI__PORT: sets nothing; did you mean TANDEM_SIP__PORT?"),
        ("TANDEM_SIP__PORT", "x", "environment variable TANDEM_SIP__PORT: port in [sip]: expected a valid integer, unable to parse string as an integer, found 'x'"),
    ],
)  # fmt: skip
def test_a_wrong_variable(monkeypatch, name, value, expected):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as error:
        load(None)
    assert expected in [str(p) for p in error.value.problems]


def test_secrets_are_not_shown(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text("[[users]]\nname='a'\npassword='hunter2'\n")
    assert "hunter2" not in repr(load(path))
    path.write_text("[[users]]\nname='a!'\npassword=['hunter2']\n")
    with pytest.raises(ConfigError) as error:
        load(path)
    assert "hunter2" not in str(error.value)

"""What operators are given: it parses, names what exists, and its parts agree with each other and with the program."""

from __future__ import annotations

import configparser
import ipaddress
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway.config.tables import Config
from tests.gateway.test_config import keys_of_model
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE

ROOT = Path(__file__).resolve().parent.parent
COMPOSE, DOCKERFILE, UNIT = ROOT / "docker-compose.yml", ROOT / "Dockerfile", ROOT / "deploy" / "tandem.service"
TURN = ROOT / "coturn" / "turnserver.conf"
LATER = {"TANDEM_RECORDS__URL"}
"""Keys of tables that the environment's example mentions in a comment."""


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bTANDEM_[A-Z_]+", text))


def known_variables() -> set[str]:
    return {f"TANDEM_{key.replace('.', '__').upper()}" for key in keys_of_model(Config)}


@pytest.mark.parametrize("path", [COMPOSE, DOCKERFILE, UNIT, ROOT / "deploy" / "healthcheck.py"], ids=lambda p: p.name)
def test_variables_that_are_set_exist(path):
    assert variables(path.read_text()) <= known_variables() | {"TANDEM_TABLE__KEY"}


# ---------------------------------------------------------------- compose


SERVICE_KEYS = {
    *("build", "image", "container_name", "command", "entrypoint", "environment", "env_file", "volumes", "ports"),
    *("profiles", "restart", "network_mode", "networks", "security_opt", "cap_drop", "cap_add", "logging", "read_only"),
    *("tmpfs", "ulimits", "stop_grace_period", "stop_signal", "healthcheck", "depends_on", "user", "init"),
}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text())


def has_compose() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="NO DOCKER COMPOSE: docker-compose.yml is checked by shape only")
@pytest.mark.parametrize("profile", ["", "postgres", "monitoring"])
def test_docker_compose_accepts_it(tmp_path, profile):
    shutil.copy(COMPOSE, tmp_path)
    (tmp_path / ".env").write_text("TURN_SECRET=x\nTURN_HOST=turn.example.com\n")
    command = ["docker", "compose", *(["--profile", profile] if profile else []), "config", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    has_compose() or not shutil.which("docker"), reason="docker compose is asked itself, or no client is"
)
def test_dockers_own_schema_accepts_it(tmp_path, compose):
    """Without the compose plugin, by the client's older loader, which knows everything but profiles."""
    older = {key: value for key, value in compose.items() if key != "name"}
    older["services"] = {
        name: {key: value for key, value in service.items() if key != "profiles"}
        for name, service in compose["services"].items()
    }
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump(older))
    shutil.copy(ROOT / "deploy" / "env.example", tmp_path / ".env")
    env = os.environ | {"TURN_SECRET": "x", "TURN_HOST": "turn.example.com", "DOCKER_CONFIG": str(tmp_path)}
    command = ["docker", "stack", "config", "-c", "docker-compose.yml"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "turn:turn.example.com:3478?transport=udp" in done.stdout


def test_the_compose_file_has_the_shape_of_one(compose):
    assert {key for key in compose if not key.startswith("x-")} <= {"name", "services", "volumes", "networks"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service or "build" in service
        assert all(isinstance(v, str) for v in service.get("environment", {}).values()), f"{name}: quote numbers"
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists() or source == "./tandem.toml", source
            else:
                assert source in compose["volumes"], source
    assert {name for name, s in compose["services"].items() if "profiles" not in s} == {"tandem", "coturn"}
    assert {p for s in compose["services"].values() for p in s.get("profiles", ())} == {"postgres", "monitoring"}


def test_every_variable_of_the_compose_file_is_in_the_example(compose):
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    example = (ROOT / "deploy" / "env.example").read_text()
    assert used <= set(re.findall(r"^#?(\w+)=", example, re.MULTILINE))
    for name in ("TURN_SECRET", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD"):
        assert re.search(rf"^#?{name}=$", example, re.MULTILINE), f"{name} has no value of ours"
    assert variables(example) <= known_variables() | LATER | {"TANDEM_TABLE__KEY"}


def test_the_containers_may_do_little(compose):
    services = compose["services"]
    for name in ("tandem", "coturn"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s.get("ports", ()))


def test_docker_waits_longer_than_the_drain(compose):
    tandem = compose["services"]["tandem"]
    assert int(tandem["stop_grace_period"].removesuffix("s")) >= int(tandem["environment"]["TANDEM_SERVER__DRAIN"]) + 10


def test_the_urls_in_the_compose_file_are_urls(compose):
    text = compose["services"]["tandem"]["environment"]["TANDEM_TURN__URLS"]
    urls = json.loads(re.sub(r"\$\{TURN_HOST[^}]*\}", "turn.example.com", text))
    assert Config.model_validate({"turn": {"urls": urls, "secret": "x"}}).turn.urls == tuple(urls)


# ---------------------------------------------------------------- Dockerfile


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def test_the_dockerfile_knows_its_instructions():
    assert {name for name, _ in instructions()} <= {
        *("FROM", "ENV", "WORKDIR", "COPY", "RUN", "VOLUME", "USER"),
        *("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    assert instructions()[0][0] == "FROM"
    for name, rest in instructions():
        if name in ("ENTRYPOINT", "CMD"):
            assert json.loads(rest), "a shell would not hand on signals"


def test_the_image_has_two_stages_and_no_root():
    stages = [rest for name, rest in instructions() if name == "FROM"]
    assert len(stages) == 2
    assert all("slim" in stage for stage in stages)
    last = instructions()[-1 - [name for name, _ in reversed(instructions())].index("FROM") :]
    users = [rest for name, rest in last if name == "USER"]
    assert users
    assert users[-1].split(":")[0].isdigit(), "by number: Kubernetes can see that it is not root"
    assert int(users[-1].split(":")[0]) > 0
    assert [name for name, _ in last].index("USER") > max(i for i, (name, _) in enumerate(last) if name == "RUN")
    assert any(name == "HEALTHCHECK" for name, _ in last)


def test_nothing_is_compiled():
    commands = [c.strip() for name, rest in instructions() if name == "RUN" for c in rest.split("&&")]
    assert not [c for c in commands if re.search(r"\b(apt-get|apt|gcc|make|build-essential)\b", c)]
    for command in commands:
        if " install " in command:
            assert "--only-binary :all:" in command or "--no-deps ." in command, command
        assert shlex.split(command)


def test_what_is_copied_exists_and_is_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source in kept, f"{source} is in .dockerignore"


async def test_the_healthcheck_tells_alive_from_dead(tmp_path):
    def check(port: int) -> int:
        env = {"HEALTH_URL": f"http://127.0.0.1:{port}/healthz"}
        return subprocess.run([sys.executable, str(ROOT / "deploy" / "healthcheck.py")], env=env).returncode

    async with Gateway(tmp_path, config=OFFICE) as gateway:
        assert check(gateway.http) == 0
    assert check(gateway.http) == 1


# ---------------------------------------------------------------- systemd


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Keys of [Service], each with all its values."""
    keys: dict[str, list[str]] = {}
    section = ""
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return keys


def test_systemd_waits_longer_than_the_drain(unit):
    (drain,) = (int(v.partition("=")[2]) for v in unit["Environment"] if v.startswith("TANDEM_SERVER__DRAIN="))
    assert int(unit["TimeoutStopSec"][0]) >= drain + 10
    assert unit["KillSignal"] == ["SIGTERM"]
    assert unit["Restart"] == ["on-failure"]


def test_the_unit_is_hardened(unit):
    wanted = {
        "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "AmbientCapabilities": "", "CapabilityBoundingSet": "", "RestrictSUIDSGID": "yes",
        "LockPersonality": "yes",
    }  # fmt: skip
    assert {key: unit[key][0] for key in wanted} == wanted


def test_the_unit_parses():
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(UNIT.read_text())
    assert parser.sections() == ["Unit", "Service", "Install"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_it(tmp_path):
    copy = tmp_path / "tandem.service"
    copy.write_text(UNIT.read_text().replace("/opt/tandem/bin/tandem", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "tandem" in line]
    assert ours == []


# ---------------------------------------------------------------- monitoring


def documented() -> set[str]:
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    names = set()
    for name, kind in rows:
        names |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


def expressions() -> list[str]:
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/tandem.json").read_text())
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    return [
        *(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())),
        *(rule["expr"] for group in alerts["groups"] for rule in group["rules"]),
    ]


def test_dashboard_and_alerts_ask_for_what_there_is():
    asked = {name for expression in expressions() for name in re.findall(r"\b(?:tandem|process)_\w+", expression)}
    assert asked
    assert asked <= documented()
    for expression in expressions():
        assert expression.count("(") == expression.count(")")


def test_the_dashboard_finds_its_data(compose):
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/tandem.json").read_text())
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    uids = {panel["datasource"]["uid"] for panel in dashboard["panels"] if "datasource" in panel}
    assert uids == {source["uid"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards/tandem.yml").read_text())["providers"]
    targets = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert provider["options"]["path"] in targets
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


# ---------------------------------------------------------------- coturn


def turn_lines() -> list[str]:
    lines = (line.strip() for line in TURN.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def test_the_relay_is_closed():
    lines = turn_lines()
    for needed in ("use-auth-secret", "fingerprint", "no-cli", "no-multicast-peers", "no-tcp-relay", "stale-nonce=600"):
        assert needed in lines
    keys = {line.partition("=")[0] for line in lines}
    assert keys >= {"user-quota", "total-quota", "max-bps", "realm"}
    assert not keys & {
        "static-auth-secret",
        "allow-loopback-peers",
        "allowed-peer-ip",
        "lt-cred-mech",
        "no-auth",
        "user",
    }


DENIED = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
]
PUBLIC = ("8.8.8.8", "9.255.255.255", "100.128.0.0", "172.32.0.1", "193.0.0.1", "2001:4860:4860::8888", "2a00:1450::1")


def ranges() -> list[tuple]:
    found = [line.partition("=")[2].split("-") for line in turn_lines() if line.startswith("denied-peer-ip=")]
    return [(ipaddress.ip_address(low), ipaddress.ip_address(high)) for low, high in found]


@pytest.mark.parametrize("network", DENIED)
def test_no_private_network_is_reached_through_the_relay(network):
    wanted = ipaddress.ip_network(network)
    first, last = wanted.network_address, wanted.broadcast_address
    assert any(low.version == first.version and low <= first and last <= high for low, high in ranges())


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is(address):
    wanted = ipaddress.ip_address(address)
    assert not any(low.version == wanted.version and low <= wanted <= high for low, high in ranges())

"""The command line speaks plainly."""

import pytest

from gateway.cli import main


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_shows_how_to_start(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for word in ("serve", "demo", "check-config", "--lan", "tandem.toml"):
        assert word in text


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("tandem ")


@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_without_a_configuration_it_explains_what_to_do(command, capsys):
    assert main([command]) == 2
    text = capsys.readouterr().err
    assert "tandem demo" in text
    assert "tandem.example.toml" in text


@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_a_wrong_configuration_is_explained(command, empty_folder, capsys):
    (empty_folder / "tandem.toml").write_text("[sip]\nprot = 1\nrealm = 5\n")
    assert main([command]) == 2
    text = capsys.readouterr().err
    assert 'did you mean "port"?' in text
    assert "2 problems." in text
    assert "Traceback" not in text


def test_a_good_configuration(empty_folder, capsys):
    (empty_folder / "good.toml").write_text("[[users]]\nname = 'a'\npassword = 'b'\n")
    assert main(["check-config", "--config", "good.toml"]) == 0
    assert capsys.readouterr().out == "good.toml is good: 1 user, 0 routes.\n"


@pytest.mark.parametrize(
    "arguments",
    [["demo", "--port", "banana"], ["demo", "--port", "99999"], ["demo", "--rtp-ports", "5-4"], ["dance"], []],
)
def test_misuse_is_told_in_words(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: tandem" in capsys.readouterr().err


def test_a_new_key_goes_straight_into_the_configuration(empty_folder, capsys):
    assert main(["api-key", "new", "--name", "crm", "--scope", "calls:read", "--scope", "calls:write"]) == 0
    printed = capsys.readouterr()
    key = next(line.strip() for line in printed.err.splitlines() if line.strip().startswith("tk_"))
    assert key not in printed.out
    (empty_folder / "tandem.toml").write_text(printed.out)
    from gateway.api.rest.keys import hashed
    from gateway.config.file import load

    (row,) = load(empty_folder / "tandem.toml").api_keys
    assert (row.name, row.hash, row.scopes) == ("crm", hashed(key), ("calls:read", "calls:write"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "c m", "--scope", "admin"], "--name: write 1 to 64 letters"),
        (["--name", "crm", "--scope", "call:read"], 'did you mean "calls:read"?'),
        (["--name", "crm", "--scope", "admin", "--rate", "0"], "--rate: write a number greater than 0"),
    ],
)
def test_a_key_that_is_asked_for_wrongly(arguments, words, capsys):
    assert main(["api-key", "new", *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert not printed.out

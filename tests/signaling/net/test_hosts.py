import os

from signaling.net.hosts import Hosts, parse


def test_lines_comments_and_nonsense():
    names = parse("127.0.0.1 localhost box\n# 1.2.3.4 gone\n::1 localhost # six\nnot-an-address name\n\n10.0.0.7\n")
    assert names == {"localhost": ("127.0.0.1", "::1"), "box": ("127.0.0.1",)}


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("192.0.2.1 Phone.Example\n")
    hosts = Hosts(str(path))
    assert hosts.get("phone.example.") == ("192.0.2.1",)
    path.write_text("192.0.2.22 phone.example\n")
    os.utime(path, ns=(1, 1))
    assert hosts.get("PHONE.example") == ("192.0.2.22",)
    path.unlink()
    assert hosts.get("phone.example") == ()


def test_localhost_needs_no_file(tmp_path):
    hosts = Hosts(str(tmp_path / "none"))
    assert hosts.get("localhost") == hosts.get("me.localhost") == ("127.0.0.1", "::1")
    assert hosts.get("localhost.example.com") == ()

import socket

from gateway.ops.notify import notify


def test_systemd_is_told_where_it_asks(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        assert notify("READY=1", "STATUS=good", environ={"NOTIFY_SOCKET": path})
        assert systemd.recv(100) == b"READY=1\nSTATUS=good"


def test_the_abstract_name_space():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("")  # the kernel gives it an abstract name
        name = systemd.getsockname().decode()
        assert notify("READY=1", environ={"NOTIFY_SOCKET": "@" + name[1:]})
        assert systemd.recv(100) == b"READY=1"


def test_nobody_listens(tmp_path):
    assert not notify("READY=1", environ={})
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")})

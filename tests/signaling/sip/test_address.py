from __future__ import annotations

import inspect

from signaling.sip import errors
from signaling.sip.address import Address, Transmit


def test_addresses_read_well_and_know_their_transport():
    assert str(Address("udp", "192.0.2.1", 5060)) == "udp:192.0.2.1:5060"
    assert str(Address("tcp", "2001:db8::1", 5060, 7)) == "tcp:[2001:db8::1]:5060"
    assert Address("tls", "h", 5061).reliable
    assert not Address("udp", "h", 5060).reliable
    assert Transmit(b"x", Address("udp", "h", 1)) == Transmit(b"x", Address("udp", "h", 1))


def test_the_drawn_tree_of_errors_is_the_real_one():
    drawn = {word for line in (errors.__doc__ or "").splitlines() for word in line.split() if word.isidentifier()}
    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, errors.SipError)]
    assert {kind.__name__ for kind in kinds} <= drawn
    assert errors.BadMessage("why", 505).status == 505

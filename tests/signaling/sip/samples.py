"""Messages as real phones and PBXs send them, with a valid and an invalid twin each."""

from __future__ import annotations

INVITE = (
    b"INVITE sip:600@192.0.2.10;transport=udp SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKPj1234\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Alice" <sip:alice@192.0.2.10>;tag=a1\r\n'
    b"To: <sip:600@192.0.2.10>\r\n"
    b"Call-ID: 7f3c@192.0.2.1\r\n"
    b"CSeq: 20711 INVITE\r\n"
    b'Contact: "Alice" <sip:alice@192.0.2.1:5060;ob>;+sip.instance="<urn:uuid:1>"\r\n'
    b"Record-Route: <sip:192.0.2.7;lr>\r\n"
    b"Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO\r\n"
    b"Supported: replaces, 100rel\r\n"
    b"Supported: timer\r\n"
    b"User-Agent: Desk Phone 1.2\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)
RINGING = (
    b"SIP/2.0 180 Ringing\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK77;received=192.0.2.10;rport=5060\r\n"
    b"From: <sip:bob@192.0.2.10>;tag=b2\r\n"
    b"To: <sip:alice@192.0.2.1>;tag=c3\r\n"
    b"Call-ID: 99@192.0.2.10\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:alice@192.0.2.1:5060>\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)
COMPACT = (
    b"REGISTER sip:pbx.example.com SIP/2.0\r\n"
    b"v: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK5\r\n"
    b"f: sip:101@pbx.example.com;tag=9\r\n"
    b"t: sip:101@pbx.example.com\r\n"
    b"i: 5@10.0.0.2\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"m: <sip:101@10.0.0.2;transport=tcp>;expires=60, <sip:101@10.0.0.3>;q=0.5\r\n"
    b"k: path\r\n"
    b"l: 0\r\n"
    b"\r\n"
)
FOLDED = INVITE.replace(b"Max-Forwards: 70\r\n", b"Max-Forwards:\r\n\t 70\r\nSubject: a\r\n  long\r\n\tone\r\n")
LATIN1 = INVITE.replace(b'"Alice" <sip:alice@192.0.2.10>', b'"Andr\xe9" <sip:alice@192.0.2.10>')
LF_ONLY = INVITE.replace(b"\r\n", b"\n").replace(b"Length: 5\n", b"Length: 4\n")
NO_LENGTH = INVITE.replace(b"Content-Length: 5\r\n", b"")
ODD_VIA = INVITE.replace(b"Via: SIP/2.0/UDP 192.0.2.1:5060;rport", b"Via:SIP / 2.0 / udp  192.0.2.1 : 5060 ;  rport")
CHALLENGED = RINGING.replace(b"180 Ringing", b"401 Unauthorized").replace(
    b"Content-Length",
    b'WWW-Authenticate: Digest realm="a", nonce="1", algorithm=SHA-256, qop="auth"\r\n'
    b'WWW-Authenticate: Digest realm="a", nonce="2", algorithm=MD5, qop="auth"\r\nContent-Length',
)
GOOD = {
    "invite": INVITE, "ringing": RINGING, "compact": COMPACT, "folded": FOLDED, "latin1": LATIN1, "lf-only": LF_ONLY,
    "no-length": NO_LENGTH, "odd-via": ODD_VIA, "challenged": CHALLENGED, "leading-crlf": b"\r\n\r\n" + INVITE,
    "tel": INVITE.replace(b"<sip:600@192.0.2.10>", b"<tel:+15551234;phone-context=example.com>"),
    "no-max-forwards": INVITE.replace(b"Max-Forwards: 70\r\n", b""),
    "ipv6": INVITE.replace(b"192.0.2.1:5060", b"[2001:db8::1]:5060"),
}  # fmt: skip
BAD = {
    "empty": b"",
    "keep-alive": b"\r\n\r\n",
    "cut": INVITE[:200],
    "http": INVITE.replace(b"SIP/2.0\r\nVia", b"HTTP/1.1\r\nVia"),
    "no-via": INVITE.replace(b"Via: ", b"Viu: "),
    "no-to": INVITE.replace(b"To: ", b"Tu: "),
    "no-call-id": INVITE.replace(b"Call-ID: ", b"Call-Id-: "),
    "no-colon": INVITE.replace(b"User-Agent: ", b"User-Agent "),
    "two-from": INVITE.replace(b"To:", b"From: <sip:x@y>;tag=1\r\nTo:"),
    "cseq": INVITE.replace(b"20711", b"-1"),
    "cseq-method": INVITE.replace(b"20711 INVITE", b"20711 BYE"),
    "max-forwards": INVITE.replace(b": 70", b": many"),
    "via-host": INVITE.replace(b"192.0.2.1:5060;rport", b";rport"),
    "port": INVITE.replace(b"192.0.2.1:5060", b"192.0.2.1:99999"),
    "route": INVITE.replace(b"<sip:192.0.2.7;lr>", b"<sip:192.0.2.7;lr"),
    "contact": INVITE.replace(b"<sip:alice@192.0.2.1", b"<alice"),
    "name-with-space": INVITE.replace(b"User-Agent:", b"User Agent:"),
    "header-bomb": INVITE.replace(b"User-Agent", b"X: y\r\n" * 300 + b"U"),
    "long-line": INVITE.replace(b"Desk", b"x" * 9000),
    "big-head": INVITE.replace(b"User-Agent", b"X: y" + b"z" * 8000 + b"\r\nX" * 9 + b"U"),
    "status": RINGING.replace(b"180", b"42"),
    "digits": INVITE.replace(b"20711", "٢٠٧".encode()),
}

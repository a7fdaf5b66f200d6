from __future__ import annotations

import itertools

import pytest

from signaling.sip.auth import Credentials, DigestClient, DigestServer
from signaling.sip.digest import ALGORITHMS, Proof, parse_challenges, parse_fields
from signaling.sip.headers import Headers
from signaling.sip.message import Request, Response
from signaling.sip.uri import Uri

PASSWORDS = {"alice": "wonder", "josé": "señal"}


def counter():
    count = itertools.count(1)
    return lambda digits: f"{next(count):0{digits}x}"


def request(method="INVITE", cseq=1):
    return Request(method, Uri.parse("sip:600@h"), Headers([("Call-ID", "1"), ("CSeq", f"{cseq} {method}")]))


def challenged(values, status=401):
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "", Headers([(name, value) for value in values]))


def client(username="alice", password="wonder", realm=None):
    return DigestClient(Credentials(username, password, realm), counter())


BOTH = ("SHA-256", "MD5")


def server(algorithms=BOTH, **options):
    return DigestServer("tandem", "secret", algorithms, **options)


def test_the_example_of_rfc_7616():
    """Section 3.9.1, both algorithms."""
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        proof = Proof(
            "Mufasa", "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "GET", "/dir/index.html",
            "auth", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )  # fmt: skip
        assert proof.hashed(algorithm, "Circle of Life") == response


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
@pytest.mark.parametrize("username", list(PASSWORDS))
def test_client_and_server_agree(algorithm, username):
    ours, theirs = server(algorithms=[algorithm]), client(username, PASSWORDS[username])
    again = theirs.answer(challenged(ours.challenge(10.0)), request(cseq=7))
    assert again is not None
    assert again.cseq.number == 8  # RFC 3261 22.2
    assert ours.verify(again, PASSWORDS.get, 11.0).user == username


def test_the_strongest_known_of_several_challenges_is_answered():
    fields = parse_fields(answered(["MD5", "SHA-256", "SHA-1024"]))[0][1]
    assert fields["algorithm"] == "SHA-256"


def answered(algorithms):
    values = [f'Digest realm="r", nonce="{name}", algorithm={name}, qop="auth"' for name in algorithms]
    again = client().answer(challenged(values), request())
    assert again is not None
    return again.headers.all("Authorization")[0]


def test_several_challenges_in_one_line_are_told_apart():
    line = (
        'Digest realm="a, b", nonce="1", qop="auth,auth-int", Digest realm="c", nonce="2", stale=TRUE, Basic realm="d"'
    )
    first, second = parse_challenges([line])
    assert (first.realm, first.qop, first.stale) == ("a, b", ("auth", "auth-int"), False)
    assert (second.realm, second.stale) == ("c", True)


def test_two_proxies_and_a_server_get_an_answer_each():
    response = challenged(['Digest realm="a", nonce="1", qop="auth"', 'Digest realm="b", nonce="2", qop="auth"'], 407)
    response.headers.add("WWW-Authenticate", 'Digest realm="c", nonce="3", qop="auth"')
    again = client().answer(response, request())
    assert again is not None
    realms = [parse_fields(value)[0][1]["realm"] for value in again.headers.all("Proxy-Authorization")]
    assert (realms, len(again.headers.all("Authorization"))) == (["a", "b"], 1)


def test_no_answer_for_strangers():
    assert client(realm="mine").answer(challenged(['Digest realm="theirs", nonce="1"']), request()) is None
    assert (
        client().answer(challenged(['Basic realm="x"', 'Digest realm="x", nonce="1", algorithm=ROT13']), request())
        is None
    )
    assert client().answer(challenged(['Digest realm="x", nonce="1", qop="odd"']), request()) is None
    assert client().answer(Response(401, ""), request()) is None


def test_a_refused_password_is_not_tried_twice():
    ours, theirs = server(), client(password="wrong")
    first = theirs.answer(challenged(ours.challenge(0.0)), request())
    assert first is not None
    assert ours.verify(first, PASSWORDS.get, 0.0).user is None
    assert theirs.answer(challenged(ours.challenge(0.0)), first) is None


def test_a_stale_nonce_is_replaced_but_not_for_ever():
    ours, theirs = server(), client()
    sent = theirs.answer(challenged(ours.challenge(0.0)), request())
    rounds = 0
    while sent is not None:
        sent, rounds = theirs.answer(challenged(ours.challenge(0.0, stale=True)), sent), rounds + 1
    assert 2 <= rounds <= 5


def test_a_known_nonce_saves_the_round_trip():
    ours, theirs = server(), client()
    assert theirs.answer(challenged(ours.challenge(0.0)), request()) is not None
    for number in range(2, 5):
        proactive = request(cseq=number)
        theirs.attach(proactive)
        assert ours.verify(proactive, PASSWORDS.get, 1.0).user == "alice"
        assert parse_fields(proactive.headers.all("Authorization")[0])[0][1]["nc"] == f"{number:08x}"
    late = request()
    theirs.attach(late)
    verdict = ours.verify(late, PASSWORDS.get, 1000.0)
    assert (verdict.user, verdict.stale) == (None, True)
    again = theirs.answer(challenged(ours.challenge(1000.0)), late)  # also where the server forgets to say stale
    assert again is not None
    assert ours.verify(again, PASSWORDS.get, 1000.0).user == "alice"


def test_without_qop_a_nonce_is_good_once_and_never_attached():
    ours, theirs = server(algorithms=["MD5"]), client()
    old = [ours.challenge(0.0)[0].replace(', qop="auth"', "")]
    sent = theirs.answer(challenged(old), request())
    assert sent is not None
    assert "qop" not in sent.headers.all("Authorization")[0]
    assert ours.verify(sent, PASSWORDS.get, 0.0).user == "alice"
    assert ours.verify(sent, PASSWORDS.get, 0.0).stale
    plain = request()
    theirs.attach(plain)
    assert "Authorization" not in plain.headers


def test_no_answer_is_good_twice_but_the_order_may_change():
    ours, theirs = server(), client()
    requests = [theirs.answer(challenged(ours.challenge(0.0)), request())]
    for _ in range(3):
        requests.append(request())
        theirs.attach(requests[-1])
    for index in (0, 3, 1, 2):
        assert ours.verify(requests[index], PASSWORDS.get, 0.0).user == "alice"
    for each in requests:
        verdict = ours.verify(each, PASSWORDS.get, 0.0)
        assert (verdict.user, verdict.stale) == (None, True)


def test_proxy_side_and_session_variant():
    ours, theirs = server(algorithms=["MD5"]), client()
    value = ours.challenge(0.0)[0].replace("algorithm=MD5", "algorithm=MD5-sess")
    sent = theirs.answer(challenged([value], 407), request())
    assert sent is not None
    assert ours.verify(sent, PASSWORDS.get, 0.0, proxy=True).user == "alice"
    assert ours.verify(sent, PASSWORDS.get, 0.0).user is None


@pytest.mark.parametrize(
    ("change", "stale", "word"),
    [
        (('uri="sip:600@h"', 'uri="sip:900@h"'), False, "password"),
        (('realm="tandem"', 'realm="other"'), False, "realm"),
        (("nc=00000001", "nc=00000002"), False, "password"),
        (("qop=auth", "qop=auth-int"), False, "qop"),
        (("algorithm=SHA-256", "algorithm=SHA-1"), False, "algorithm"),
        (('username="alice"', 'username="mallory"'), False, "no user"),
        (("response=", "rezponse="), False, "without"),
        (("Digest ", "Basic "), False, "credentials"),
    ],
)
def test_whatever_is_changed_on_the_way_is_noticed(change, stale, word):
    ours = server()
    sent = client().answer(challenged(ours.challenge(0.0)), request())
    assert sent is not None
    sent.headers.set("Authorization", sent.headers.all("Authorization")[0].replace(*change))
    verdict = ours.verify(sent, PASSWORDS.get, 0.0)
    assert (verdict.user, verdict.stale) == (None, stale)
    assert word in verdict.reason


@pytest.mark.parametrize("password", ["wonder", "wrong"])
def test_an_answer_to_a_nonce_that_is_not_ours_is_not_even_looked_into(password):
    ours = server()
    foreign = DigestServer("tandem", "another secret", BOTH).challenge(0.0)
    elsewhere = ours.challenge(0.0, source="192.0.2.1")
    for challenge in (foreign, elsewhere, [foreign[0].replace('nonce="', 'nonce="é')]):
        sent = client(password=password).answer(challenged(challenge), request())
        assert sent is not None
        verdict = ours.verify(sent, PASSWORDS.get, 0.0, source="192.0.2.66")
        assert (verdict.user, verdict.stale, verdict.blocked) == (None, True, False)
    assert ours.failures == 0


def attempt(ours, who, now, source="192.0.2.66", seen=None):
    """`seen`: whose challenge is answered, when it is another's."""
    sent = who.answer(challenged(ours.challenge(now, source=seen or source)), request())
    return ours.verify(sent, PASSWORDS.get, now, source=source)


def test_guessing_is_counted_and_ends():
    ours = server(most_failures=3, forgive_after=60.0)
    bad, good = client(password="guess"), client()
    assert not any(attempt(ours, bad, float(n)).blocked for n in range(3))
    assert attempt(ours, good, 3.0).blocked  # from there, not even the right one
    assert attempt(ours, good, 3.0, source="192.0.2.1").user == "alice"
    assert attempt(ours, good, 100.0).user == "alice"
    assert ours.failures == 3


def test_forged_answers_lock_nobody_out():
    """Who writes another's address on his datagrams never sees what that address was challenged with."""
    ours = server(most_failures=3)
    for n in range(50):
        verdict = attempt(ours, client(password="guess"), float(n), seen="203.0.113.66")
        assert (verdict.stale, verdict.blocked) == (True, False)
    assert attempt(ours, client(), 50.0).user == "alice"


def test_a_borrowed_nonce_tells_no_right_password_from_a_wrong_one():
    ours = server()
    verdicts = [attempt(ours, client(password=word), 0.0, seen="203.0.113.66") for word in ("wonder", "wrong")]
    assert verdicts[0] == verdicts[1]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("signaling.sip.auth_server._MOST_NONCES", 10)
    ours = server()
    pairs = []
    for n in range(30):
        sent = client().answer(challenged(ours.challenge(float(n))), request())
        assert ours.verify(sent, PASSWORDS.get, float(n)).user == "alice"
        pairs.append(sent)
    assert len(ours._used) <= 10
    assert all(ours.verify(sent, PASSWORDS.get, 30.0).stale for sent in pairs)  # forgotten ones are no way back in


def test_unless_told_otherwise_only_md5_is_offered():
    (challenge,) = parse_challenges(DigestServer("tandem", "secret").challenge(0.0))
    assert (challenge.algorithm, challenge.qop, challenge.realm) == ("MD5", ("auth",), "tandem")
    first, second = parse_challenges(server().challenge(0.0, stale=True))  # RFC 8760 2.3: the preferred one on top
    assert (first.algorithm, second.algorithm, second.stale) == ("SHA-256", "MD5", True)


def test_secrets_stay_out_of_logs_and_unknown_algorithms_out_of_the_house():
    assert "wonder" not in repr(Credentials("alice", "wonder"))
    with pytest.raises(ValueError, match="ROT13"):
        DigestServer("r", "s", ["ROT13"])

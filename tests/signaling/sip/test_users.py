from __future__ import annotations

from signaling.sip.users import Users

PASSWORDS = {"alice": "wonder"}


def test_without_other_names_a_user_is_who_has_a_password():
    users = Users(PASSWORDS.get)
    assert (users.account("alice"), users.account("Alice"), users.account(None)) == ("alice", None, None)
    assert (users.password("alice"), users.password("101")) == ("wonder", None)


def test_every_name_leads_to_the_account_and_its_password():
    users = Users(PASSWORDS.get, lambda name: "alice" if name.lower() in ("alice", "101") else None)
    assert {users.account(name) for name in ("alice", "ALICE", "101")} == {"alice"}
    assert {users.password(name) for name in ("alice", "ALICE", "101")} == {"wonder"}
    assert (users.account("bob"), users.password("bob")) == (None, None)

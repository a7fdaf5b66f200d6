from gateway.ops.health import Health
from gateway.ops.trunk_states import TrunkStates
from signaling.sip.registration import RegistrationChanged


class Table:
    stopping = draining = False

    def __len__(self):
        return 2


def test_ready_from_the_start_until_it_drains():
    table = Table()
    health = Health(table, [lambda: "", lambda: "the database is away"])
    assert health.alive() == {"status": "starting", "calls": 2}
    assert not health.ready()["ready"]
    health.started = True
    assert health.ready() == {"ready": True, "status": "ok", "calls": 2, "warnings": ["the database is away"]}
    table.draining = True
    assert (health.ready()["ready"], health.status) == (False, "draining")
    table.stopping = True
    assert (health.ready()["ready"], health.status) == (False, "stopping")


def test_trunks_that_are_away_are_counted():
    trunks = TrunkStates(["office", "backup"])
    assert trunks.warning() == "2 of 2 trunks are not registered"
    for state in ("registering", "registered"):
        trunks.note(RegistrationChanged("office", state, 200, "OK", 60))
    trunks.note(RegistrationChanged("backup", "failed", 403, "Forbidden", 30))
    trunks.note(RegistrationChanged("a stranger's", "registered", 200, "OK", 60))
    trunks.note("something else")
    assert trunks.registered() == {"office": True, "backup": False}
    trunks.note(RegistrationChanged("office", "registering", 0, "", 0))  # a renewal: the binding stands
    assert trunks.warning() == "1 of 2 trunks are not registered"
    trunks.note(RegistrationChanged("office", "failed", 408, "Timeout", 30))
    assert trunks.registered()["office"] is False
    assert TrunkStates([]).warning() == ""

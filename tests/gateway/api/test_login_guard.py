from gateway.api.login_guard import LoginGuard


def fail(guard, times, user="alice", address="10.0.0.1", now=0.0):
    for _ in range(times):
        guard.failed(user, address, now)


def test_a_few_mistakes_are_free_then_waits_double():
    guard = LoginGuard()
    fail(guard, 5)
    assert guard.wait("alice", "10.0.0.1", 0) == 0
    waits = []
    for _ in range(8):
        fail(guard, 1)
        waits.append(guard.wait("alice", "10.0.0.1", 0))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert guard.wait("alice", "10.0.0.1", 61) == 0


def test_names_differ_in_more_than_case():
    guard = LoginGuard()
    fail(guard, 3, "Alice")
    fail(guard, 3, "ALICE")
    assert guard.wait("alice", "10.0.0.1", 0) > 0


def test_a_strangers_guesses_do_not_lock_the_owner_out_at_once():
    guard = LoginGuard()
    fail(guard, 10, address="6.6.6.6")
    assert guard.wait("alice", "6.6.6.6", 0) > 0
    assert guard.wait("alice", "10.0.0.1", 0) == 0


def test_guesses_from_everywhere_slow_the_account_down_for_half_a_minute_at_most():
    guard = LoginGuard()
    for i in range(200):
        fail(guard, 1, address=f"6.6.6.{i}")
    assert guard.wait("alice", "10.0.0.1", 0) == 30


def test_one_address_guessing_many_users():
    guard = LoginGuard()
    for i in range(25):
        fail(guard, 1, user=f"user{i}")
    assert guard.wait("someone", "10.0.0.1", 0) > 0
    guard.succeeded("user1", "10.0.0.1")
    assert guard.wait("someone", "10.0.0.1", 0) > 0, "one good account covers for nothing"


def test_success_and_time_forget():
    guard = LoginGuard()
    fail(guard, 6)
    guard.succeeded("alice", "10.0.0.1")
    assert guard.wait("alice", "10.0.0.1", 0) == 0
    fail(guard, 6)
    fail(guard, 1, now=2000)
    assert guard.wait("alice", "10.0.0.1", 2000) == 0


def test_memory_is_bounded():
    guard = LoginGuard(capacity=100)
    for i in range(10_000):
        guard.failed(f"user{i}", f"10.0.{i % 256}.{i // 256}", 0)
    assert len(guard) <= 100

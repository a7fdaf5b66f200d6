"""What to do about a trunk's refusals, in words."""

from __future__ import annotations

from gateway.trunks.trunk import Trunk

WHERE = "[[trunks]]"


def registration_failed(trunk: Trunk, status: int, reason: str) -> str:
    """Why a REGISTER came to nothing, and what to check."""
    host = trunk.server.hostport
    if status in (401, 407) or (status == 403 and "password" in reason):
        return f"{host} refuses our sign-in ({reason}). Check {_sign_in(trunk)} of trunk {trunk.name} in {WHERE}."
    if status == 403:
        return (
            f"{host} forbids us to register (403 {reason}). Check {_sign_in(trunk)} of trunk {trunk.name} in {WHERE}, "
            f"and whether the PBX lets this address register."
        )
    if status == 404:
        return f"{host} knows no user {trunk.user} (404). Check user of trunk {trunk.name} in {WHERE}."
    if status in (408, 503, 504):
        return (
            f"{host} cannot be reached: {reason}. Check server, transport and outbound_proxy of trunk {trunk.name}, "
            f"and that the PBX runs and lets this machine in."
        )
    return f"{host} answers our REGISTER with {status} {reason}."


def call_refused(trunk: Trunk, status: int, reason: str, number: str, caller: str, registered: bool) -> str:
    """Why a call by it was refused; empty where the status says it all."""
    host = trunk.server.hostport
    if status in (401, 407):
        return f"Trunk {trunk.name}: {host} does not accept our sign-in ({status}). Check {_sign_in(trunk)} in {WHERE}."
    if status == 403 and (registered or trunk.credentials is None):
        return (
            f"Trunk {trunk.name}: {host} forbids this call ({status} {reason}). It was sent as {caller}: if the PBX "
            f"wants another caller id, set caller_id or caller_number in {WHERE}; if not, it does not allow {number}."
        )
    if status == 403:
        return (
            f"Trunk {trunk.name}: {host} forbids this call ({status} {reason}). Check {_sign_in(trunk)}, "
            f"then caller_id and caller_number in {WHERE}: the call was sent as {caller}."
        )
    if status in (404, 484, 604):
        return f"Trunk {trunk.name}: {host} knows no number {number} ({status} {reason}). Check called_out in {WHERE}."
    if status in (408, 503, 504):
        return f"Trunk {trunk.name}: no server of it takes the call; {host}: {status} {reason}."
    if status == 488:
        return f"Trunk {trunk.name}: {host} speaks none of our codecs (488 {reason}). See codecs in [media]."
    return ""


def full(trunk: Trunk) -> str:
    return f"Trunk {trunk.name} carries as many calls as it may (max_calls = {trunk.max_calls} in {WHERE})."


def too_fast(trunk: Trunk) -> str:
    rate = f"{trunk.calls_per_second:g}"
    return f"Trunk {trunk.name} gets as many new calls a second as it may (calls_per_second = {rate} in {WHERE})."


def down(trunk: Trunk, why: str) -> str:
    return (
        f"Trunk {trunk.name} is down: {trunk.server.hostport}: {why or 'no answer'}. Check the PBX and the way there."
    )


def _sign_in(trunk: Trunk) -> str:
    """The keys to look at, with what stands there now; never the password."""
    auth = trunk.credentials.username if trunk.credentials else ""
    realm = trunk.credentials.realm if trunk.credentials else None
    parts = [f'user ("{trunk.user}")', f'auth_user ("{auth}")', "password"]
    if realm:
        parts.append(f'realm ("{realm}")')
    return ", ".join(parts)

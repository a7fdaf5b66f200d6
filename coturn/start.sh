#!/bin/sh
# Starts coturn with turnserver.conf and what the environment says of this place:
#
#   TURN_SECRET          as `secret` in [turn] of tandem.toml (needed)
#   TURN_REALM           as coturn's realm, if not "tandem"
#   TURN_LISTEN          the address to listen on and to relay from, if not every one
#   TURN_PORT            the port, if not 3478
#   TURN_EXTERNAL        the public address, behind a one-to-one NAT (a cloud's "elastic" address): 203.0.113.7
#   TURN_ALLOWED_PEERS   addresses to relay to although they are private: the gateway's. "10.1.2.3 10.1.2.4"
#
# Arguments are handed to turnserver. The secret goes into a file that only this user can read, not onto the command
# line, where everybody on the machine could.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${TURN_SECRET:-}" ]; then
    echo "coturn/start.sh: set TURN_SECRET to what [turn] secret is in tandem.toml; make one with: openssl rand -hex 32" >&2
    exit 2
fi

umask 077
conf=$(mktemp "${TMPDIR:-/tmp}/turnserver.XXXXXX")
{
    # a key that is given here stands for the file's own: coturn takes some of them twice
    sed -e "${TURN_REALM:+/^realm=/d}" -e "${TURN_PORT:+/^listening-port=/d}" "$here/turnserver.conf"
    echo
    echo "static-auth-secret=$TURN_SECRET"
    [ -z "${TURN_REALM:-}" ] || echo "realm=$TURN_REALM"
    [ -z "${TURN_PORT:-}" ] || echo "listening-port=$TURN_PORT"
    [ -z "${TURN_LISTEN:-}" ] || printf 'listening-ip=%s\nrelay-ip=%s\n' "$TURN_LISTEN" "$TURN_LISTEN"
    [ -z "${TURN_EXTERNAL:-}" ] || echo "external-ip=$TURN_EXTERNAL"
    for peer in ${TURN_ALLOWED_PEERS:-}; do echo "allowed-peer-ip=$peer"; done
} > "$conf"
unset TURN_SECRET

# open, and already without a name: nothing of it is left on the disk
exec 3< "$conf"
rm -f "$conf"
exec turnserver -c /proc/self/fd/3 "$@"

#!/bin/sh
# Installs the real peers that the interop and browser tests talk to, where this machine allows it (Debian or Ubuntu, as root).
# Elsewhere it only says what is missing; those tests then skip, each with its reason. Never fails.
need=""
for pair in sipp:sip-tester baresip:baresip-core chromium:chromium turnserver:coturn sox:sox kamailio:kamailio; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || need="$need ${pair##*:}"
done
[ -z "$need" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Peers missing:$need. Their tests will skip. On Debian or Ubuntu: sudo apt-get install --no-install-recommends$need"
    exit 0
fi
echo "Installing test peers:$need ..."
# Servers must not start with their default configuration while they are being installed.
guard=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$guard" ]; then printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod +x "$guard" && made=1; fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $need; } >/tmp/tandem-peers.log 2>&1 ||
    echo "Not all peers could be installed (see /tmp/tandem-peers.log); their tests will skip."
[ -n "$made" ] && rm -f "$guard"
exit 0

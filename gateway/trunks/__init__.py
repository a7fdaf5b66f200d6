"""Other SIP servers that calls go out by and come in by: the office PBX, a provider, a peer.

I am: what is known of each trunk (is it registered, which of its servers answer, how many calls it carries), and the
rules by which numbers and callers are written for it.  I may use: `signaling.sip` for its values, `gateway.calls` for
patterns and identities.  I never: decide where a call goes (`gateway.calls.router` does) or speak SIP (`drivers.sip`
does).  What wakes me: the SIP driver, for each call, each answer, each change of a registration; `watch`'s own clock,
for OPTIONS and DNS.
"""

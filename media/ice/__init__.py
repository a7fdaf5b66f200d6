"""Connectivity: how a browser's packets find us and ours find the browser (ICE, RFC 8445).

I am: the lite agent (`lite`, pure: checks in, answers out), the full one (`full`, aioice's), and what both share: the
interface a leg sees (`transport`), the states (`states`) and how long silence may last (`consent`).
I may use: aioice's STUN messages, `media.errors`; only `full` may use asyncio and `media.net`.
I never: read SDP, open a codec, know a call.  What wakes me: the listener's datagrams and its one timer.
"""

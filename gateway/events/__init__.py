"""Programs are told of everything: the public event stream, its sockets, and webhooks.

I am: the town crier.  I may use: aiohttp, pydantic; the events of `gateway.calls`, `gateway.config` for targets.
I never: decide about a call, hold one up, keep more than my limits say.  What wakes me: a call's event, a request, a
retry that is due.

Sans-IO: `vocabulary`, `schema`, `log`, `outbox`, `signature`. Shells: `feed`, `streams`, `webhooks`, `route_hook`.
"""

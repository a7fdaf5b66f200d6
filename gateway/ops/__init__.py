"""Running the gateway: starting and stopping in order, figures, logs, memory.

I am: the caretaker.  I may use: asyncio, prometheus-client, logging, aiohttp for two questions; the events of
`gateway.calls`, and what SIP says of our registrations.
I never: decide about a call.  What wakes me: a call's event, a signal, a scrape.
"""

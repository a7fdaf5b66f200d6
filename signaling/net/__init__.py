"""The asyncio shell around the SIP stack: UDP and TCP sockets, the look-up of names, one timer.

I am: a socket; bytes pass through me unread, but for where a message ends.
I may use: asyncio, socket, dnspython, `signaling.sip`.
I never: decide anything about a call, block the event loop, let a peer grow my memory without bound.
What wakes me: the kernel, the stack's one timer, a verb of the gateway.
"""

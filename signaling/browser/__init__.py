"""The conversation with a browser: JSON messages in, events out (docs/browser-protocol.md).

I am: one page's sign-in, calls and resumption, whatever becomes of its sockets.  I may use: the standard library.
I never: read a clock, open a socket, look inside an SDP body, decide where a call goes.
What wakes me: a text frame with `now`, a verb of the gateway, the one timer of the hub.
"""

"""DECISIONS about one call: who rings, who hears whom, why it ends. Sans-IO.

I am: a decision.  I may use: the standard library and my own room; the world outside only as the Protocols of `ports`.
I never: await, read a clock, see a SIP message, an SDP body, a codec or a socket.
What wakes me: an event about a leg, a command from a person or a program, a deadline (`wake(now)`).
"""

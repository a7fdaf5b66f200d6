"""SIP (RFC 3261): one endpoint's messages, transactions, dialogs, registrations.

I am: a rule of an RFC.  I may use: the standard library, my own room.
I never: read a clock, open a socket, roll dice by myself, look inside a body.
What wakes me: bytes with their source and `now`, a verb of the gateway, `wake(now)`.
"""

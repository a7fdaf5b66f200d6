"""MESSAGES: bytes in, events out. Bodies (SDP) are opaque bytes here.

I am: the languages spoken with phones (SIP) and browsers (JSON).
I may use: the standard library; dnspython and asyncio in `net`.
I never: hear audio or decide where a call goes.  What wakes me: a call with `now`, a socket in `net`.
"""

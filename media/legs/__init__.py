"""One kind of party's audio per file; legs do not know each other.

I am: a party on the bus.  I may use: the rooms of `media` below me.  I never: know another leg or a call.
What wakes me: a frame from either side, a datagram, the clock.
"""

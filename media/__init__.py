"""AUDIO: packets and frames in, packets and frames out. SDP lives here.

I am: everything that moves, makes or changes sound.  I may use: numpy, PyAV, aiortc (one file), my own rooms.
I never: know a phone call, a SIP message or a user.  What wakes me: a datagram, the 20 ms clock, an order from `host`.
"""

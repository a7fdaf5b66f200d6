"""The shell of media: sockets, ports, timers and the parts of aiortc that are not public.

I am: the RTP port pool, the one-port WebRTC listener, `aiortc_private` (all that touches the inside of aiortc).
I may use: asyncio, sockets, aiortc, pylibsrtp, `media.ice`.
I never: parse SDP, decode audio, know a leg's sinks.  What wakes me: readable sockets and one timer for all legs.
"""

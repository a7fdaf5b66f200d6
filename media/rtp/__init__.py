"""RTP and RTCP (RFC 3550): packets, streams, order and time. Sans-IO.

I am: the wire format (`packet`, `rtcp`), both halves of a stream (`stream`: `outgoing`, `incoming`), order without
waiting (`reorder`), a playout buffer for whoever plays by the clock (`jitter`), DTMF as events (`telephone_event`).
I may use: `media.errors`, `media.frame` (the 48 kHz media clock and `Digit`).
I never: open a socket, read a clock, decode.
What wakes me: a datagram in, a frame out; `wake(now)` where a silence means something (a DTMF key whose end was lost).
"""

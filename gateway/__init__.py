"""DECISIONS: knows messages and audio, touches neither bytes nor samples.

I am: call control, configuration, the programs a person starts.  I may use: `signaling` and `media.host`.
I never: parse a SIP message, an SDP body or an RTP packet.  What wakes me: an event from either side, a command, a
timer.
"""

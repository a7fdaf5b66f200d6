"""SOUND AS NUMBERS: int16 in, int16 out.

I am: resampling, mixing, levels, tones and the filling of holes.  I may use: numpy.
I never: know a packet, a leg, a file or the time of day.  What wakes me: a call with samples.
"""

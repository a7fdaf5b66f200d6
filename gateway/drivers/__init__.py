"""TRANSLATION: signaling events <-> call events, one file per kind of party.

I am: an interpreter.  I may use: `signaling`, the words of `gateway.calls`.
I never: keep a call's state or decide anything; all I remember is which leg is which dialog.
What wakes me: a signaling event on one side, the runtime on the other.
"""

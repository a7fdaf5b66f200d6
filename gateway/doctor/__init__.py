"""Doctor: why a call failed or sounded bad, in words, from what was seen anyway.

    call events, SIP messages, reports of pages  ->  facts  ->  rules  ->  verdicts
                                                 ->  traces (the SIP ladder)

I am: `Doctor` (a subscriber of the call events), a table of `Rule`s by subject, and `Traces`.  I may use: the events of
`gateway.calls` and the message parser of `signaling.sip`.  I never: ask a leg or a dialog anything, read a clock, or
change a call; what I keep is bounded.  What wakes me: an event, a SIP message, a page's report.
"""

"""`tandem demo`: a whole gateway with invented people, for somebody who has never seen one.

I am: the shop window.  I may use: everything that `gateway.app` offers.  I never: run in earnest.
What wakes me: `tandem demo`.
"""

"""What routes are made of: targets, conditions, hours, groups, plans. `gateway.calls.router` searches them.

I am: values and pure functions.  I may use: `gateway.calls.patterns` and `causes`.  I never: ask who is there now, or
what time it is.  What wakes me: the router, for each call and each forward.
"""

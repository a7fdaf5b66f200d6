"""The door for browsers and tools: HTTP, the page's WebSocket, tokens.

I am: a clerk at the counter.  I may use: aiohttp, PyJWT, prometheus-client; `signaling.browser` for the page's
conversation. I never: touch media or a leg, decide where a call goes.  What wakes me: an HTTP request, a frame, the
hub's one timer.
"""

"""The counter for programs: calls, their parties and their sound by HTTP; phones, trunks, records; tokens.

I am: a translator between JSON and `calls.ports.Desk`.  I may use: aiohttp, pydantic; `gateway.calls` for the words.
I never: decide where a call goes, touch media, keep anything but answers to be repeated.  What wakes me: a request.

`operation` declares, `api` serves, `openapi` describes; `shapes` are what goes over the wire; the other files are one
rule or one resource each.
"""

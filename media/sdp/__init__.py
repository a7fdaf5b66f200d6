"""SDP (RFC 8866) and offer/answer (RFC 3264, RFC 8829 for browsers). Pure functions.

I am: a lossless reader (`grammar`), what each payload type means (`payloads`), what both sides agreed on (`terms`), our
offers and answers (`build`), and the agreement itself (`negotiate`).
I may use: `media.errors`, `media.formats`.  I never: know SIP, a socket or a codec's insides.  What wakes me: a body.
"""

"""Stands where the endpoint stands: writes down what a transport tells."""

import asyncio

from signaling.sip.address import Address


class Notes:
    def __init__(self):
        self.received: list[tuple[bytes, Address]] = []
        self.failures: list[tuple[Address, str]] = []
        self.refusals: list[tuple[str, Address]] = []

    def receive(self, data, source):
        self.received.append((data, source))

    def failed(self, to, why):
        self.failures.append((to, why))

    def refused(self, why, source):
        self.refusals.append((why, source))


async def until(condition, seconds=3.0):
    """Let the loop run until `condition()`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what sockets do has no event
            await asyncio.sleep(0.002)


def message(body=b"", head=b"OPTIONS sip:us SIP/2.0"):
    return head + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body

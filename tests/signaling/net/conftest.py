"""Sockets behave differently under asyncio's own loop and under libuv: what touches them runs on both."""

import asyncio

import uvloop

PLAIN = {"asyncio": asyncio.new_event_loop}
BOTH = {**PLAIN, "uvloop": uvloop.new_event_loop}


def pytest_asyncio_loop_factories(config, item):
    return BOTH if item.path.stem in ("test_udp", "test_tcp", "test_endpoint") else PLAIN

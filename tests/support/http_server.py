"""An application behind a real HTTP server, for what cannot be tried in one process without one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

WAIT_S = 15.0


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncGenerator[uvicorn.Server]:
    """The server, which has started; it is asked to stop at the end."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, WAIT_S)


def address_of(server: uvicorn.Server) -> str:
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

"""One WebSocket: frames go out in order, compressed where the client asked for it."""

import asyncio
import json
import zlib

from aiohttp import web

GOODBYE_S = 2.0


class Wire:
    """Sends from a queue, so that nobody waits for a client that does not read."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """`socket` is prepared; `run` sends."""
        self._request = request
        self._socket = socket
        self.is_closing = False
        self._waiting: asyncio.Queue[str | int] = asyncio.Queue()
        is_compressed = request.query.get("compress") == "zlib-stream"
        self._compressor = zlib.compressobj() if is_compressed else None

    def send(self, op: int, data: object, **more: object) -> None:
        """Put a frame into the queue."""
        self._waiting.put_nowait(json.dumps({"op": op, "d": data, "t": None, "s": None, **more}))

    def close(self, code: int) -> None:
        """Close behind what is in the queue."""
        self.is_closing = True
        self._waiting.put_nowait(code)

    def cut(self) -> None:
        """Lose the connection."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def end(self, sending: asyncio.Future[None]) -> None:
        """When the client is gone: `sending` ends, after its goodbye if there is to be one."""
        if self.is_closing:
            await asyncio.wait([sending], timeout=GOODBYE_S)
        sending.cancel()

    async def run(self) -> None:
        """Until closed or cancelled."""
        while True:
            frame = await self._waiting.get()
            try:
                if not isinstance(frame, str):
                    await self._socket.close(code=frame)
                    return
                await self._send(frame)
            except ConnectionError:
                return

    async def _send(self, frame: str) -> None:
        if self._compressor is None:
            await self._socket.send_str(frame)
            return
        packed = self._compressor.compress(frame.encode())
        await self._socket.send_bytes(packed + self._compressor.flush(zlib.Z_SYNC_FLUSH))

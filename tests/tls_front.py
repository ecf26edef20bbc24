"""TLS in front of a server on this machine that does not speak it, as a load balancer is."""

import asyncio
import ssl
import threading
from pathlib import Path
from types import TracebackType

CERTIFICATE = Path(__file__).parent / "localhost.pem"
"""Of `localhost`, signed by itself, with its key; valid until the year 2126."""


class TlsFront:
    """Listens at `port` of 127.0.0.1 inside the block, and passes everything on to another port."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self._behind = behind
        self._loop = asyncio.new_event_loop()
        self._listens, self._ending = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        context.set_alpn_protocols(["h2"])
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=context) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._listens.set()
            await self._ending.wait()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer), return_exceptions=True)

    def __enter__(self) -> "TlsFront":
        self._thread.start()
        assert self._listens.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()
        self._loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()

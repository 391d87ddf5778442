"""A minivault client over the binary protocol. One file, the standard library only: copy it into your project
(Python 3.8 or later).

    from minivault_binary import MiniVaultBinary

    vault = MiniVaultBinary("localhost:3000", "optional-auth-key")
    vault.set("user:123", b"any bytes")
    value = vault.get("user:123")  # bytes, or None

Threads may share one client: each call takes one connection of a bounded pool, or waits for one. A new
connection authenticates itself first. Everything that fails raises MiniVaultBinaryError.

The protocol has one error reply and no reason in it. So None from `get` means absent, or that the node
refused to read: no key where it asks for one, rate limit. Where the difference matters, use HTTP.
"""

import json
import selectors
import socket
import struct
import threading
import time
from typing import Any, Dict, List, Optional, Tuple, Union

__all__ = ["MiniVaultBinary", "MiniVaultBinaryError"]

KEY_BYTES_MAX = 65_535
VALUE_BYTES_MAX = 100 * 1024 * 1024

_GET, _SET, _DELETE, _HEALTH, _AUTH = 0x01, 0x02, 0x03, 0x05, 0x06
_SUCCESS = 0x00
_RECEIVE_BYTES = 256 * 1024

#: Text counts as UTF-8.
Bytes = Union[str, bytes, bytearray, memoryview]


class MiniVaultBinaryError(Exception):
    """Something failed; `code` says what:

    - KEY_LENGTH, VALUE_TOO_LARGE, POOL_FULL, CLOSED: nothing was sent
    - UNAUTHORIZED: the node does not know the authentication key
    - REFUSED: the node refused without a reason: no key where it needs one, rate limit, full disk
    - TIMEOUT, CONNECTION, PROTOCOL: no answer, or none that can be read; a write may or may not be done
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class MiniVaultBinary:
    """A pool of connections to one node.

    address: `host:port`; an IPv6 host in brackets
    connections: so many at most
    waiting: so many calls may wait for one; more fail with POOL_FULL
    connect_timeout: seconds for a connection to be made
    timeout: seconds for a whole call: waiting, connecting, sending, receiving
    """

    def __init__(
        self,
        address: str,
        key: Optional[str] = None,
        *,
        connections: int = 8,
        waiting: int = 1024,
        connect_timeout: float = 5.0,
        timeout: float = 30.0,
    ) -> None:
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdigit():
            raise ValueError(f"the address must be host:port, not {address}")
        self._target = (host.strip("[]"), int(port))
        self._auth = _request(_AUTH, key) if key else None
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._free = connections
        self._waiting = 0
        self._waiting_max = waiting
        self._idle: List[_Connection] = []
        self._closed = False
        self._changed = threading.Condition()

    def set(self, key: Bytes, value: Bytes) -> None:
        """Stores up to 100 MiB under a key of 1 to 65,535 bytes."""
        data = _as_bytes(value)
        if len(data) > VALUE_BYTES_MAX:
            raise MiniVaultBinaryError("VALUE_TOO_LARGE", f"a value has at most {VALUE_BYTES_MAX} bytes")
        not_compressed = 0
        head = _request(_SET, key) + struct.pack("<IB", len(data), not_compressed)
        _accepted(self._call(head, data))

    def get(self, key: Bytes) -> Optional[bytes]:
        """The value, or None: see the top of this file for what that means."""
        return self._call(_request(_GET, key), changes_nothing=True)

    def delete(self, key: Bytes) -> None:
        """Also succeeds where nothing was there."""
        _accepted(self._call(_request(_DELETE, key)))

    def set_json(self, key: Bytes, value: Any) -> None:
        """Stores the JSON text of a value."""
        self.set(key, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def get_json(self, key: Bytes, default: Any = None) -> Any:
        """The value read as JSON; `default` where there is none, ValueError where it is no JSON."""
        value = self.get(key)
        return default if value is None else json.loads(value)

    def health(self) -> Dict[str, Any]:
        """What the node says about itself: status, uptime_seconds, cache_items, cache_size_mb,
        storage_size_mb, memory_mb (MiB) and more. Needs no authentication key, unless a wrong one was given.
        """
        return json.loads(_accepted(self._call(_request(_HEALTH, "health"), changes_nothing=True)))

    def close(self) -> None:
        """Calls under way are finished, later ones fail."""
        with self._changed:
            self._closed = True
        self._drop_idle()

    def __enter__(self) -> "MiniVaultBinary":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, head: bytes, value: bytes = b"", changes_nothing: bool = False) -> Optional[bytes]:
        """The reply's data; None where the node refused."""
        deadline = time.monotonic() + self._timeout
        self._take_turn(deadline)
        try:
            resting = self._take_idle()
            if resting is not None:
                try:
                    return self._exchange(resting, head, value, deadline)
                except MiniVaultBinaryError as error:
                    # It may have died while it rested, most likely with all others. Only what changes nothing
                    # is sent again: a repeated write could undo what somebody else wrote in between.
                    if not changes_nothing or error.code != "CONNECTION":
                        raise
                    self._drop_idle()
            return self._exchange(self._connect(deadline), head, value, deadline)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def _take_turn(self, deadline: float) -> None:
        with self._changed:
            if self._free == 0 and self._waiting >= self._waiting_max:
                raise MiniVaultBinaryError("POOL_FULL", "too many calls wait for a connection")
            self._waiting += 1
            try:
                ready = self._changed.wait_for(lambda: self._free > 0, _left(deadline))
            finally:
                self._waiting -= 1
            if not ready:
                raise MiniVaultBinaryError("TIMEOUT", "no connection became free in time")
            self._free -= 1

    def _take_idle(self) -> Optional["_Connection"]:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.is_alive():
                return connection
            connection.close()

    def _drop_idle(self) -> None:
        with self._changed:
            dropped, self._idle = self._idle, []
        for connection in dropped:
            connection.close()

    def _connect(self, deadline: float) -> "_Connection":
        if self._closed:
            raise MiniVaultBinaryError("CLOSED", "the client is closed")
        connection = _Connection(self._target, min(self._connect_timeout, _left(deadline)))
        if self._auth is not None and connection.exchange(self._auth, b"", deadline) is None:
            connection.close()
            raise MiniVaultBinaryError("UNAUTHORIZED", "the node does not know this authentication key")
        return connection

    def _exchange(
        self, connection: "_Connection", head: bytes, value: bytes, deadline: float
    ) -> Optional[bytes]:
        reply = connection.exchange(head, value, deadline)
        with self._changed:
            if not self._closed:
                self._idle.append(connection)
                return reply
        connection.close()
        return reply


class _Connection:
    """One connection, one request at a time. After a failure it is closed."""

    def __init__(self, target: Tuple[str, int], timeout: float) -> None:
        try:
            self._socket = socket.create_connection(target, timeout)
        except OSError as error:
            raise _failure(error) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def exchange(self, head: bytes, value: bytes, deadline: float) -> Optional[bytes]:
        """Sends a request and receives its reply: status u8, length u32, data. None for an error reply."""
        try:
            for part in (head, value):
                self._socket.settimeout(_left(deadline))
                self._socket.sendall(part)
            status, length = struct.unpack("<BI", self._receive(5, deadline))
            if length > VALUE_BYTES_MAX:
                raise MiniVaultBinaryError("PROTOCOL", "the answer is none of this protocol")
            data = self._receive(length, deadline)
        except OSError as error:
            self.close()
            raise _failure(error) from error
        except BaseException:
            self.close()
            raise
        return data if status == _SUCCESS else None

    def _receive(self, length: int, deadline: float) -> bytes:
        pieces = []
        while length > 0:
            self._socket.settimeout(_left(deadline))
            piece = self._socket.recv(min(length, _RECEIVE_BYTES))
            if not piece:
                raise ConnectionError("the node closed the connection")
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def is_alive(self) -> bool:
        """A resting connection has nothing to read, unless it has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def close(self) -> None:
        self._socket.close()


def _request(opcode: int, key: Bytes) -> bytes:
    """Opcode u8, key length u16, key. SET has the value behind it."""
    data = _as_bytes(key)
    if not 1 <= len(data) <= KEY_BYTES_MAX:
        raise MiniVaultBinaryError("KEY_LENGTH", f"a key has 1 to {KEY_BYTES_MAX} bytes")
    return struct.pack("<BH", opcode, len(data)) + data


def _as_bytes(data: Bytes) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


def _accepted(reply: Optional[bytes]) -> bytes:
    if reply is None:
        raise MiniVaultBinaryError("REFUSED", "the node refused, and this protocol does not say why")
    return reply


def _left(deadline: float) -> float:
    """Seconds; never zero, which would mean not to wait at all."""
    return max(0.001, deadline - time.monotonic())


def _failure(error: OSError) -> MiniVaultBinaryError:
    if isinstance(error, socket.timeout):
        return MiniVaultBinaryError("TIMEOUT", "there was no answer in time")
    return MiniVaultBinaryError("CONNECTION", f"the connection failed: {error}")

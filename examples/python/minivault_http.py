"""A minivault client over HTTP. One file, the standard library only: copy it into your project.

    from minivault_http import MiniVault

    vault = MiniVault("http://localhost:8080", "optional-auth-key")
    vault.set("user:123", {"name": "alice", "age": 30})
    user = vault.get("user:123")  # what was set, or the default (None)

Threads may share one client: each call takes one connection of a bounded pool, or waits for one. The
authentication key goes with each request. Everything that fails raises MiniVaultError. Python 3.8 or later.
"""

import base64
import json
import selectors
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Dict, List, Optional, Tuple, Union
from urllib.parse import quote, urlsplit

__all__ = ["MiniVault", "MiniVaultError"]

KEY_BYTES_MAX = 65_535
VALUE_BYTES_MAX = 100 * 1024 * 1024

_JSON = "application/json"
_BYTES = "application/octet-stream"
_RECEIVE_BYTES = 64 * 1024

#: Text counts as UTF-8.
Key = Union[str, bytes, bytearray, memoryview]


class MiniVaultError(Exception):
    """Something failed. `status` is the HTTP status, 0 where there was no answer. `code` is the node's own
    (UNAUTHORIZED, RATE_LIMITED, DISK_FULL …), or one of these:

    - KEY_LENGTH, VALUE_TOO_LARGE, POOL_FULL, CLOSED: nothing was sent
    - TIMEOUT, CONNECTION, PROTOCOL: no answer, or none that can be read; a write may or may not be done
    """

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class MiniVault:
    """A pool of connections to one node.

    url: where the node is; a path in it goes before each key
    connections: so many at most
    waiting: so many calls may wait for one; more fail with POOL_FULL
    connect_timeout: seconds for a connection to be made
    timeout: seconds for a whole call: waiting, connecting, sending, receiving
    """

    def __init__(
        self,
        url: str,
        key: Optional[str] = None,
        *,
        connections: int = 8,
        waiting: int = 1024,
        connect_timeout: float = 5.0,
        timeout: float = 30.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the address must be http://host:port, not {url}")
        self._open = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._target = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._free = connections
        self._waiting = 0
        self._waiting_max = waiting
        self._idle: List[HTTPConnection] = []
        self._closed = False
        self._changed = threading.Condition()

    def set(self, key: Key, value: Any) -> None:
        """Stores anything JSON can say under a key of 1 to 65,535 bytes."""
        self.set_json_text(key, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def get(self, key: Key, default: Any = None) -> Any:
        """The value; `default` where there is none. What was stored as bytes comes as the JSON it is, else as
        a str if it is UTF-8, else as bytes."""
        body = self._read(key, _JSON)
        if body is None:
            return default
        reply = _parse(body)
        return base64.b64decode(reply["data"]) if reply.get("encoding") == "base64" else reply["data"]

    def delete(self, key: Key) -> None:
        """Also succeeds where nothing was there."""
        _accepted(self._call("DELETE", _path(key)))

    def set_json_text(self, key: Key, text: str) -> None:
        """Stores a JSON text as it is, to the last digit."""
        data = text.encode()
        self._write(key, _JSON, b'{"value":%b}' % data, len(data))

    def get_json_text(self, key: Key) -> Optional[str]:
        data = self.get_bytes(key)
        return None if data is None else data.decode()

    def set_bytes(self, key: Key, value: bytes) -> None:
        """Stores up to 100 MiB as they are."""
        self._write(key, _BYTES, value, len(value))

    def get_bytes(self, key: Key) -> Optional[bytes]:
        """The value as bytes; of what was set as JSON, its text. None where there is none."""
        return self._read(key, _BYTES)

    def health(self) -> Dict[str, Any]:
        """What the node says about itself: status, uptime_seconds, cache_items, cache_size_mb,
        storage_size_mb, memory_mb (MiB) and more. Needs no authentication key."""
        return _parse(_accepted(self._call("GET", "/health")))

    def close(self) -> None:
        """Calls under way are finished, later ones fail."""
        with self._changed:
            self._closed = True
        self._drop_idle()

    def __enter__(self) -> "MiniVault":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, key: Key, kind: str) -> Optional[bytes]:
        status, body = self._call("GET", _path(key), {"Accept": kind})
        return None if status == 404 else _accepted((status, body))

    def _write(self, key: Key, kind: str, body: bytes, value_bytes: int) -> None:
        if value_bytes > VALUE_BYTES_MAX:
            raise MiniVaultError("VALUE_TOO_LARGE", f"a value has at most {VALUE_BYTES_MAX} bytes")
        _accepted(self._call("PUT", _path(key), {"Content-Type": kind}, body))

    def _call(
        self, method: str, path: str, headers: Optional[Dict[str, str]] = None, body: Optional[bytes] = None
    ) -> Tuple[int, bytes]:
        """Status and body of the answer."""
        deadline = time.monotonic() + self._timeout
        request = (method, self._prefix + path, body, {**self._headers, **(headers or {})})
        self._take_turn(deadline)
        try:
            resting = self._take_idle()
            if resting is not None:
                try:
                    return self._exchange(resting, request, deadline)
                except MiniVaultError as error:
                    # It may have died while it rested, most likely with all others. Only what changes nothing
                    # is sent again: a repeated write could undo what somebody else wrote in between.
                    if method != "GET" or error.code != "CONNECTION":
                        raise
                    self._drop_idle()
            return self._exchange(self._connect(deadline), request, deadline)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def _take_turn(self, deadline: float) -> None:
        with self._changed:
            if self._free == 0 and self._waiting >= self._waiting_max:
                raise MiniVaultError("POOL_FULL", "too many calls wait for a connection")
            self._waiting += 1
            try:
                ready = self._changed.wait_for(lambda: self._free > 0, _left(deadline))
            finally:
                self._waiting -= 1
            if not ready:
                raise MiniVaultError("TIMEOUT", "no connection became free in time")
            self._free -= 1

    def _take_idle(self) -> Optional[HTTPConnection]:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_alive(connection):
                return connection
            connection.close()

    def _drop_idle(self) -> None:
        with self._changed:
            dropped, self._idle = self._idle, []
        for connection in dropped:
            connection.close()

    def _connect(self, deadline: float) -> HTTPConnection:
        if self._closed:
            raise MiniVaultError("CLOSED", "the client is closed")
        connection = self._open(*self._target, timeout=min(self._connect_timeout, _left(deadline)))
        try:
            connection.connect()
        except OSError as error:
            raise _failure(error) from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _exchange(self, connection: HTTPConnection, request: Any, deadline: float) -> Tuple[int, bytes]:
        try:
            answer = _converse(connection, request, deadline)
        except (OSError, HTTPException) as error:
            connection.close()
            raise _failure(error) from error
        except BaseException:
            connection.close()
            raise
        with self._changed:
            if not self._closed:
                self._idle.append(connection)
                return answer
        connection.close()
        return answer


def _converse(connection: HTTPConnection, request: Any, deadline: float) -> Tuple[int, bytes]:
    wire = connection.sock  # http.client forgets it when the node announces the end of the connection
    wire.settimeout(_left(deadline))
    try:
        connection.request(*request)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the node may answer before it has read all, and its answer is there to be read
    wire.settimeout(_left(deadline))
    response = connection.getresponse()
    pieces = []
    while not response.isclosed():
        wire.settimeout(_left(deadline))
        pieces.append(response.read(_RECEIVE_BYTES))
    if response.length:
        raise ConnectionError("the node closed the connection within its answer")
    return response.status, b"".join(pieces)


def _is_alive(connection: HTTPConnection) -> bool:
    """A resting connection has nothing to read, unless it has ended."""
    if connection.sock is None:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return not selector.select(0)


def _path(key: Key) -> str:
    """Every byte that is not a letter, a digit or one of `-_.~` is percent-encoded: any key fits a path."""
    data = key.encode() if isinstance(key, str) else bytes(key)
    if not 1 <= len(data) <= KEY_BYTES_MAX:
        raise MiniVaultError("KEY_LENGTH", f"a key has 1 to {KEY_BYTES_MAX} bytes")
    return "/%68ealth" if data == b"health" else "/" + quote(data, safe="")  # /health is the node's own


def _accepted(answer: Tuple[int, bytes]) -> bytes:
    status, body = answer
    if 200 <= status < 300:
        return body
    reply = _parse(body)
    raise MiniVaultError(reply.get("code", "PROTOCOL"), reply.get("error", f"status {status}"), status)


def _parse(body: bytes) -> Dict[str, Any]:
    try:
        return json.loads(body)
    except ValueError as error:
        raise MiniVaultError("PROTOCOL", "the answer is not JSON") from error


def _left(deadline: float) -> float:
    """Seconds; never zero, which would mean not to wait at all."""
    return max(0.001, deadline - time.monotonic())


def _failure(error: Exception) -> MiniVaultError:
    if isinstance(error, socket.timeout):
        return MiniVaultError("TIMEOUT", "there was no answer in time")
    return MiniVaultError("CONNECTION", f"the connection failed: {error}")

"""Drives the Python clients for the conformance list: a command a line on stdin, its result a line on stdout.
See src/driver.ts for the commands. The first argument is the folder of the clients."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])

from minivault_binary import MiniVaultBinary, MiniVaultBinaryError  # noqa: E402
from minivault_http import MiniVault, MiniVaultError  # noqa: E402

ABSENT = object()


class Binary:
    def __init__(self, address, key, **options):
        vault = MiniVaultBinary(address, key, **options)
        self.set = self.set_text = self.set_bytes = vault.set
        self.get_bytes = vault.get
        self.set_json = vault.set_json
        self.get_json = lambda key: vault.get_json(key, ABSENT)
        self.delete, self.health, self.close = vault.delete, vault.health, vault.close

    def get(self, key):
        value = self.get_bytes(key)
        return None if value is None else value.decode()

    get_text = get


class Http:
    def __init__(self, address, key, **options):
        vault = MiniVault(f"http://{address}", key, **options)
        self.set = self.set_json = vault.set
        self.get = vault.get
        self.get_json = lambda key: vault.get(key, ABSENT)
        self.set_text, self.get_text = vault.set_json_text, vault.get_json_text
        self.set_bytes, self.get_bytes = vault.set_bytes, vault.get_bytes
        self.delete, self.health, self.close = vault.delete, vault.health, vault.close


def run(vault, command):
    action = command["do"]
    key = bytes.fromhex(command.get("key", ""))
    if action == "set":
        vault.set(key, command["text"])
    elif action == "get":
        return found("text", vault.get(key))
    elif action == "setJson":
        vault.set_json(key, command["json"])
    elif action == "getJson":
        value = vault.get_json(key)
        return {"missing": True} if value is ABSENT else {"json": value}
    elif action == "setText":
        vault.set_text(key, command["text"])
    elif action == "getText":
        return found("text", vault.get_text(key))
    elif action == "setBytes":
        vault.set_bytes(key, bytes.fromhex(command["hex"]))
    elif action == "getBytes":
        value = vault.get_bytes(key)
        return found("hex", None if value is None else value.hex())
    elif action == "fill":
        vault.set(key, "x" * command["size"])
    elif action == "length":
        value = vault.get(key)
        return found("size", None if value is None else len(value))
    elif action == "delete":
        vault.delete(key)
    elif action == "health":
        return {"json": vault.health()}
    elif action == "close":
        vault.close()
    elif action == "together":
        return {"good": sum(at_once(command["callers"], lambda caller: call(vault, caller)))}
    elif action == "crowd":
        return {"codes": sorted(at_once(command["callers"], lambda _: code_of_get(vault)))}
    else:
        raise ValueError(f"no such command: {action}")
    return {}


def found(name, value):
    return {"missing": True} if value is None else {name: value}


def at_once(callers, function):
    with ThreadPoolExecutor(callers) as threads:
        return list(threads.map(function, range(callers)))


def call(vault, caller):
    """Each caller sets and gets a key of its own."""
    vault.set(f"caller-{caller}", f"value-{caller}")
    return vault.get(f"caller-{caller}") == f"value-{caller}"


def code_of_get(vault):
    try:
        vault.get("crowd")
        return "OK"
    except (MiniVaultBinaryError, MiniVaultError) as error:
        return error.code


def main():
    vault = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "open":
                options = {"connections": command["connections"], "waiting": command["waiting"]}
                door = Binary if command["door"] == "binary" else Http
                timeout = command["timeoutMs"] / 1000
                vault = door(command["address"], command.get("authKey"), timeout=timeout, **options)
                result = {}
            else:
                result = run(vault, command)
        except (MiniVaultBinaryError, MiniVaultError) as error:
            result = {"error": error.code}
        except Exception as error:
            result = {"error": repr(error)}
        print(json.dumps(result), flush=True)


main()

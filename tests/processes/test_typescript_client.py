"""The TypeScript client in Node, without what old phones do not have: told apart are a server that
does not answer, an answer that does not come, and a fault."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.kit.floor import WITHOUT_IN_NODE
from tests.kit.needed import needed_program
from tests.kit.node import node, output, packages, start, write_program
from tests.kit.processes import free_port

__all__ = ["packages"]

# Prints what became of it.
PROGRAM = """
import { TwtcClient, Unreachable } from "./client.js";

const named = (error: Error) => error instanceof Unreachable ? "unreachable"
  : error.name === "AbortError" ? "given up" : `${error}`;
const wellOrNot = (work: Promise<unknown>) => work.then(() => "well", named);

const [nobody, silent, breaking] = process.argv.slice(2) as [string, string, string];
for (const baseUrl of [nobody, silent, breaking]) {
  const client = new TwtcClient({ baseUrl, answerMsMax: 300 });
  console.log("get", await wellOrNot(client.http.GET("/v1/wallet")));
  const giveUp = new AbortController();
  let waited = 0;
  const onWaiting = () => { if (++waited === 2) giveUp.abort(); };
  const options = { signal: giveUp.signal, onWaiting };
  console.log("act", await wellOrNot(client.act("/v1/mining/sessions", options)), waited);
}

const faulty = () => { throw new TypeError("fetch is broken"); };
const client = new TwtcClient({ baseUrl: nobody, fetch: faulty });
console.log("act", await wellOrNot(client.act("/v1/mining/sessions")));
console.log("statuses", await wellOrNot(client.statuses().next()));
console.log("events", await wellOrNot(client.events().next()));
const bodiless = new Response(null, { headers: { Date: new Date().toUTCString() } });
const still = new TwtcClient({ baseUrl: nobody, fetch: async () => bodiless.clone() });
console.log("events", await wellOrNot(still.events().next()));
"""


@contextmanager
def listener(says: bytes) -> Iterator[str]:
    """A server that says this much to everybody and hangs up; b"": one that only listens."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def answer() -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                held.append(near)
                if says:
                    near.recv(65536)
                    near.sendall(says)
                    near.close()

    threading.Thread(target=answer, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    for one in (server, *held):
        one.close()


@pytest.fixture
def program(tmp_path: Path, packages: Path) -> Path:
    """The compiled program, in an environment without what is younger than the floor."""
    main = f'{WITHOUT_IN_NODE}\nawait import("./guide.js");\nprocess.exit(0);\n'
    write_program(tmp_path, packages, PROGRAM, main)
    output(start(node(packages, "tsc"), tmp_path, {}))
    return tmp_path / "out" / "main.js"


def test_only_what_fetch_rejects_is_unreachable(program: Path) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with listener(b"") as silent, listener(half) as breaking:
        arguments = [f"http://127.0.0.1:{free_port()}", silent, breaking]
        tool = needed_program("node", package="nodejs")
        told = output(start([tool, str(program), *arguments], program.parent, {}))
    lines = told.splitlines()
    assert lines[:6] == ["get unreachable", "act given up 2"] * 3
    fault = "TypeError: fetch is broken"
    assert lines[6:9] == [f"act {fault}", f"statuses {fault}", f"events {fault}"]
    assert "cannot stream" in lines[9]

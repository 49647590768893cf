"""A small application for tests and the demo, the production service of a host: it answers HTTP, and each write goes
into a table, a tree and a journal of its own before it is acknowledged.

    application.py serve STATE ADDRESS SOCKET DATABASE TREE   serves until TERM; finishes what it has begun
    application.py start ...as serve                          starts it in the background, returns when it serves
    application.py stop STATE                                 returns when it has ended
    application.py active STATE                               status 0 while it runs, else 3
    application.py load ADDRESS PORT                          writes until its stdin closes or the first error; prints JSON

STATE is a directory of the host that is not migrated: pid, port, journal, and phase (what FT_PHASE was at the start).
"""

import http.client
import http.server
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

DEADLINE = 60  # seconds for a start or stop


class Application(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for requests that have begun
    block_on_close = True

    def __init__(self, state, address, socket, database, tree):
        import psycopg2
        self.connection = psycopg2.connect(host=socket, user="postgres", dbname=database)
        self.tree, self.journal = Path(tree), open(state / "journal", "a", buffering=1)
        self.write_lock = threading.Lock()
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS writes (number bigint PRIMARY KEY, at timestamptz DEFAULT now())")
        super().__init__((address, 0), Handler)

    def write(self, number):
        with self.write_lock:
            # The file first: the database never names one that is not there.
            (self.tree / f"write-{number}").write_text(f"{number}\n")
            with self.connection, self.connection.cursor() as cursor:
                cursor.execute("INSERT INTO writes (number) VALUES (%s)", (number,))
            self.journal.write(f"{number}\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_POST(self):
        number = int(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            self.server.write(number)
            status = 200
        except Exception as error:  # told to the client: it counts errors
            print(f"write {number}: {error}", file=sys.stderr)
            status = 500
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(state, *where):
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=application.shutdown).start())
    application = Application(state, *where)
    (state / "phase").write_text(os.environ.get("FT_PHASE", ""))
    (state / "pid").write_text(str(os.getpid()))
    (state / "port.new").write_text(str(application.server_address[1]))
    (state / "port.new").rename(state / "port")
    application.serve_forever(poll_interval=0.05)
    application.server_close()


def running(state):
    """The process that serves, or nothing."""
    try:
        pid = int((state / "pid").read_text())
        return pid if "application.py" in Path(f"/proc/{pid}/cmdline").read_text() else None
    except (OSError, ValueError):
        return None


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"application.py: waited {DEADLINE} s for {what}")
        time.sleep(0.02)


def start(state, *where):
    state.mkdir(parents=True, exist_ok=True)
    (state / "port").unlink(missing_ok=True)
    with open(state / "log", "ab") as log:
        process = subprocess.Popen([sys.executable, "-B", __file__, "serve", str(state), *where], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
    wait_until(lambda: (state / "port").exists() or process.poll() is not None, "the application to serve")
    return process.poll() or 0


def stop(state):
    pid = running(state)
    if pid:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: running(state) != pid, "the application to end")
    return 0


def load(address, port):
    acknowledged, errors = [], []
    number = int(time.time() * 1000) * 1000
    while not select.select([sys.stdin], [], [], 0)[0] and not errors:
        number += 1
        try:
            connection = http.client.HTTPConnection(address, int(port), timeout=DEADLINE)
            connection.request("POST", "/write", str(number))
            status = connection.getresponse().status
            connection.close()
            if status == 200:
                acknowledged.append(number)
            else:
                errors.append(f"status {status}")
        except OSError as error:
            errors.append(str(error))
        except http.client.HTTPException as error:
            errors.append(repr(error))
        if len(acknowledged) == 1:
            print("writing", flush=True)
    print(json.dumps({"acknowledged": acknowledged, "errors": errors}), flush=True)
    return 0


def main(command, *arguments):
    if command == "load":
        return load(*arguments)
    state, *where = arguments
    state = Path(state)
    if command == "active":
        return 0 if running(state) else 3
    return {"serve": serve, "start": start, "stop": stop}[command](state, *where) or 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

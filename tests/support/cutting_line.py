"""The line between two hosts, with a knife: a port on the old host that passes everything on to the source."""

import ctypes
import os
import socket
import struct
import threading
import time

CLONE_NEWNET = 0x40000000


def enter_namespace(name):
    """The calling thread makes its sockets there from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{name}") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", name)


def reset(end):
    """Ends a connection as a broken line does: by RST."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)  # wakes who reads
    except OSError:
        pass
    end.close()


class Carried:
    """One connection: what it is for, and the bytes that came from the source."""

    def __init__(self, client, server):
        self.ends = (client, server)
        self.transfer = None  # known after its first bytes: ALPN is sent in clear
        self.from_source = 0

    def cut(self):
        for end in self.ends:
            reset(end)


class CuttingLine:
    """`port` takes the place of the source's, whose code it lends. `refusing`: nobody gets through. `rate`: bytes a
    second that it passes on from the source over each connection, at most."""

    def __init__(self, source):
        self.host, self.target, self.code_file = source.host, source.port, source.code_file
        self.carried, self.refusing, self.rate, self.lock = [], False, None, threading.Lock()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.accept, args=[ready], daemon=True)
        self.thread.start()
        ready.wait()

    def accept(self, ready):
        enter_namespace(self.host.namespace)
        self.listener = socket.create_server((self.host.address, 0))
        self.port = self.listener.getsockname()[1]
        ready.set()
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                if self.refusing:
                    raise OSError
                carried = Carried(client, socket.create_connection((self.host.address, self.target)))
            except OSError:
                reset(client)
                continue
            with self.lock:
                self.carried.append(carried)
            for way in (0, 1):
                threading.Thread(target=self.carry, args=[carried, way], daemon=True).start()

    def carry(self, carried, way):
        come, go = carried.ends[way], carried.ends[1 - way]
        try:
            while data := come.recv(65536):
                if way == 0 and carried.transfer is None:
                    carried.transfer = b"\x05rsync" in data
                if way == 1:
                    carried.from_source += len(data)
                    time.sleep(len(data) / self.rate if self.rate else 0)
                go.sendall(data)
            go.shutdown(socket.SHUT_WR)
        except OSError:
            carried.cut()

    def cut(self, which=lambda carried: True):
        with self.lock:
            for carried in self.carried:
                if which(carried):
                    carried.cut()

    def received(self):
        """Bytes that came from the source over all connections."""
        return sum(carried.from_source for carried in self.carried)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        self.cut()

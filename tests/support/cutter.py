"""A proxy before the source that cuts the connection at a byte of a run, counted over all its connections."""

import ctypes
import selectors
import socket
import struct
import threading

UP, DOWN = "to the source", "to the destination"
NEW_NET = 0x40000000  # CLONE_NEWNET, as <sched.h> has it


class Cutter:
    """Listens beside the source. `counts`: bytes of each direction since the last arm()."""

    def __init__(self, world, port):
        self.target = (world.old.address, port)
        self.namespace = f"/run/netns/{world.old.namespace}"
        self.lock = threading.Lock()
        self.pairs = {}
        self.arm()
        ready = threading.Event()
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self._work, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()

    def arm(self, direction=None, at=None, orderly=True):
        """The connection that carries byte number `at` (from 1) of a direction ends before that one: by a reset, or as if its
        peer had closed it. Once. What comes after that passes."""
        with self.lock:
            self.direction, self.at, self.orderly, self.counts, self.cut = direction, at, orderly, {UP: 0, DOWN: 0}, False

    def _work(self, ready):
        with open(self.namespace) as namespace:  # of this thread alone
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), NEW_NET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        self.selector = selectors.DefaultSelector()
        listener = socket.create_server((self.target[0], 0), backlog=50)
        self.port = listener.getsockname()[1]
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        ready.set()
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    for end in [*self.pairs, listener]:
                        end.close()
                    return
                if key.fileobj is listener or key.fileobj in self.pairs:
                    key.data(key.fileobj)

    def _accept(self, listener):
        near, _ = listener.accept()
        try:
            far = socket.create_connection(self.target)
        except OSError:
            near.close()
            return
        for end, other, direction in ((near, far, UP), (far, near, DOWN)):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs[end] = (other, direction)
            self.selector.register(end, selectors.EVENT_READ, self._carry)

    def _carry(self, end):
        other, direction = self.pairs[end]
        try:
            data = end.recv(65536)
            with self.lock:
                left = self.at - 1 - self.counts[direction] if direction == self.direction and not self.cut else len(data)
                ends, data = len(data) > left, data[:left]
                self.counts[direction] += len(data)
                self.cut = self.cut or ends
            if data:
                other.sendall(data)
            if ends:
                self._drop(end, reset=not self.orderly)
            elif not data:
                other.shutdown(socket.SHUT_WR)
                self.selector.unregister(end)
                self.pairs[end] = (None, direction)
                if self.pairs[other][0] is None:
                    self._drop(end, other=other)
        except OSError:
            self._drop(end)

    def _drop(self, end, other=None, reset=False):
        for each in (end, other or self.pairs[end][0]):
            if each is None or self.pairs.pop(each, None) is None:
                continue
            try:
                self.selector.unregister(each)
            except KeyError:
                pass
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.close()

    def close(self):
        self.waker.send(b"x")
        self.thread.join()
        self.wake.close()
        self.waker.close()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real TCP between two kernels, for veth.py: one side of it.

usage: exchange.py serve ADDRESS...       says "ready" and serves until its standard input closes
       exchange.py ask ADDRESS...         does all of it once for each address

Ports: 7001 answers and closes; 7002 sends much; 7003 aborts; 7009 has no listener.
"""
import contextlib
import socket
import struct
import sys
import threading

ANSWER, MUCH, ABORT, NOBODY = 7001, 7002, 7003, 7009
SIZE = 300_000
QUESTION = b'x' * 4000


def abort(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def serve_one(connection, port):
    if port == ABORT:
        connection.recv(100)
        abort(connection)
        return
    with contextlib.suppress(ConnectionResetError), connection:
        while data := connection.recv(65536):
            connection.sendall(b'y' * SIZE if port == MUCH else data)


def listen(address, port):
    listener = socket.create_server((address, port), backlog=8, family=(
        socket.AF_INET6 if ':' in address else socket.AF_INET))

    def loop():
        while True:
            serve_one(listener.accept()[0], port)
    threading.Thread(target=loop, daemon=True).start()


def read_all(connection, size):
    """Each end closes when the other is silent: who looks where sees FIN and data in one order."""
    total = 0
    while total < size:
        data = connection.recv(65536)
        assert data, 'it ended early'
        total += len(data)
    connection.shutdown(socket.SHUT_WR)
    assert total == size and not connection.recv(1)


def ask(address):
    with socket.create_connection((address, ANSWER), 5) as connection:
        connection.sendall(QUESTION)
        read_all(connection, len(QUESTION))
    with socket.create_connection((address, MUCH), 5) as connection:
        connection.sendall(b'?')
        read_all(connection, SIZE)
    with socket.create_connection((address, ABORT), 5) as connection:
        connection.sendall(b'?')
        with contextlib.suppress(ConnectionResetError):
            assert not connection.recv(100)
    try:
        socket.create_connection((address, NOBODY), 5)
        sys.exit('somebody listens there')
    except ConnectionRefusedError:
        pass
    with socket.create_connection((address, ANSWER), 5) as connection:
        connection.sendall(b'!')
        assert connection.recv(1) == b'!'
        abort(connection)


def main():
    if sys.argv[1] == 'serve':
        for address in sys.argv[2:]:
            for port in (ANSWER, MUCH, ABORT):
                listen(address, port)
        print('ready', flush=True)
        sys.stdin.read()
    else:
        for address in sys.argv[2:]:
            ask(address)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""daemon.py RUN ANSWER: answer one request on RUN/control with the file ANSWER.

Prints "up" when it listens, then the request as "OP FLAGS TEXT".
"""

import os
import socket
import struct
import sys


def main():
    run, answer = sys.argv[1:3]
    path = f'{run}/control'
    os.makedirs(run, mode=0o700, exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(1)
    print('up', flush=True)
    client, _ = listener.accept()
    _, op, flags, size = struct.unpack_from('<IHHI', request := client.recv(4096))
    print(op, flags, request[12:12 + size].decode(errors='replace'), flush=True)
    with open(answer, 'rb') as f:
        client.send(f.read())
    client.close()


if __name__ == '__main__':
    main()

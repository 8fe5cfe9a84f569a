# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# leak.py - the same in Python: the interpreter's native frames are all that is asked for here.
import os
import select
import sys

sessions = []


def insert(n):
    sessions.append(bytearray(b"x" * 3000) + b"%d" % n)


def handle(n):
    reply = ["line %d" % (n + i) for i in range(40)]
    insert(n)
    return len(reply)


def main():
    rate = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    n = 0
    print('{"event":"ready","pid":%d}' % os.getpid(), flush=True)
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        due = rate * 1e4
        while due > 0 and n < 400000000 / 3000:
            handle(n)
            n += 1
            due -= 3000


main()

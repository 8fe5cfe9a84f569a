# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""bounded.py - objects in cycles that Python's collector must find, and a queue of a fixed length."""
import collections
import os
import sys
import time

PER_TICK = 400
TICK_S = 0.02


class Node:
    def __init__(self, number):
        self.number = number
        self.text = "node %d" % number
        self.other = None


def main():
    queue = collections.deque(maxlen=20000)
    number = 0
    sys.stdout.write('{"event":"ready","pid":%d}\n' % os.getpid())
    sys.stdout.flush()
    while True:
        for _ in range(PER_TICK):
            number += 1
            one, two = Node(number), Node(-number)
            one.other, two.other = two, one
            queue.append({"id": number, "values": [number] * 10})
        time.sleep(TICK_S)


main()

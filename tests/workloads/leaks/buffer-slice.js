// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// buffer-slice.js - a few bytes of each packet are kept, and with them the whole packet.
// (allocUnsafeSlow: the pool of allocUnsafe would share packets; it grew to 64 KB with Node 26.)
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const SIZE = 16384;
const headers = [];

function readPacket(i) {
  const packet = Buffer.allocUnsafeSlow(SIZE).fill(i & 255); // LEAK fn=readPacket kind=external via=keepHeader,tick
  return packet;
}

function keepHeader(i) {
  headers.push(readPacket(i).slice(0, 16)); // looks small
}

function dropPacket(i) { // GARBAGE fn=dropPacket
  return Buffer.allocUnsafeSlow(SIZE).fill(i & 255)[16];
}

// Most packets are dropped: what counts is what of the memory outside is still there.
pace({
  keep: keepHeader,
  bytes: SIZE + 300,
  churn: (i) => (i % 8 ? churn(i) : dropPacket(i)),
  churnBytes: (7 * 1200 + SIZE) / 8,
});

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// twins.js - leaks and their fixes: programs that differ in nothing but that one forgets to let go.
//
//   node twins.js SHAPE leak|fixed
//
// Both do the same work (leaks/pace.js: RATE, GARBAGE) and keep what the last LATEST calls made. What
// is older `fixed` lets go of, as the program is meant to, and `leak` does not. WORKERS=N: of the work, each
// of so many cluster workers does all.
'use strict';

const cluster = require('cluster');
const EventEmitter = require('events');

const { churn } = require('../leaks/garbage');
const { pace, number } = require('../leaks/pace');

const LATEST = 200;
const DAY_MS = 24 * 3600 * 1000;

class Order {
  constructor(i) {
    this.id = i;
    this.lines = new Array(60).fill(i);
  }
}

const SHAPES = {
  array() {
    const openOrders = [];
    return {
      bytes: 560,
      put: function submitOrder(i) {
        openOrders.push(new Order(i));
      },
      drop: () => openOrders.shift(),
    };
  },
  map() {
    const sessions = new Map();
    return {
      bytes: 670,
      put: function openSession(i) {
        sessions.set(`session-${i}`, new Order(i));
      },
      drop: (i) => sessions.delete(`session-${i}`),
    };
  },
  literal() {
    const replies = {};
    return {
      bytes: 620,
      put: function storeReply(i) {
        replies[`reply-${i}`] = { status: 200, at: i, body: new Array(60).fill(i) };
      },
      drop: (i) => delete replies[`reply-${i}`],
    };
  },
  closure() {
    const undoList = [];
    return {
      bytes: 640,
      put: function makeUndo(i) {
        const cells = new Array(60).fill(i);
        undoList.push(() => cells[0]);
      },
      drop: () => undoList.shift(),
    };
  },
  emitter() {
    const config = new EventEmitter();
    const listeners = new Map();
    config.setMaxListeners(0);
    return {
      bytes: 700,
      put: function watchConfig(i) {
        const order = new Order(i);
        const onChange = () => order.lines.fill(0);
        config.on('change', onChange);
        listeners.set(i, onChange);
      },
      drop(i) {
        config.removeListener('change', listeners.get(i));
        listeners.delete(i);
      },
    };
  },
  timers() {
    const armed = [];
    return {
      bytes: 850,
      put: function armDeadline(i) {
        const order = new Order(i);
        armed.push(setTimeout(() => order.lines.fill(0), DAY_MS));
      },
      drop: () => clearTimeout(armed.shift()),
    };
  },
  promise() {
    const waiting = [];
    async function waitForReply(i) {
      const order = new Order(i);
      await new Promise((resolve) => waiting.push(resolve));
      return order;
    }
    return { bytes: 1150, put: waitForReply, drop: () => waiting.shift()() };
  },
  string() {
    const transcripts = [];
    return {
      bytes: 1350,
      put: function closeCall(i) {
        let text = `transcript ${i}`;
        for (let n = 0; n < 12; n++) text += `, line ${n} of ${i}`;
        transcripts.push(text);
      },
      drop: () => transcripts.shift(),
    };
  },
  buffer() {
    const uploads = [];
    return {
      bytes: 16700,
      put: function storeUpload(i) {
        uploads.push(Buffer.alloc(16384, i & 255));
      },
      drop: () => uploads.shift(),
    };
  },
};

function work(shape, isFixed) {
  const { bytes, put, drop } = SHAPES[shape]();

  function handle(i) {
    put(i);
    if (isFixed && i >= LATEST) drop(i - LATEST);
  }
  pace({ keep: handle, bytes, churn });
}

function main() {
  const [, , shape, mode] = process.argv;
  const workers = number('WORKERS', 0);

  if (!SHAPES[shape] || !['leak', 'fixed'].includes(mode)) {
    process.stderr.write(`twins.js: SHAPE leak|fixed, and SHAPE is one of ${Object.keys(SHAPES).join(', ')}\n`);
    process.exit(2);
  }
  if (!workers || cluster.isWorker) return work(shape, mode === 'fixed');
  for (let i = 0; i < workers; i++) cluster.fork();
  process.stdin.on('end', () => process.exit(0));
  return process.stdin.resume();
}

main();

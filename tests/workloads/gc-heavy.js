// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// gc-heavy.js - as much of what V8 does with memory and code as fits, with a result that is always the
// same: to be compared with a run under probes.
//
//   node --expose-gc [V8 FLAGS] gc-heavy.js [--rounds N | --seconds S] [--wait-go]
//
// {"event":"ready","pid":P}, then (with --wait-go when stdin says "go") so many rounds, or as many
// as fit, then {"event":"done","rounds":N,"checksum":"...","seconds":S}. The checksum is that of
// the rounds alone: a second run with --rounds N must print it too, on the same Node.
//
// A round: trees and strings that die young, and some that live for 64 rounds; collections from inside deep
// recursion, array callbacks and JSON revivers, so that V8 walks and fixes up stacks of every kind;
// errors, whose text holds the stack; functions made from text, run hot, left until their code is
// flushed, and run again; a function that is optimised for one shape and gets another; Buffers and
// ArrayBuffers, transferred to a worker and back; generators, async functions, WeakMaps. Every 10th
// starts a worker that does rounds of its own, and joins it 5 rounds later.
'use strict';

const fs = require('fs');
const { isMainThread, parentPort, Worker, workerData } = require('worker_threads');

const OLD_ROUNDS = 64;
const WORKER_EVERY = 10;
const WORKER_JOIN_AFTER = 5;
const DEPTH = 60;

const collect = global.gc || (() => {});

// One program's worth of state: the main thread's, or a worker's.
class Churn {
  constructor(seed) {
    this.seed = seed;
    this.sum = seed >>> 0;
    this.old = new Array(OLD_ROUNDS).fill(null);
    this.functions = [];
    this.tags = new WeakMap();
    this.workers = new Map();
  }

  random(n) {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return this.seed % n;
  }

  add(value) {
    const text = String(value);
    for (let i = 0; i < text.length; i++) {
      this.sum = Math.imul(this.sum ^ text.charCodeAt(i), 16777619) >>> 0;
    }
  }

  tree(depth) {
    if (depth === 0) return { leaf: this.random(1000), text: `leaf ${this.random(50)}`, value: this.random(9) / 7 };
    const node = { left: this.tree(depth - 1), right: this.tree(depth - 1), list: [depth, `${depth}`] };
    this.tags.set(node, depth);
    return node;
  }

  weigh(node) {
    if (node.leaf !== undefined) return node.leaf + node.text.length + node.value;
    return this.weigh(node.left) + this.weigh(node.right) + node.list.length + this.tags.get(node);
  }

  youngAndOld(round) {
    for (let i = 0; i < 40; i++) this.add(this.weigh(this.tree(6)));
    const slot = round % OLD_ROUNDS;
    if (this.old[slot]) this.add(this.weigh(this.old[slot]));
    this.old[slot] = this.tree(9);
    const map = new Map();
    for (let i = 0; i < 4000; i++) map.set(`key ${i}`, [i]);
    for (let i = 0; i < 4000; i += 3) map.delete(`key ${i}`);
    this.add(map.size);
  }

  // Collects with all these frames on the stack, and then returns through them.
  deep(depth, payload) {
    if (depth === 0) {
      collect();
      return [payload.reduce((a, b) => a + b, 0)].map((x) => (collect(), x + 1))[0];
    }
    const mine = payload.map((x) => x + depth);
    return this.deep(depth - 1, mine) + mine[depth % mine.length];
  }

  nativeFrames() {
    const text = JSON.stringify({ a: [1, 2, { b: 'c'.repeat(40) }], toJSON: undefined });
    let calls = 0;
    const parsed = JSON.parse(text, (key, value) => {
      if (++calls === 3) collect();
      return typeof value === 'number' ? value + 1 : value;
    });
    this.add(JSON.stringify(parsed));
    this.add('the quick brown fox'.replace(/o\w?/g, (match) => (collect(), match.toUpperCase())));
    this.add([5, 3, 9, 1, 7].sort((a, b) => (`${a}`.length, a - b)).join());
  }

  fail(depth) {
    if (depth === 0) {
      collect();
      throw new RangeError(`failed on purpose ${this.random(100)}`);
    }
    try {
      return this.fail(depth - 1);
    } finally {
      this.add(depth);
    }
  }

  errors() {
    try {
      this.fail(12);
    } catch (error) {
      this.add(error.stack.replace(/\(.*[/\\]/g, '('));
    }
  }

  code(round) {
    const body = `let s = ${round}; for (let i = 0; i < n; i++) s = (s * 31 + i * ${(round % 17) + 1}) % 65521; return { s };`;
    this.functions.push(new Function('n', body));
    for (let i = 0; i < 40; i++) this.add(this.functions[this.functions.length - 1](200).s);
    // Long unused, perhaps flushed meanwhile
    if (this.functions.length > 24) this.add(this.functions.shift()(50).s);
  }

  deopts(round) {
    const area = new Function('o', `return o.w * o.h + ${round % 5};`);
    let sum = 0;
    for (let i = 0; i < 6000; i++) sum += area({ w: i, h: 2 });
    sum += area({ h: 0.5, w: 3, depth: 'x' });
    sum += Number(area({ w: '4', h: 2 }));
    for (let i = 0; i < 500; i++) sum += area({ h: 1.5, w: i });
    this.add(sum);
  }

  buffers() {
    let sum = 0;
    for (let i = 0; i < 24; i++) {
      const buffer = Buffer.alloc(1 + this.random(60000), i);
      const slice = buffer.slice(buffer.length >> 1);
      sum += slice.length + slice[0] + Buffer.from(`text ${i}`).toString('hex').length;
      sum += new Uint8Array(this.random(3000)).subarray(1).length;
    }
    this.add(sum);
  }

  async promises() {
    function* counted(n) {
      for (let i = 0; i < n; i++) yield { i, text: `${i}` };
    }
    const later = async (value) => {
      await null;
      return value.i + value.text.length;
    };
    const all = await Promise.all(Array.from(counted(200), later));
    this.add(all.reduce((a, b) => a + b, 0));
  }

  startWorker(round) {
    const bytes = new Uint8Array(5000).fill(round & 255);
    const worker = new Worker(__filename, { workerData: { seed: round * 7919 + 1, rounds: 4 } });
    this.workers.set(round + WORKER_JOIN_AFTER, new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    }));
    worker.postMessage(bytes.buffer, [bytes.buffer]);
    this.add(bytes.length);
  }

  async joinWorker(round) {
    const promise = this.workers.get(round);
    if (!promise) return;
    this.workers.delete(round);
    const { sum, buffer } = await promise;
    this.add(sum);
    this.add(new Uint8Array(buffer).reduce((a, b) => a + b, 0));
  }

  async round(round, withWorkers) {
    this.youngAndOld(round);
    if (round % 4 === 0) this.add(this.deep(DEPTH, [1, 2, 3, round]));
    this.nativeFrames();
    this.errors();
    this.code(round);
    this.deopts(round);
    this.buffers();
    await this.promises();
    if (withWorkers && round % WORKER_EVERY === 0) this.startWorker(round);
    await this.joinWorker(round);
  }
}

async function work() {
  parentPort.once('message', async (buffer) => {
    const churn = new Churn(workerData.seed);
    for (let round = 1; round <= workerData.rounds; round++) await churn.round(round, false);
    parentPort.postMessage({ sum: churn.sum, buffer }, [buffer]);
  });
}

function say(line) {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function readOptions(argv) {
  const options = { rounds: 0, seconds: 0, waitGo: false };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--wait-go') options.waitGo = true;
    else if (argv[i] === '--rounds') options.rounds = Number(argv[++i]);
    else if (argv[i] === '--seconds') options.seconds = Number(argv[++i]);
    else throw new Error(`unknown option ${argv[i]}`);
  }
  return options;
}

function waitGo() {
  return new Promise((resolve) => {
    process.stdin.on('data', (data) => {
      if (String(data).includes('go')) resolve();
    });
  });
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  const churn = new Churn(4711);
  let round = 0;

  say({ event: 'ready', pid: process.pid });
  if (options.waitGo) await waitGo();
  const start = Date.now();
  while (options.rounds ? round < options.rounds : Date.now() - start < options.seconds * 1000) {
    await churn.round(++round, true);
  }
  for (const due of Array.from(churn.workers.keys()).sort((a, b) => a - b)) await churn.joinWorker(due);
  say({ event: 'done', rounds: round, checksum: churn.sum.toString(16), seconds: (Date.now() - start) / 1000 });
  process.stdin.unref && process.stdin.pause();
}

const failed = (error) => {
  process.stderr.write(`gc-heavy.js: ${error.stack}\n`);
  process.exit(1);
};
(isMainThread ? main() : work()).catch(failed);

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// leaks.js - programs that keep objects in one container, in all the ways that programs do.
//
//   node leaks.js SHAPE      keeps 3,000 at once, then 100 more every 100 ms; ends by a signal
//   node leaks.js --list     the truth, by which memwatch is judged: a line of JSON for each shape:
//                            {"shape", "what", "kind", "container", "holder", "file"}
//
// what:      the constructor of what leaks, as V8 names it; kind: and its kind, as memwatch names that
// container: what memwatch may call what holds them, as an extended regular expression
// holder:    the variable or property by which the program knows the container; one of them, if there are more
// file:      where its code is
'use strict';

const { AsyncLocalStorage, createHook, executionAsyncId } = require('async_hooks');
const EventEmitter = require('events');
const path = require('path');
const { isMainThread, Worker, workerData } = require('worker_threads');

const FIRST = 3000;
const EACH_TICK = 100;
const TICK_MS = 100;

let made = 0;

class Job {
  constructor() {
    this.id = made++;
    this.at = Date.now();
    this.data = `job ${this.id}`;
  }
}

const SHAPES = {
  array: {
    truth: ['Job', 'Array', 'pendingJobs'],
    start() {
      const pendingJobs = [];
      return () => pendingJobs.push(new Job());
    },
  },
  dictionary: {
    truth: ['Job', 'Object|\\{', 'jobsByKey'],
    start() {
      const jobsByKey = {};
      return () => {
        jobsByKey[`key ${made}`] = new Job();
      };
    },
  },
  'integer-keys': {
    truth: ['Job', 'Object|\\{', 'jobsById'],
    start() {
      const jobsById = {};
      return () => {
        jobsById[made * 1000] = new Job();
      };
    },
  },
  map: {
    truth: ['Job', 'Map', 'runningJobs'],
    start() {
      const runningJobs = new Map();
      return () => runningJobs.set(made, new Job());
    },
  },
  set: {
    truth: ['Job', 'Set', 'liveJobs'],
    start() {
      const liveJobs = new Set();
      return () => liveJobs.add(new Job());
    },
  },
  emitter: {
    truth: ['Job', 'Array', '_events|eventBus'],
    start() {
      const eventBus = new EventEmitter();
      eventBus.setMaxListeners(0);
      return () => {
        const job = new Job();
        eventBus.on('tick', function onTick() {
          return job.id;
        });
      };
    },
  },
  static: {
    truth: ['Job', 'Map', 'allJobs|Registry'],
    start() {
      class Registry {
        static allJobs = new Map();

        static add(job) {
          Registry.allJobs.set(job.id, job);
        }
      }
      return () => Registry.add(new Job());
    },
  },
  private: {
    truth: ['Job', 'Map', '#store'],
    start() {
      class Cache {
        #store = new Map();

        put(job) {
          this.#store.set(`key ${job.id}`, job);
        }
      }
      const cache = new Cache();
      return () => cache.put(new Job());
    },
  },
  global: {
    truth: ['Job', 'Array', 'globalJobs'],
    start() {
      globalThis.globalJobs = [];
      return () => globalThis.globalJobs.push(new Job());
    },
  },
  timers: {
    truth: ['Job', 'TimersList|TimersList|Timeout|Array|Map|Object|\\{', '_idleNext|_idlePrev|_onTimeout|timerListMap|lists|knownTimersById'],
    start() {
      return () => {
        const job = new Job();
        setInterval(function poll() {
          return job.id;
        }, 1e8);
      };
    },
  },
  promise: {
    truth: ['Job', 'Array', 'waiters'],
    start() {
      const waiters = [];
      return () => {
        const job = new Job();
        waiters.push(new Promise((resolve) => setImmediate(() => resolve(job))));
      };
    },
  },
  closure: {
    truth: ['Job', 'Array', 'callbacks'],
    start() {
      const callbacks = [];
      return () => {
        const job = new Job();
        callbacks.push(() => job.id);
      };
    },
  },
  'weak-map': {
    truth: ['Job', 'WeakMap|Array', 'metaOfKey|jobKeys'],
    start() {
      const metaOfKey = new WeakMap();
      const jobKeys = [];
      return () => {
        const key = { key: made };
        jobKeys.push(key);
        metaOfKey.set(key, new Job());
      };
    },
  },
  literal: {
    truth: ['{sid, user, last}', 'Map', 'sessions'],
    start() {
      const sessions = new Map();
      return () => sessions.set(`session ${made}`, { sid: made++, user: `user ${made}`, last: Date.now() });
    },
  },
  buffers: {
    truth: ['ArrayBuffer', 'Array', 'chunks'],
    start() {
      const chunks = [];
      return () => chunks.push(Buffer.alloc(2000));
    },
  },
  esm: {
    truth: ['Order', 'Map', 'openOrders', 'esm.mjs'],
    start: () => import('./esm.mjs').then((module) => module.keep),
  },
  linked: {
    truth: ['Job', 'Job|Context', 'lastJob|next'],
    start() {
      let lastJob = null;
      return () => {
        const job = new Job();
        job.next = lastJob;
        lastJob = job;
      };
    },
  },
  worker: {
    truth: ['Job', 'Set', 'workersJobs'],
    start() {
      if (isMainThread) {
        new Worker(__filename, { workerData: 'worker' });
        return () => {};
      }
      const workersJobs = new Set();
      return () => workersJobs.add(new Job());
    },
  },
  nested: {
    truth: ['Job', 'Map', 'jobs|tenants|byTenant'],
    start() {
      class Tenant {
        constructor() {
          this.jobs = new Map();
        }
      }
      class Directory {
        constructor() {
          this.byTenant = new Map([['acme', new Tenant()]]);
        }
      }
      const tenants = new Directory();
      return () => {
        const { jobs } = tenants.byTenant.get('acme');
        jobs.set(made, new Job());
      };
    },
  },
  'async-local': {
    truth: ['Job', 'Array', 'suspended'],
    start() {
      const storage = new AsyncLocalStorage();
      const suspended = [];
      return () =>
        storage.run(new Job(), () => {
          const never = new Promise(() => {});
          suspended.push(never);
          never.then(() => storage.getStore());
        });
    },
  },
  'async-hook': {
    truth: ['Job', 'Map', 'resources'],
    start() {
      const resources = new Map();
      createHook({
        init(id) {
          resources.set(id, new Job());
        },
        // No destroy()
      }).enable();
      return () => Promise.resolve(executionAsyncId());
    },
  },
  argument: {
    truth: ['Job', 'Array', 'queue'],
    start() {
      const feed = (queue) => () => queue.push(new Job());
      return feed([]);
    },
  },
};

// Whatever waits for the loop to turn must not wait for the first 3,000.
function run(keep) {
  globalThis.keep = keep;
  for (let i = 0; i < FIRST; i++) keep();
  setInterval(() => {
    for (let i = 0; i < EACH_TICK; i++) keep();
  }, TICK_MS);
  if (isMainThread) process.stdout.write(`${JSON.stringify({ event: 'ready', pid: process.pid })}\n`);
}

function list() {
  for (const [shape, { truth }] of Object.entries(SHAPES)) {
    const [what, container, holder, file = path.basename(__filename)] = truth;
    process.stdout.write(`${JSON.stringify({ shape, what, kind: 'object', container, holder, file })}\n`);
  }
}

function main() {
  const shape = isMainThread ? process.argv[2] : workerData;

  if (shape === '--list') return list();
  if (!SHAPES[shape]) {
    process.stderr.write(`leaks.js: '${shape}' is none of ${Object.keys(SHAPES).join(', ')}\n`);
    return process.exit(2);
  }
  return Promise.resolve(SHAPES[shape].start()).then(run);
}

main();

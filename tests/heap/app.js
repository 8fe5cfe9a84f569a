// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// app.js - an application whose heap has a bit of everything: packages from npm that it has loaded and
// used, and data of all the kinds that programs have. What a census of it says is compared
// with what V8's own heap snapshot says (compare.js).
//
//   NODE_PATH=.../modules/node_modules node [--expose-gc] app.js [--size MB]
//
//   GET /                   a page by express, with garbage left behind
//   GET /memory             process.memoryUsage(), after a collection if there is gc()
//   GET /snapshot?PATH      v8.writeHeapSnapshot(PATH)
//
// Prints {"listening": PORT, "pid": PID, "packages": N}. --size adds so many MB of small objects. Listens on
// 127.0.0.1 only; ends by SIGTERM. Runs on Node 12 and newer.
'use strict';

const fs = require('fs');
const path = require('path');
const v8 = require('v8');

// All packages that node.sh has put there, also those that others of them need.
function loadPackages() {
  const root = path.dirname(path.dirname(require.resolve('lru-cache/package.json')));
  const found = {};

  const take = (name) => {
    if (name.startsWith('.')) return;
    if (/^@[^/]*$/.test(name)) {
      for (const scoped of fs.readdirSync(path.join(root, name))) take(`${name}/${scoped}`);
      return;
    }
    try {
      found[name] = require(name);
    } catch (error) {
      // Not all are to be required, nor run on all versions
    }
  };
  for (const name of fs.readdirSync(root)) take(name);
  return found;
}

class User {
  constructor(i) {
    this.id = i;
    this.name = `user ${i}`;
    this.tags = new Set([`tag ${i}`, 'all']);
    this.since = new Date(1e12 + i);
    this.pattern = /x+/;
  }
}

class Admin extends User {
  constructor(i) {
    super(i);
    this.token = Symbol(`token ${i}`);
    this.big = BigInt(i + 2) * BigInt('123456789012345678901234567890');
  }
}

class Collection extends Array {}

class Secret {
  #value;

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }
}

function legacyShape(i) {
  this.i = i;
}
legacyShape.prototype.area = function area() {
  return this.i * 2;
};

function* countdown(n) {
  while (n > 0) yield n--;
}

async function waits(promise) {
  await promise;
}

function times(n, make) {
  return Array.from({ length: n }, (_, i) => make(i));
}

function tagged(i) {
  return { [Symbol.toStringTag]: 'Tagged', i };
}

function ownData() {
  const keys = times(500, (i) => ({ key: i }));
  const never = new Promise(() => {});
  const meta = new WeakMap(keys.map((key, i) => [key, { meta: i }]));
  const generators = times(100, (i) => countdown(i + 2));

  for (const generator of generators) generator.next();
  return {
    users: times(5000, (i) => new User(i)),
    admins: times(500, (i) => new Admin(i)),
    json: JSON.parse(JSON.stringify(times(3000, (i) => ({ id: i, in: { a: [1, 2, i], text: 'x'.repeat(i % 50), half: i / 3 } })))),
    floats: times(200, (i) => new Float64Array(i)),
    bytes: times(100, (i) => new Uint8Array(new ArrayBuffer(1000 + i))),
    views: times(50, (i) => new DataView(new ArrayBuffer(i))),
    shared: times(20, () => new SharedArrayBuffer(64)),
    buffers: times(300, (i) => Buffer.from(`hello ${i}`)),
    large: times(20, (i) => Buffer.alloc(50000, i)),
    promises: times(500, () => new Promise(() => {})),
    waiting: times(100, () => waits(never)),
    bare: times(500, (i) => Object.assign(Object.create(null), { i, [`k${i}`]: 1 })),
    errors: times(100, (i) => new TypeError(`wrong ${i}`)),
    generators,
    proxies: times(100, (i) => new Proxy({ i }, {})),
    keys: keys.filter((_, i) => i % 2),
    meta,
    members: new WeakSet(keys),
    maps: times(200, (i) => new Map(times(i % 40, (k) => [`key ${k}`, { k }]))),
    collections: times(100, (i) => Collection.from([i, `${i}`])),
    secrets: times(200, (i) => new Secret(`secret ${i}`)),
    legacy: times(300, (i) => new legacyShape(i)),
    tagged: times(50, tagged),
    boxed: times(50, (i) => [Object(i), Object(`text ${i}`), Object(true), Object(Symbol.iterator)]),
    bound: times(100, (i) => times.bind(null, i)),
    closures: times(1000, (i) => () => i),
    dates: times(100, (i) => new Date(i)),
    arguments: times(50, function keep() {
      return arguments;
    }),
    iterators: times(50, (i) => new Map([[i, i]]).entries()),
    dictionary: times(3000, (i) => i).reduce((all, i) => Object.assign(all, { [`entry ${i}`]: { i } }), {}),
    sparse: times(500, (i) => i).reduce((all, i) => {
      all[i * 1000] = { i };
      return all;
    }, {}),
    ropes: times(500, (i) => `${'left '.repeat(5)}${i}` + `right ${i}`.repeat(3)),
    slices: times(500, (i) => `a text that is long enough to be cut ${i}`.slice(5, 30)),
    doubles: times(300, (i) => [i + 0.5, i / 7]),
    urls: times(50, (i) => new URL(`http://127.0.0.1/${i}?q=${i}`)),
  };
}

// What needs a package; each is left out if that does not load on this version.
function packageData(packages) {
  const kept = {};
  const keep = (name, make) => {
    if (!packages[name]) return;
    kept[name] = make(packages[name]);
  };

  keep('moment', (moment) => times(200, (i) => moment(1e12 + i * 1e7)));
  keep('immutable', ({ List, Map: IMap, Record, Set: ISet }) => {
    const Point = Record({ x: 0, y: 0 }, 'Point');
    return [List(times(500, (i) => i)), IMap(times(300, (i) => [`k${i}`, i])), ISet(times(99, String)), times(50, (i) => Point({ x: i }))];
  });
  keep('rxjs', ({ BehaviorSubject, Subject, of: just }) =>
    times(50, (i) => {
      const subject = i % 2 ? new Subject() : new BehaviorSubject(i);
      return [subject, subject.subscribe(() => i), just(i)];
    }));
  keep('joi', (joi) => times(20, (i) => joi.object({ id: joi.number().min(i), mail: joi.string().email(), at: joi.date() })));
  keep('ajv', ({ default: Ajv }) =>
    times(3, (i) => new Ajv().compile({ type: 'object', properties: { id: { type: 'number', minimum: i } } })));
  keep('postcss', (postcss) => postcss.parse(times(200, (i) => `.c${i} { color: red; margin: ${i}px }`).join('\n')));
  keep('lru-cache', (LRU) => {
    const cache = new LRU({ max: 300 });
    for (let i = 0; i < 600; i++) cache.set(`key ${i}`, { i });
    return cache;
  });
  keep('async', (async_) => times(10, () => async_.queue((task, done) => done(), 2)));
  keep('lodash', (lodash) => [times(100, (i) => lodash.debounce(() => i, 1e6)), lodash([1, 2, 3]).map((x) => x * 2)]);
  keep('uuid', ({ v4 }) => times(500, () => v4()));
  keep('winston', (winston) => winston.createLogger({ silent: true, transports: [new winston.transports.Console({ silent: true })] }));
  return kept;
}

function smallObjects(megabytes) {
  return times(Math.round(megabytes * 5200), (i) => ({ id: i, text: `object ${i}`, list: [i, i + 1, { of: i }] }));
}

function listen(express, kept) {
  const app = express();

  app.get('/', (request, response) => {
    const garbage = times(200, (i) => ({ i, text: `garbage ${i}` }));
    response.send(`<p>${kept.own.users.length} users, ${garbage.length} pieces of garbage</p>`);
  });
  app.get('/memory', (request, response) => {
    if (global.gc) global.gc();
    response.json(process.memoryUsage());
  });
  app.get('/snapshot', (request, response) => {
    const file = decodeURIComponent(request.url.split('?')[1]);
    response.json({ file: v8.writeHeapSnapshot(file) });
  });
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server));
  });
}

async function main() {
  const at = process.argv.indexOf('--size');
  const size = at < 0 ? 0 : Number(process.argv[at + 1]);
  const packages = loadPackages();
  const kept = { packages, own: ownData(), of: packageData(packages), small: smallObjects(size) };
  const server = await listen(packages.express, kept);
  const ready = { listening: server.address().port, pid: process.pid, packages: Object.keys(packages).length };

  process.on('SIGTERM', () => process.exit(0));
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

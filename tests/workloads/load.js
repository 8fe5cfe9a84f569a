// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// load.js - calls the status service, so many times or so long, and says how it went.
//
//   node load.js --port P [--calls 2500] [--concurrency 8] [--rate N]        so many calls
//   node load.js --port P --seconds S [--concurrency 8] [--rate 250]         so long
//
// --rate is calls a second (0: as fast as it goes, the default for --calls). --path is what is
// called, /api/status/ by default, with the call's number behind. Prints one line at the end:
// {"calls", "errors", "seconds", "p50_ms", "p99_ms", "max_ms"}; exits with 1 if a call failed. SIGTERM
// and SIGINT end it early, with that line.
//
// With a rate, a call that starts late because all connections were busy counts from when it
// was due: a service that stalls cannot hide it by being asked less often.
// LIMITATIONS: keeps every latency (8 bytes a call).
'use strict';

const http = require('http');
const { performance } = require('perf_hooks');

const HOST = '127.0.0.1';
const TIMEOUT_MS = 30000;

function usage(message) {
  process.stderr.write(`load.js: ${message}\n`);
  process.exit(2);
}

function readOptions(argv) {
  const numbers = { port: 0, calls: 0, seconds: 0, concurrency: 8, rate: -1 };
  const options = Object.assign({ path: '/api/status/' }, numbers);

  for (let i = 0; i < argv.length; i++) {
    const [, name, inline] = /^--([a-z]+)(?:=(.*))?$/.exec(argv[i]) || [];
    if (!(name in options)) usage(`unknown option '${argv[i]}'`);
    const text = inline === undefined ? argv[++i] : inline;
    if (text === undefined) usage(`--${name} needs a value`);
    options[name] = name in numbers ? Number(text) : text;
    if (name in numbers && !(options[name] >= 0)) usage(`--${name}: '${text}' is not a number`);
  }
  if (!options.port) usage('--port is needed');
  if (options.calls && options.seconds) usage('either --calls or --seconds');
  if (options.concurrency < 1) usage('--concurrency: at least 1');
  if (!options.calls && !options.seconds) options.calls = 2500;
  if (options.rate < 0) options.rate = options.seconds ? 250 : 0;
  return options;
}

// Resolves to whether the answer came whole and with status 200.
function call(agent, port, path) {
  return new Promise((resolve) => {
    const request = http.get({ agent, host: HOST, port, path, timeout: TIMEOUT_MS });

    request.on('response', (response) => {
      response.on('end', () => resolve(response.statusCode === 200));
      response.on('aborted', () => resolve(false));
      response.resume();
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', () => resolve(false));
  });
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function run(options, stop) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.concurrency });
  const start = performance.now();
  const result = { calls: 0, errors: 0, latencies: [] };
  let next = 0;

  const more = () => {
    if (stop.asked) return false;
    if (options.calls) return next < options.calls;
    if (options.rate && next >= options.seconds * options.rate) return false;
    return performance.now() - start < options.seconds * 1000;
  };

  const caller = async () => {
    while (more()) {
      const number = next++;
      const due = options.rate ? start + (number * 1000) / options.rate : 0;
      const free = performance.now();
      if (due > free) await sleep(due - free);
      if (stop.asked) return;

      // Our own timer's lateness is not the service's.
      const from = options.rate && due < free ? due : performance.now();
      const ok = await call(agent, options.port, `${options.path}${number}`);
      result.calls++;
      if (!ok) result.errors++;
      result.latencies.push(performance.now() - from);
    }
  };

  await Promise.all(Array.from({ length: options.concurrency }, caller));
  agent.destroy();
  result.seconds = (performance.now() - start) / 1000;
  return result;
}

function summary(result) {
  const sorted = Float64Array.from(result.latencies).sort();
  const quantile = (q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] || 0;
  const round = (ms) => Math.round(ms * 1000) / 1000;

  return {
    calls: result.calls,
    errors: result.errors,
    seconds: round(result.seconds),
    p50_ms: round(quantile(0.5)),
    p99_ms: round(quantile(0.99)),
    max_ms: round(quantile(1)),
  };
}

async function main() {
  const stop = { asked: false };

  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => (stop.asked = true));
  const result = await run(readOptions(process.argv.slice(2)), stop);
  process.stdout.write(`${JSON.stringify(summary(result))}\n`);
  process.exitCode = result.errors ? 1 : 0;
}

main();

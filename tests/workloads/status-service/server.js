// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// server.js - a small status service with a known leak: what memwatch is shown on, and tested with.
//
//   node [--expose-gc] server.js [--port N] [--mode leaking|truncated|fixed]
//
//   GET  /api/status/:id   the work (status.js, which also says what the modes do)
//   GET  /health           {mode, handles, memory}
//   POST /gc               collects first, then the same; needs --expose-gc
//
// Listens on 127.0.0.1 only; port 0, the default, is any free one. Prints one line when it is ready:
// {"listening": PORT, "pid": PID, "mode": "..."}. MODE and PORT in the environment work too; the
// command line wins. SIGTERM and SIGINT end it at once. Runs on Node 12 and newer, without packages.
'use strict';

const http = require('http');
const { handleMap } = require('./handles');
const { handleStatus, sendJson } = require('./status');

const MODES = ['leaking', 'truncated', 'fixed'];

function usage(message) {
  process.stderr.write(`server.js: ${message}\n`);
  process.exit(2);
}

function readOptions(argv, env) {
  const options = { port: env.PORT || '0', mode: env.MODE || 'leaking' };

  for (let i = 0; i < argv.length; i++) {
    const [, name, inline] = /^--(port|mode)(?:=(.*))?$/.exec(argv[i]) || [];
    if (!name) usage(`unknown option '${argv[i]}'`);
    options[name] = inline === undefined ? argv[++i] : inline;
  }
  if (!MODES.includes(options.mode)) {
    usage(`mode '${options.mode}' is not one of ${MODES.join(', ')}`);
  }
  if (!/^\d+$/.test(options.port) || Number(options.port) > 65535) {
    usage(`port '${options.port}' is not a number up to 65535`);
  }
  return { port: Number(options.port), mode: options.mode };
}

function route(request, response, mode) {
  const path = request.url.split('?')[0];
  const status = /^\/api\/status\/([\w.-]+)$/.exec(path);
  const health = () => ({ mode, handles: handleMap.size, memory: process.memoryUsage() });

  if (status && request.method === 'GET') {
    handleStatus(request, response, status[1], mode).catch((error) => {
      process.stderr.write(`${error.stack}\n`);
      if (!response.headersSent) sendJson(response, 500, { error: error.message });
    });
  } else if (path === '/health' && request.method === 'GET') {
    sendJson(response, 200, health());
  } else if (path === '/gc' && request.method === 'POST') {
    if (!global.gc) {
      sendJson(response, 409, { error: 'not started with --expose-gc' });
      return;
    }
    global.gc();
    sendJson(response, 200, health());
  } else {
    sendJson(response, 404, { error: `no ${request.method} ${path}` });
  }
}

function main() {
  const { port, mode } = readOptions(process.argv.slice(2), process.env);
  const server = http.createServer((request, response) => route(request, response, mode));

  server.on('error', (error) => {
    process.stderr.write(`server.js: ${error.message}\n`);
    process.exit(1);
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
  server.listen(port, '127.0.0.1', () => {
    const ready = { listening: server.address().port, pid: process.pid, mode };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
  });
}

main();

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// sites.js - a Node HTTP service that allocates as fast as it can (Node 22, one CPU of 2.6 GHz: 1.2 GB/s): a
// small answer, made through JSON, strings and tables of numbers, and a little of each request kept (the
// last 20,000 of them).
//
//   node sites.js       {"listening": PORT, "pid": PID} when it is ready; SIGTERM ends it
'use strict';

const http = require('http');

const KEPT = 20000;
const ROWS = 14;
const COLUMNS = 500;
const TEMPLATE = JSON.stringify({ items: Array.from({ length: 24 }, (_, n) => ({ n, name: `item ${n}`, price: n * 1.25 })) });
const recent = new Array(KEPT).fill(null);
let served = 0;

function remember(request) {
  recent[served++ % KEPT] = { url: request.url, at: Date.now(), tags: ['a', `b${served % 97}`] };
}

function render(request) {
  const page = JSON.parse(TEMPLATE);
  page.rows = tabulate(ROWS);
  page.items = page.items.map((item) => ({ ...item, label: `${item.name} of ${request.url}` }));
  return JSON.stringify({ count: page.items.length, rows: page.rows, first: page.items[served % 24].label });
}

// Cheap to fill, and dead at once: what makes V8's allocation areas run out soonest
function tabulate(rows) {
  const table = [];
  for (let row = 0; row < rows; row++) table.push(new Array(COLUMNS).fill(row));
  return table[rows - 1][COLUMNS - 1];
}

const server = http.createServer((request, response) => {
  const body = render(request);
  remember(request);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});

process.on('SIGTERM', () => process.exit(0));
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address().port, pid: process.pid })}\n`);
});

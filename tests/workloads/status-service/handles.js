// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// handles.js - the requests that are under way, by handle, so that they can be found and aborted.
//
//   const handle = saveContext(new StatusContext(id, request));
//   ...
//   releaseContext(handle);
//
// Who saves a context has to release it: the map holds it until then.
'use strict';

const handleMap = new Map();
let lastHandle = 0;

// What is known about one request while it is being answered.
class StatusContext {
  constructor(id, request) {
    this.id = id;
    this.receivedAt = new Date();
    this.client = {
      address: request.socket.remoteAddress,
      port: request.socket.remotePort,
      headers: Object.assign({}, request.headers),
    };
    this.tags = ['status', `id:${id}`, `method:${request.method}`, `http:${request.httpVersion}`];
    this.notes = [];
    this.checks = [];
    this.summary = { state: 'pending', passed: 0, failed: 0, slowest: null };
    this.aborted = false;
    this.abort = null;
  }

  note(text, details) {
    this.notes.push({ at: Date.now(), text, details });
  }

  addCheck(check) {
    this.checks.push(check);
    const summary = this.summary;
    if (check.state === 'ok') summary.passed++;
    else summary.failed++;
    if (!summary.slowest || check.latency.total > summary.slowest.latency.total) {
      summary.slowest = check;
    }
    summary.state = summary.failed ? 'degraded' : 'ok';
  }
}

function saveContext(context) {
  const handle = ++lastHandle;
  handleMap.set(handle, context);
  return handle;
}

// True if it was still there: releasing twice does no harm.
function releaseContext(handle) {
  return handleMap.delete(handle);
}

module.exports = { handleMap, StatusContext, saveContext, releaseContext };

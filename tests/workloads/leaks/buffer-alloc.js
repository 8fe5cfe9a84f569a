// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// buffer-alloc.js - Buffers that are kept: memory outside V8's heap.
'use strict';

const { churn } = require('./garbage');
const { pace } = require('./pace');

const SIZE = 16384;
const uploads = [];

function storeUpload(i) {
  uploads.push(Buffer.alloc(SIZE, i & 255)); // LEAK fn=storeUpload kind=external via=handleUpload,tick
}

function handleUpload(i) {
  storeUpload(i);
}

pace({ keep: handleUpload, bytes: SIZE + 300, churn });

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// snapshot.js - counts and bytes of a heap snapshot of V8, by its types and constructors.
//
//   readSnapshot(path) -> Map of "CLASS\tNAME" -> { count, bytes }
//
// CLASS is object (NAME: the constructor), or, without a name: closure, array, string, number, symbol, regexp,
// code, hidden (V8's own, and shapes). What is not in V8's heap (native, synthetic) is left out.
//
// LIMITATIONS: reads it as one text: V8 allows 512 MB.
'use strict';

const fs = require('fs');

const CLASS_OF = {
  array: 'array',
  bigint: 'number',
  closure: 'closure',
  code: 'code',
  'concatenated string': 'string',
  hidden: 'hidden',
  number: 'number',
  object: 'object',
  'object shape': 'hidden',
  regexp: 'regexp',
  'sliced string': 'string',
  string: 'string',
  symbol: 'symbol',
};

// Contexts of all kinds are one constructor: versions differ in what they tell apart.
function constructorName(name) {
  return /^system \/ \w*Context$/.test(name) ? 'system / Context' : name;
}

function add(groups, group, name, count, bytes) {
  const key = `${group}\t${group === 'object' ? constructorName(name) : ''}`;
  const sum = groups.get(key) || { count: 0, bytes: 0 };

  sum.count += count;
  sum.bytes += bytes;
  groups.set(key, sum);
}

function readSnapshot(path) {
  const { snapshot, nodes, strings } = JSON.parse(fs.readFileSync(path, 'utf8'));
  const fields = snapshot.meta.node_fields;
  const types = snapshot.meta.node_types[0];
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const groups = new Map();

  for (let at = 0; at < nodes.length; at += fields.length) {
    const group = CLASS_OF[types[nodes[at + type]]];
    if (group) add(groups, group, strings[nodes[at + name]], 1, nodes[at + size]);
  }
  return groups;
}

module.exports = { add, readSnapshot };

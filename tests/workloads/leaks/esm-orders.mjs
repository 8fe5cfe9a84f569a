// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// esm-orders.mjs - the part of esm.mjs that leaks.
const orders = new Map();

export function saveOrder(i) {
  const order = { id: i, customer: `customer ${i}`, items: new Array(70).fill(i) }; // LEAK fn=saveOrder kind=v8-survived via=handleOrder,tick
  orders.set(`order-${i}`, order); // LEAK fn=saveOrder kind=v8-survived via=handleOrder,tick
}

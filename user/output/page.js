// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a report's page can do: sort its tables, show one process of several, tell the values of a
// chart where it is pointed at. All of it can be read without.
(function () {
"use strict";

function element(name, attributes, parent) {
	var ns = parent && parent.namespaceURI, e = document.createElementNS(ns, name);
	for (var key in attributes)
		e.setAttribute(key, attributes[key]);
	parent.appendChild(e);
	return e;
}

// --- tables ---

function keyOf(row, column, isNumber) {
	var cell = row.cells[column];
	if (!isNumber)
		return cell ? cell.textContent : "";
	return cell && cell.dataset.v !== undefined ? Number(cell.dataset.v) : NaN;
}

function compare(a, b, isNumber) {
	if (!isNumber)
		return a.localeCompare(b, "en", { numeric: true });
	return a - b;
}

// Numbers largest first, text A first; the second time the other way. Unknown ones stay last.
function sortBy(table, column) {
	var heads = table.tHead.rows[0].cells, head = heads[column], body = table.tBodies[0];
	var isNumber = head.classList.contains("n");
	var was = head.getAttribute("aria-sort");
	var isDown = was ? was === "ascending" : isNumber;
	var rows = Array.from(body.rows, function (row) {
		return { row: row, key: keyOf(row, column, isNumber) };
	});

	rows.sort(function (a, b) {
		if (a.key !== a.key || b.key !== b.key)
			return (a.key !== a.key) - (b.key !== b.key);
		return compare(a.key, b.key, isNumber) * (isDown ? -1 : 1);
	});
	rows.forEach(function (r) { body.appendChild(r.row); });
	Array.from(heads, function (h) { h.removeAttribute("aria-sort"); });
	head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
}

document.querySelectorAll("table.sortable").forEach(function (table) {
	Array.from(table.tHead.rows[0].cells, function (head, column) {
		var button = document.createElement("button");
		button.type = "button";
		button.textContent = head.textContent;
		head.textContent = "";
		head.appendChild(button);
		button.addEventListener("click", function () { sortBy(table, column); });
	});
});

// The first rows of a long table; all when they are asked for, and in any case without this script.
var ROWS_SHOWN = 20, ROWS_MOST = 25;

function shorten(table) {
	var count = table.tBodies[0].rows.length, button;

	if (count <= ROWS_MOST)
		return;
	table.classList.add("short");
	button = document.createElement("button");
	button.type = "button";
	button.className = "more";
	button.textContent = "Show all " + count + " rows";
	button.addEventListener("click", function () {
		var isShort = table.classList.toggle("short");
		button.textContent = isShort ? "Show all " + count + " rows" : "Show the first " + ROWS_SHOWN;
	});
	table.parentNode.after(button);
}

document.querySelectorAll("table.sortable").forEach(shorten);

// --- one process of several ---

var sections = document.querySelectorAll("section.process");

function show(id) {
	sections.forEach(function (s) { s.hidden = s.id !== id; });
}

(function () {
	var place = document.querySelector(".picker"), label, select;

	if (!place || sections.length < 2)
		return;
	label = element("label", {}, place);
	label.textContent = "Process ";
	select = element("select", {}, label);
	sections.forEach(function (s) {
		element("option", { value: s.id }, select).textContent = s.dataset.name;
	});
	select.addEventListener("change", function () { show(select.value); });
	// A link to a process, from the table of all
	window.addEventListener("hashchange", follow);
	function follow() {
		var id = location.hash.slice(1), isThere = Array.from(sections).some(function (s) {
			return s.id === id;
		});
		if (!isThere)
			return;
		select.value = id;
		show(id);
		document.getElementById(id).scrollIntoView();
	}
	show(sections[0].id);
	follow();
})();

// --- charts ---

var UNITS = ["B", "K", "M", "G", "T", "P"];

function bytesText(bytes) {
	var unit = 0;
	if (!bytes)
		return "0";
	while (bytes >= 1024 && unit < UNITS.length - 1) {
		bytes /= 1024;
		unit++;
	}
	return bytes.toFixed(unit && bytes < 999.95 ? 1 : 0) + UNITS[unit];
}

// The last point at or before @x: a value holds until the next.
function indexAt(xs, x) {
	var low = 0, high = xs.length - 1;
	while (low < high) {
		var middle = (low + high + 1) >> 1;
		if (xs[middle] <= x)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

function timeText(ms) {
	return new Date(ms).toISOString().slice(11, 19);
}

function fillTip(tip, data, at) {
	var total = 0, table;

	tip.textContent = timeText(data.begin_ms + data.ms[at]) + " UTC";
	table = element("table", {}, tip);
	data.series.forEach(function (s) {
		var value = s.bytes[at], row;
		if (value === null)
			return;
		row = element("tr", {}, table);
		element("td", { "class": "key " + s.style }, row).textContent = s.name;
		element("td", { "class": "n" }, row).textContent = bytesText(value);
		total += value;
	});
	if (data.total) {
		var row = element("tr", {}, table);
		element("td", {}, row).textContent = data.total;
		element("td", { "class": "n" }, row).textContent = bytesText(total);
	}
}

function addHover(chart, data) {
	var svg = chart.querySelector("svg"), tip = element("div", { "class": "tip", hidden: "" }, chart);
	var cross = element("line", { "class": "cross", y1: "0", y2: "100%", visibility: "hidden" }, svg);
	var at = 0;

	function hide() {
		tip.hidden = true;
		cross.setAttribute("visibility", "hidden");
	}
	function point(index) {
		var box = svg.getBoundingClientRect(), x = data.ms[index] / data.span_ms;
		var left = box.left - chart.getBoundingClientRect().left + x * box.width;

		at = index;
		cross.setAttribute("x1", 100 * x + "%");
		cross.setAttribute("x2", 100 * x + "%");
		cross.setAttribute("visibility", "visible");
		fillTip(tip, data, index);
		tip.hidden = false;
		if (x > 0.5)
			left -= tip.offsetWidth + 12;
		else
			left += 12;
		tip.style.left = Math.max(0, left) + "px";
	}
	chart.addEventListener("pointermove", function (event) {
		var box = svg.getBoundingClientRect();
		point(indexAt(data.ms, (event.clientX - box.left) / box.width * data.span_ms));
	});
	chart.addEventListener("pointerleave", hide);
	chart.addEventListener("blur", hide);
	chart.addEventListener("keydown", function (event) {
		var step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
		if (!step)
			return;
		event.preventDefault();
		point(Math.min(data.ms.length - 1, Math.max(0, at + step)));
	});
	chart.tabIndex = 0;
	chart.setAttribute("role", "group");
	chart.setAttribute("aria-label", "values over time: arrow keys go through them");
	tip.setAttribute("role", "status");
}

document.querySelectorAll(".chart").forEach(function (chart) {
	var data = JSON.parse(chart.querySelector("script").textContent);
	if (data.ms.length)
		addHover(chart, data);
});
})();

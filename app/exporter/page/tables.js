// SPDX-License-Identifier: BSD-3-Clause
// Tables whose rows have keys: rows are changed in place, sorted by a click on a heading, and keep their
// order while the pointer or the focus is among them.

import {el, setAttribute, setText} from './dom.js';

/** A table of @p columns [{name, heading, isNumber, isPlain, cell(row) -> text or Node, order(row)}].
 * A cell that is a Node is made once for a key; `update(node, row)` changes it. */
export class SortedTable {
	constructor(table, columns, {sort, rowsMax, emptyText}) {
		this.table = table;
		this.body = table.tBodies[0];
		this.columns = columns;
		this.sort = sort;
		this.isDown = true;
		this.rowsMax = rowsMax;
		this.emptyText = emptyText;
		this.known = new Map();
		this.rows = [];
		this.#makeHead();
	}

	#makeHead() {
		const row = this.table.tHead.rows[0];
		for (const column of this.columns) {
			const button = el('button', {type: 'button', text: column.heading, onclick: () => {
				this.isDown = this.sort === column.name ? !this.isDown : Boolean(column.isNumber);
				this.sort = column.name;
				this.#draw(true);
			}});
			column.head = el('th', {scope: 'col', class: classOf(column)}, button);
			row.append(column.head);
		}
	}

	/** @p rows  [{key, ...}] */
	show(rows) {
		this.rows = rows;
		this.#draw(false);
	}

	#draw(isAsked) {
		const {order} = this.columns.find((column) => column.name === this.sort);
		const sign = this.isDown ? -1 : 1;
		const sorted = [...this.rows].sort((a, b) => sign * compare(order(a), order(b))
			|| compare(a.key, b.key)).slice(0, this.rowsMax);
		const keys = new Set(sorted.map((row) => row.key));
		for (const [key, made] of this.known)
			if (!keys.has(key)) {
				made.element.remove();
				this.known.delete(key);
			}
		const isBusy = !isAsked && (this.body.matches(':hover') || this.body.contains(document.activeElement));
		sorted.forEach((row, place) => {
			const made = this.known.get(row.key) ?? this.#make(row);
			this.#update(made, row);
			if (!isBusy && this.body.children[place] !== made.element)
				this.body.insertBefore(made.element, this.body.children[place] ?? null);
			else if (!made.element.isConnected)
				this.body.append(made.element);
		});
		this.#showEmpty(sorted.length === 0);
		for (const column of this.columns)
			setAttribute(column.head, 'aria-sort', column.name !== this.sort ? 'none'
				: this.isDown ? 'descending' : 'ascending');
	}

	#showEmpty(isEmpty) {
		if (isEmpty && !this.empty) {
			this.empty = el('tr', {class: 'none'},
				el('td', {colspan: String(this.columns.length), text: this.emptyText}));
			this.body.append(this.empty);
		} else if (!isEmpty && this.empty) {
			this.empty.remove();
			this.empty = null;
		}
	}

	#make(row) {
		const made = {element: el('tr'), nodes: []};
		for (const column of this.columns) {
			const content = column.cell(row);
			const cell = el('td', {class: classOf(column)}, content);
			made.nodes.push(content instanceof Node ? content : cell);
			made.element.append(cell);
		}
		this.known.set(row.key, made);
		return made;
	}

	#update(made, row) {
		this.columns.forEach((column, i) => {
			const node = made.nodes[i];
			if (column.update)
				column.update(node, row);
			else if (node.tagName === 'TD')
				setText(node, column.cell(row));
		});
	}
}

const classOf = (column) => `c-${column.name}${column.isNumber ? ' number' : ''}`;

function compare(a, b) {
	if (typeof a === 'string' || typeof b === 'string')
		return String(a).localeCompare(String(b), 'en', {numeric: true});
	return (a ?? -1) - (b ?? -1);
}

/** Rows by key in a given order, each made once. @p make(row) -> {element, ...}; @p update(made, row). */
export class KeyedRows {
	constructor(body, make, update) {
		this.body = body;
		this.make = make;
		this.update = update;
		this.known = new Map();
	}

	show(rows) {
		const keys = new Set(rows.map((row) => row.key));
		for (const [key, made] of this.known)
			if (!keys.has(key)) {
				made.element.remove();
				this.known.delete(key);
			}
		rows.forEach((row, place) => {
			let made = this.known.get(row.key);
			if (made === undefined) {
				made = this.make(row);
				this.known.set(row.key, made);
			}
			if (this.body.children[place] !== made.element)
				this.body.insertBefore(made.element, this.body.children[place] ?? null);
			this.update(made, row);
		});
	}
}

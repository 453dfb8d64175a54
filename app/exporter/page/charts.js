// SPDX-License-Identifier: BSD-3-Clause
// Charts over the last quarter of an hour, drawn by uPlot, which is a script of its own in the page.
// Colours are those of page.css, and are read again when light turns to dark.

import {WINDOW_S} from './figures.js';
import {clock, clockShort, short} from './format.js';

const AXIS_PX = 52;
const LEAST_S = 60;
export const STACK_SLOTS = 8; // the last colour is that of all others

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** One uPlot in a container, as wide as that. @p options() is asked at each start. */
class Chart {
	constructor(container, options) {
		this.container = container;
		this.options = options;
		this.data = [[]];
		this.plot = null;
		new ResizeObserver(() => this.#resize()).observe(container);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#start());
	}

	#size() {
		return {width: this.container.clientWidth, height: this.container.clientHeight};
	}

	#start() {
		this.plot?.destroy();
		this.plot = null;
		const size = this.#size();
		if (size.width > 0 && size.height > 0)
			this.plot = new uPlot({...size, ...this.options()}, this.data, this.container);
	}

	#resize() {
		const size = this.#size();
		if (this.plot === null)
			this.#start();
		else if (size.width !== this.plot.width || size.height !== this.plot.height)
			this.plot.setSize(size);
	}

	/** data[0] are the times. */
	draw(data) {
		this.data = data;
		if (this.plot === null)
			this.#start();
		else
			this.plot.setData(data);
	}
}

/** What is known, up to the newest time: at least a minute and at most the whole window. */
function window(u, min, max) {
	const newest = max ?? Date.now() / 1000;
	return [Math.max(newest - WINDOW_S, Math.min(min ?? newest, newest - LEAST_S)), newest];
}

const fromZero = (least) => (u, min, max) => [0, Math.max(max ?? 0, least) * 1.08];

function axes() {
	const common = {
		stroke: color('--quiet'), font: `11px ${color('--font')}`,
		grid: {stroke: color('--grid'), width: 1}, ticks: {show: false},
	};
	return [
		{...common, size: 22, space: 60,
			values: (u, times, axis, space, step) => times.map(step < 60 ? clock : clockShort)},
		{...common, size: AXIS_PX, space: 28, values: (u, values) => values.map(short)},
	];
}

/** What all charts share. @p onCursor(time or null) as the pointer moves over any of them. */
function base(least, onCursor) {
	return {
		legend: {show: false},
		padding: [6, 4, 0, 0],
		cursor: {
			y: false, points: {show: false}, drag: {x: false, y: false},
			sync: {key: 'time', setSeries: false},
		},
		scales: {x: {time: true, range: window}, y: {range: fromZero(least)}},
		axes: axes(),
		hooks: {setCursor: [(u) => onCursor(u.cursor.left >= 0 ? u.data[0][u.cursor.idx] ?? null : null)]},
	};
}

/** The place in @p times that is nearest to @p time; of null the last. */
export function placeOf(times, time) {
	if (time === null || times.length === 0)
		return times.length - 1;
	const after = times.findIndex((candidate) => candidate >= time);
	if (after <= 0)
		return after === 0 ? 0 : times.length - 1;
	return time - times[after - 1] < times[after] - time ? after - 1 : after;
}

/** A name, its line's look and its figure at the pointer, or now. */
export class Legend {
	constructor(container) {
		this.container = container;
	}

	/** @p at is a place in times: see placeOf() */
	show(times, at, entries) {
		const parts = entries.map(({name, look, values, format}) => {
			const swatch = document.createElement('span');
			swatch.className = `swatch ${look}`;
			const figure = document.createElement('b');
			figure.textContent = format(values[at] ?? null);
			const entry = document.createElement('span');
			entry.append(...(look ? [swatch] : []), `${name} `, figure);
			return entry;
		});
		const time = document.createElement('span');
		time.textContent = at === times.length - 1 ? 'now' : `at ${clock(times[at])}`;
		this.container.replaceChildren(time, ...parts);
	}
}

/** Lines, the first of them filled. @p lines  [{color, dash}] */
export function lineChart(container, lines, least, onCursor) {
	return new Chart(container, () => ({
		...base(least, onCursor),
		series: [{}, ...lines.map((line, i) => ({
			stroke: color(line.color), width: 1.25, dash: line.dash, points: {show: false},
			fill: i === 0 ? color(`${line.color}-fill`) : undefined,
		}))],
	}));
}

/** Bars from 0, for what is 0 most of the time. */
export function barChart(container, name, least, onCursor) {
	return new Chart(container, () => {
		const options = base(least, onCursor);
		options.axes[1].space = 18;
		return {...options, series: [{}, {
			stroke: color(name), fill: color(name), width: 1, points: {show: false},
			paths: uPlot.paths.stepped({align: -1}),
		}]};
	});
}

/** STACK_SLOTS areas one upon the other, and all others on top. draw() takes sums: see stack(). */
export function stackChart(container, onCursor) {
	const names = Array.from({length: STACK_SLOTS + 1}, (_, slot) => stackColor(slot));
	return new Chart(container, () => ({
		...base(1, onCursor),
		series: [{}, ...names.map((name) => ({
			fill: color(name), width: 0, points: {show: false},
			paths: uPlot.paths.stepped({align: -1}),
		}))],
		bands: names.slice(1).map((_, i) => ({series: [i + 2, i + 1]})),
	}));
}

/** The CSS property with the colour of a slot; beyond STACK_SLOTS, of all others. */
export const stackColor = (slot) => (slot < STACK_SLOTS ? `--stack-${slot + 1}` : '--stack-other');

/** Rows of rates -> their running sums; null where no row has a figure. */
export function stack(rows) {
	const sums = [];
	rows.forEach((row, i) => {
		sums.push(row.map((value, at) => {
			const below = i === 0 ? null : sums[i - 1][at];
			return value === null && below === null ? null : (value ?? 0) + (below ?? 0);
		}));
	});
	return sums;
}

/** A line without axes, to its own scale. */
export function sparkline(container, name) {
	return new Chart(container, () => ({
		legend: {show: false}, cursor: {show: false}, padding: [2, 0, 2, 0],
		scales: {x: {time: true, range: window}, y: {range: fromZero(1)}},
		axes: [{show: false}, {show: false}],
		series: [{}, {stroke: color(name), width: 1.25, fill: color(`${name}-fill`),
			points: {show: false}}],
	}));
}

/** Which keys have a colour of their own. A key keeps its slot until another is clearly larger. */
export class Slots {
	constructor() {
		this.keys = new Array(STACK_SLOTS).fill(null);
	}

	/** @p sizes  Map of key -> size. @return the keys by slot, null where a slot is free. */
	assign(sizes) {
		const weight = ([key, size]) => size * (this.keys.includes(key) ? 1.25 : 1);
		const best = [...sizes].filter(([, size]) => size > 0).sort((a, b) => weight(b) - weight(a))
			.slice(0, STACK_SLOTS).map(([key]) => key);
		this.keys = this.keys.map((key) => (best.includes(key) ? key : null));
		for (const key of best)
			if (!this.keys.includes(key))
				this.keys[this.keys.indexOf(null)] = key;
		return this.keys;
	}
}

// SPDX-License-Identifier: BSD-3-Clause
// The table of events. Whatever their rate, work is bounded: events are taken up in a frame of the
// screen, ten times a second, the newest 2,000 that match the filter are kept, and only the rows in sight exist. While
// one reads further up, what one reads stands still, and what comes meanwhile is counted.

import {SEVERITIES, byId, el, setText, severityClass} from './dom.js';
import {clockMs, endpoint, utc, whole} from './format.js';

export const KEPT = 2000;
const DRAW_MS = 100;   // between two takes: nobody reads faster, and the page has more to do
const OVERSCAN = 4; // rows beyond each edge
const NO_FILTER = {anomaly: '', host: '', severity: 'note'};

export class EventList {
	/** @p on.anomaly(key), on.address(address), on.event(event): clicks. @p on.follow(isFollowing).
	 * @p aliasOf(address): its name or ''. */
	constructor(on, aliasOf) {
		this.on = on;
		this.aliasOf = aliasOf;
		this.scroller = byId('event-scroller');
		this.canvas = byId('event-canvas');
		this.table = byId('event-table');
		this.body = this.table.tBodies[0];
		this.newButton = byId('events-new');
		this.empty = byId('events-empty');
		this.filter = {...NO_FILTER};
		this.all = [];      // the newest, whatever they are
		this.matching = []; // the newest that match
		this.shown = this.matching; // or, while one reads, what it was then
		this.queue = [];
		this.newest = {number: 0, time: 0};
		this.known = new Set(); // of the run before
		this.isFollowing = true;
		this.isHeld = false;
		this.nbNew = 0;
		this.nbLost = 0;
		this.frame = 0;
		this.taken = 0;
		this.rows = [];
		this.#listen();
	}

	#listen() {
		this.scroller.addEventListener('scroll', () => this.#scrolled(), {passive: true});
		this.scroller.addEventListener('keydown', (event) => {
			if (event.key === 'End') {
				event.preventDefault();
				this.follow();
			}
		});
		this.newButton.addEventListener('click', () => {
			this.follow();
			this.scroller.focus();
		});
		// a row may show another event between pressing and letting go
		this.body.addEventListener('pointerdown', (event) => {
			this.pressed = this.#eventOf(event.target);
		});
		this.body.addEventListener('click', (event) => this.#clicked(event));
		this.body.addEventListener('focusin', () => this.pause());
		new ResizeObserver(() => this.#measure()).observe(this.scroller);
		this.#measure();
	}

	#measure() {
		this.rowHeight = parseFloat(getComputedStyle(this.scroller).getPropertyValue('--row')) || 26;
		this.draw();
	}

	#eventOf(target) {
		return this.rows.find((row) => row.element.contains(target))?.event ?? null;
	}

	#clicked(click) {
		const button = click.target.closest('button');
		const event = (click.detail > 0 ? this.pressed : null) ?? this.#eventOf(click.target);
		this.pressed = null;
		if (button === null || event === null)
			return;
		this.pause();
		const what = button.dataset.what;
		if (what === 'anomaly')
			this.on.anomaly(event.anomaly);
		else if (what === 'event')
			this.on.event(event);
		else
			this.on.address(what === 'source' ? event.src_ip : event.dest_ip);
	}

	/* ---- what comes in ---- */

	/** Keep back what comes until release(), so that older events can go first. */
	hold() {
		this.isHeld = true;
	}

	/** @p older  events from before, whichever of them are known already */
	release(older) {
		this.isHeld = false;
		this.queue = [...older, ...this.queue];
		this.#request();
	}

	/** The sensor began anew: numbers do too, and in a replay times as well. */
	startAnew() {
		this.known = new Set(this.all.map(identity));
		this.newest = {number: 0, time: 0};
	}

	push(event) {
		this.queue.push(event);
		if (this.queue.length > 4 * KEPT) // no frame for long: the page is out of sight
			this.queue.splice(0, this.queue.length - KEPT);
		this.#request();
	}

	lost(count) {
		this.nbLost += count;
		this.#request();
	}

	#request() {
		if (this.frame === 0 && !this.isHeld)
			this.frame = requestAnimationFrame((now) => {
				this.frame = 0;
				if (now < this.taken + DRAW_MS)
					return this.#request();
				this.taken = now;
				this.#take();
				this.draw();
			});
	}

	#take() {
		const fresh = [];
		for (const event of this.queue) {
			// a number that was there before, yet later: the sensor began anew
			if ((event.number <= this.newest.number && event.time <= this.newest.time)
				|| this.known.has(identity(event)))
				continue;
			this.newest = {number: event.number, time: event.time};
			fresh.push(event);
		}
		this.queue = [];
		append(this.all, fresh);
		const matches = fresh.filter((event) => this.#matches(event));
		append(this.matching, matches);
		if (!this.isFollowing)
			this.nbNew += matches.length;
	}

	/* ---- filter ---- */

	/** Change some of anomaly, host (part of an address, alias or port) and severity (the least). */
	setFilter(change) {
		this.filter = {...this.filter, ...change};
		this.matching = this.all.filter((event) => this.#matches(event));
		this.follow();
	}

	/** Events that match but are no longer among the newest of all; from the exporter. */
	addOlder(events) {
		const known = new Set(this.matching.map((event) => event.number));
		const older = events.filter((event) => !known.has(event.number) && this.#matches(event)
			&& event.number <= this.newest.number);
		if (older.length === 0)
			return;
		this.matching = [...older, ...this.matching].sort((a, b) => a.time - b.time).slice(-KEPT);
		if (this.isFollowing)
			this.shown = this.matching;
		this.#request();
	}

	#matches(event) {
		const {anomaly, host, severity} = this.filter;
		if (anomaly !== '' && event.anomaly !== anomaly)
			return false;
		if (SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(severity))
			return false;
		if (host === '')
			return true;
		const text = host.toLowerCase();
		return [[event.src_ip, event.src_port], [event.dest_ip, event.dest_port]].some(
			([address, port]) => address && (endpoint(address, port).includes(text)
				|| this.aliasOf(address).toLowerCase().includes(text)));
	}

	/* ---- following ---- */

	follow() {
		this.isFollowing = true;
		this.nbNew = 0;
		this.shown = this.matching;
		this.on.follow(true);
		this.draw();
	}

	pause() {
		if (!this.isFollowing)
			return;
		this.isFollowing = false;
		this.nbNew = 0;
		this.shown = [...this.matching];
		this.on.follow(false);
		this.draw();
	}

	#scrolled() {
		const {scrollTop, clientHeight, scrollHeight} = this.scroller;
		const isAtEnd = scrollTop + clientHeight >= scrollHeight - this.rowHeight;
		if (this.isFollowing && !isAtEnd && scrollTop < this.scrolledTo - 2)
			this.pause();
		else if (!this.isFollowing && isAtEnd && this.nbNew === 0)
			this.follow();
		else
			this.draw();
	}

	/* ---- rows ---- */

	/** Aliases have changed. */
	redraw() {
		for (const row of this.rows)
			row.event = null;
		this.draw();
	}

	draw() {
		const {shown, rowHeight, scroller} = this;
		const head = this.table.tHead.offsetHeight;
		const height = `${head + shown.length * rowHeight}px`;
		if (this.canvas.style.height !== height)
			this.canvas.style.height = height;
		if (this.isFollowing) {
			scroller.scrollTop = scroller.scrollHeight;
			this.scrolledTo = scroller.scrollTop;
		}
		const inSight = Math.ceil(scroller.clientHeight / rowHeight) + 2 * OVERSCAN;
		const first = Math.max(0, Math.min(Math.floor(scroller.scrollTop / rowHeight) - OVERSCAN,
			shown.length - inSight));
		this.canvas.style.paddingTop = `${first * rowHeight}px`;
		this.#fill(first, Math.min(inSight, shown.length));
		this.table.setAttribute('aria-rowcount', String(shown.length + 1));
		this.#note();
	}

	#fill(first, count) {
		while (this.rows.length < count) {
			const row = makeRow();
			this.rows.push(row);
			this.body.append(row.element);
		}
		while (this.rows.length > count)
			this.rows.pop().element.remove();
		this.rows.forEach((row, i) => {
			const event = this.shown[first + i];
			row.element.setAttribute('aria-rowindex', String(first + i + 2));
			if (row.event !== event)
				showEvent(row, event, this.aliasOf);
		});
	}

	#note() {
		this.newButton.hidden = this.isFollowing || this.nbNew === 0;
		if (!this.newButton.hidden)
			setText(this.newButton, `↓ ${whole(this.nbNew)} new · End`);
		const isEmpty = this.shown.length === 0;
		this.empty.hidden = !isEmpty;
		if (isEmpty)
			setText(this.empty, this.all.length === 0 ? 'No event yet.'
				: `None of the newest ${whole(this.all.length)} events matches the filter.`);
	}
}

const identity = (event) => `${event.number} ${event.time} ${event.flow_id}`;

/** Add to a list of which the newest are kept. */
function append(list, fresh) {
	for (const event of fresh)
		list.push(event);
	if (list.length > KEPT)
		list.splice(0, list.length - KEPT);
}

function makeRow() {
	const button = (what) => el('button', {type: 'button', class: 'plain-button', 'data-what': what});
	const row = {event: null, time: button('event'), severity: el('span'), anomaly: button('anomaly'),
		source: makeHost(button('source')), destination: makeHost(button('destination')),
		count: el('td', {class: 'c-count number'}), summary: el('td', {class: 'c-summary'})};
	row.element = el('tr', {},
		el('td', {class: 'c-time'}, row.time),
		el('td', {class: 'c-severity'}, row.severity),
		el('td', {class: 'c-anomaly'}, row.anomaly),
		el('td', {class: 'c-host c-source'}, ...row.source.parts),
		el('td', {class: 'c-host c-destination'}, ...row.destination.parts),
		row.count, row.summary);
	return row;
}

function makeHost(button) {
	const alias = el('span', {class: 'alias'});
	return {button, alias, parts: [button, alias]};
}

function showHost(host, address, port, aliasOf) {
	const name = address ? aliasOf(address) : '';
	host.button.hidden = !address;
	host.button.textContent = address ? endpoint(address, port) : '';
	host.button.title = host.button.textContent + (name ? `, ${name}` : '');
	host.alias.textContent = name;
}

function showEvent(row, event, aliasOf) {
	row.event = event;
	row.element.className = `row-${severityClass(event.severity)}`;
	row.time.textContent = clockMs(event.time);
	row.time.title = utc(event.time);
	row.severity.className = `severity ${severityClass(event.severity)}`;
	row.severity.textContent = event.severity;
	row.anomaly.textContent = event.anomaly;
	row.anomaly.title = `${event.anomaly}: what it is`;
	showHost(row.source, event.src_ip, event.src_port, aliasOf);
	showHost(row.destination, event.dest_ip, event.dest_port, aliasOf);
	row.count.textContent = `×${whole(event.count)}`;
	row.summary.textContent = event.summary;
	row.summary.title = event.summary;
}

// SPDX-License-Identifier: BSD-3-Clause
// The live page of jabiru-exporter: asks for what was, then follows the stream. Panels are in panels.js.

import {ask, openStream} from './api.js';
import {setUp as setUpDialogs, showAddress, showAnomaly, showEvent, showOutcome, showReset}
	from './dialogs.js';
import {byId, el, setText} from './dom.js';
import {EventList, KEPT} from './event_list.js';
import {Figures, GAP_S, WINDOW_S} from './figures.js';
import {rate, whole} from './format.js';
import {Health} from './health.js';
import {Panels} from './panels.js';

const HOSTS_EVERY_MS = 5000;
const SILENT_MS = 4000;  // the stream says something each second
const BEHIND_S = 5;      // an own gap of this length is filled from the history
const EVENT_RATE_S = 5;
const ASKED_MAX = 1000;  // events of one answer
const ANSWERS_MAX = 4;

const METRICS = [
	{metric: 'jabiru_received_packets_total', points: WINDOW_S},
	{metric: 'jabiru_tcp_packets_total', points: WINDOW_S},
	{metric: 'jabiru_missed_packets_total', points: WINDOW_S},
	{metric: 'jabiru_resets_total', label: 'cause', points: WINDOW_S},
	{metric: 'jabiru_connections', label: 'class', points: WINDOW_S},
	{metric: 'jabiru_connections_total', label: 'outcome', points: 60},
	{metric: 'jabiru_anomalies_total', label: 'anomaly', points: 60},
];

const figures = new Figures(METRICS);
const health = new Health();
const aliases = new Map();
const aliasOf = (address) => aliases.get(address) ?? '';
let catalog = null;
let lastMessage = performance.now();
let isAsking = false;
let needsHistory = true;
let run = null; // of the sensor: another one counts anew
let interval_s = 1; // between its snapshots
const arrivals = []; // {at, count} of events in the last seconds

const open = {
	anomaly: (key) => showAnomaly(catalog, key),
	reset: (key) => showReset(catalog, key),
	outcome: (key) => showOutcome(catalog, key),
	address: (address) => showAddress(address),
};
const panels = new Panels(figures, open);
const list = new EventList({
	anomaly: open.anomaly, address: open.address, event: showEvent,
	follow: (isFollowing) => {
		byId('follow').setAttribute('aria-pressed', String(isFollowing));
		setText(byId('follow'), isFollowing ? 'Following' : 'Paused: follow');
	},
}, aliasOf);

/* ---- asking ---- */

async function loadCatalog() {
	try {
		catalog = await ask('catalog');
	} catch (error) {
		health.setFailure('catalog', error.message);
		return;
	}
	health.setFailure('catalog', '');
	const select = byId('filter-anomaly');
	const chosen = select.value;
	select.replaceChildren(el('option', {value: '', text: 'all'}),
		...catalog.anomalies.map((row) => el('option', {value: row.key, text: row.key})));
	select.value = chosen;
}

/** A metric that this sensor does not have is an empty one. */
async function historyOf({metric, points}) {
	try {
		return await ask('history', {metric, seconds: WINDOW_S, points});
	} catch {
		return {metric, times: [], series: []};
	}
}

async function loadHistory() {
	figures.fill(await Promise.all(METRICS.map(historyOf)));
	needsHistory = false;
}

/** The newest figures; one question at a time. */
async function refresh() {
	if (isAsking || document.hidden)
		return;
	isAsking = true;
	try {
		let isFilled = needsHistory;
		if (needsHistory)
			await loadHistory();
		const stats = await ask('stats');
		if (figures.times.length > 0
			&& stats.time - figures.times.at(-1) > Math.max(BEHIND_S, 3 * interval_s)) {
			await loadHistory();
			isFilled = true;
		}
		if (figures.append(stats) || isFilled || figures.times.length === 0)
			panels.show();
		health.setFailure('stats', '');
	} catch (error) {
		health.setFailure('stats', `No figures: ${error.message}`);
	} finally {
		isAsking = false;
	}
}

async function refreshHosts() {
	if (document.hidden)
		return;
	try {
		const {hosts} = await ask('hosts');
		const before = JSON.stringify([...aliases]);
		aliases.clear();
		for (const host of hosts)
			if (host.alias)
				aliases.set(host.address, host.alias);
		panels.showHosts(hosts);
		if (JSON.stringify([...aliases]) !== before)
			list.redraw();
	} catch {
		// said by the question for stats, which comes more often
	}
}

/** Events behind number @p known as far as the exporter has them, the newest at least; 0: the newest. */
async function eventsBehind(known) {
	const newest = (await ask('events', {limit: ASKED_MAX})).events;
	const older = [];
	let after = known;
	for (let i = 0; known > 0 && i < ANSWERS_MAX && after + 1 < (newest[0]?.number ?? 0); i++) {
		const {events, lost} = await ask('events', {after, limit: ASKED_MAX});
		list.lost(lost);
		older.push(...events);
		after = events.at(-1)?.number ?? Infinity;
	}
	if (known > 0 && after + 1 < (newest[0]?.number ?? 0))
		list.lost(newest[0].number - 1 - after);
	return [...older, ...newest];
}

/** The events that came before the stream, or while it was away. */
async function catchUp() {
	list.hold();
	let older = [];
	try {
		older = await eventsBehind(list.newest.number);
	} catch {
		// no sensor, or none any more: the stream goes on when there is one
	}
	list.release(older);
}

/** With a filter, what the exporter still has and this page has dropped. */
async function askOlder({anomaly}) {
	if (anomaly === '')
		return;
	try {
		list.addOlder((await ask('events', {limit: ASKED_MAX, anomaly})).events);
	} catch {
		// what is here is shown all the same
	}
}

/* ---- the stream ---- */

const alive = () => {
	lastMessage = performance.now();
};

/** Another start is another run, whose events are to be had from the first. */
function watchStart(status) {
	if (status.life !== 'alive' || !status.run)
		return;
	const before = run;
	run = status.run;
	interval_s = status.interval_ms / 1000;
	figures.gap_s = Math.max(GAP_S, 3 * interval_s);
	if (before === null || before === run)
		return;
	list.startAnew();
	needsHistory = true;
	catchUp();
}

openStream({
	open: (goesOn) => {
		alive();
		health.setLink(true);
		needsHistory = true;
		if (!goesOn)
			catchUp();
		refresh();
		refreshHosts();
		if (catalog === null)
			loadCatalog();
	},
	closed: () => {
		health.setLink(false);
	},
	anomaly: (event) => {
		alive();
		countArrival();
		list.push(event);
	},
	lost: (count) => {
		alive();
		list.lost(count);
	},
	snapshot: (status) => {
		alive();
		health.setLink(true);
		health.setStatus(status);
		panels.setStatus(status);
		watchStart(status);
		refresh();
	},
});

function countArrival() {
	const now = performance.now();
	const last = arrivals.at(-1);
	if (last && now - last.at < 250)
		last.count++;
	else
		arrivals.push({at: now, count: 1});
}

function noteEvents() {
	const now = performance.now();
	while (arrivals.length > 0 && arrivals[0].at < now - EVENT_RATE_S * 1000)
		arrivals.shift();
	const sum = arrivals.reduce((total, {count}) => total + count, 0);
	const parts = [`${rate(sum / EVENT_RATE_S)} a second`,
		`${whole(list.shown.length)} shown, the newest ${whole(KEPT)} are kept`];
	if (list.nbLost > 0)
		parts.push(`${whole(list.nbLost)} did not reach this page; the event log has them`);
	setText(byId('events-note'), parts.join(' · '));
}

/* ---- filter, kept in the address of the page ---- */

function readFilter() {
	return {anomaly: byId('filter-anomaly').value, host: byId('filter-host').value.trim(),
		severity: byId('filter-severity').value};
}

function applyFilter() {
	const filter = readFilter();
	const kept = Object.entries(filter).filter(([, value]) => value !== '' && value !== 'note');
	history.replaceState(null, '', kept.length ? `#${new URLSearchParams(kept)}` : location.pathname);
	list.setFilter(filter);
	askOlder(filter);
	noteEvents();
}

function setFilterFields({anomaly = '', host = '', severity = 'note'}) {
	const select = byId('filter-anomaly');
	if (![...select.options].some((option) => option.value === anomaly))
		select.append(el('option', {value: anomaly, text: anomaly}));
	select.value = anomaly;
	byId('filter-host').value = host;
	byId('filter-severity').value = severity;
	applyFilter();
}

function setUpFilter() {
	byId('filter').addEventListener('submit', (event) => event.preventDefault());
	byId('filter').addEventListener('reset', () => setTimeout(applyFilter));
	byId('filter-host').addEventListener('input', applyFilter);
	byId('filter-anomaly').addEventListener('change', applyFilter);
	byId('filter-severity').addEventListener('change', applyFilter);
	byId('follow').addEventListener('click', () => (list.isFollowing ? list.pause() : list.follow()));
	const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
	if (Object.keys(given).length > 0)
		setFilterFields(given);
}

setUpDialogs({
	aliasOf,
	showEvents: (filter) => {
		setFilterFields(filter);
		byId('events').scrollIntoView({block: 'start'});
		byId('event-scroller').focus({preventScroll: true});
	},
});
setUpFilter();
setInterval(refreshHosts, HOSTS_EVERY_MS);
setInterval(() => {
	health.setSilence(performance.now() - lastMessage > SILENT_MS
		? (performance.now() - lastMessage) / 1000 : 0);
	noteEvents();
}, 1000);
document.addEventListener('visibilitychange', () => {
	if (!document.hidden) {
		refresh();
		refreshHosts();
	}
});

// SPDX-License-Identifier: BSD-3-Clause
// What the figures look like: readings, charts and tables. Each show() draws all from the newest
// figures; nothing here asks the exporter.

import {Legend, STACK_SLOTS, Slots, barChart, lineChart, placeOf, sparkline, stack, stackChart, stackColor}
	from './charts.js';
import {SEVERITIES, byId, el, setAttribute, setText, severityChip} from './dom.js';
import {UNKNOWN, clock, duration, percent, rate, utc, whole, withPrefix, words} from './format.js';
import {KeyedRows, SortedTable} from './tables.js';

const CLASSES = ['open', 'half_open', 'unanswered', 'closed'];
const CLASS_NAMES = {open: 'established'};
const RESETS = 'jabiru_resets_total';
const ANOMALIES = 'jabiru_anomalies_total';
const OUTCOMES = 'jabiru_connections_total';
const OPEN = 'jabiru_connections';
const SHOWN_OUTCOMES = ['STALL', 'PERSIST', 'ORPH', 'RSTA', 'RSTI', 'DESYNC', 'HO', 'EMPTY', 'RJI',
	'LIM', 'S0', 'REJ'];
const HOSTS_MAX = 50;
const RESET_STEP_S = 5; // few a second: shorter ones would be noise

const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
const sumOrNull = (values) => (values.some((value) => value !== null && value !== undefined)
	? sum(values) : null);
const perSecond = (value) => (value === null || value === undefined ? UNKNOWN : `${rate(value)}/s`);

/** A button that looks like the text it is. */
const textButton = (text, title, onclick) =>
	el('button', {type: 'button', class: 'plain-button', title, text, onclick});

export class Panels {
	/** @p open.anomaly(key), .reset(key), .outcome(key), .address(address): what a click opens */
	constructor(figures, open) {
		this.figures = figures;
		this.open = open;
		this.status = null;
		this.hosts = [];
		this.#makeReadings();
		this.#makeCharts();
		this.#makeTables();
	}

	setStatus(status) {
		this.status = status;
	}

	show() {
		this.#showAnomalies(); // first: its sums stand among the readings
		this.#showResets();
		this.#showPackets();
		this.#showConnections();
		this.#showOutcomes();
		this.#showView();
		this.#showReadings();
	}

	showHosts(hosts) {
		this.hosts = hosts;
		this.#showHosts();
	}

	/* ---- readings ---- */

	#makeReadings() {
		this.readings = new Map();
		for (const [name, heading] of [['packets', 'Packets'], ['tcp', 'TCP'], ['missed', 'Missed'],
			['resets', 'Resets'], ['anomalies', 'Anomalies'], ['open', 'Connections'],
			['half', 'Half-open'], ['stalled', 'Stalled']]) {
			const reading = {value: el('span', {class: 'value', text: UNKNOWN}),
				unit: el('span', {class: 'unit'}), note: el('dd', {class: 'note', text: UNKNOWN})};
			reading.element = el('div', {class: 'reading', id: `reading-${name}`},
				el('dt', {text: heading}), el('dd', {}, reading.value, ' ', reading.unit), reading.note);
			this.readings.set(name, reading);
			byId('readings').append(reading.element);
		}
	}

	#read(name, value, unit, note) {
		const reading = this.readings.get(name);
		setText(reading.value, value);
		setText(reading.unit, unit);
		setText(reading.note, note);
	}

	#showReadings() {
		const {figures} = this;
		const rateOf = (metric, label) => figures.now(metric, label)?.rate ?? null;
		const packets = rateOf('jabiru_received_packets_total');
		const bytes = rateOf('jabiru_received_bytes_total');
		const tcp = rateOf('jabiru_tcp_packets_total');
		const missed = rateOf('jabiru_missed_packets_total');
		const total = figures.now('jabiru_missed_packets_total')?.value ?? null;
		this.#read('packets', rate(packets), '/s', withPrefix(bytes === null ? null : bytes * 8, 'bit/s'));
		this.#read('tcp', rate(tcp), '/s', packets > 0 ? `${percent(tcp / packets)} of packets` : UNKNOWN);
		this.#read('missed', rate(missed), '/s',
			missed > 0 ? `${percent(missed / (missed + packets))} lost` : `${whole(total)} since start`);
		this.readings.get('missed').element.classList.toggle('bad', missed > 0);
		const pending = figures.now('jabiru_resets_pending')?.value ?? null;
		this.#read('resets', rate(sumOrNull(figures.series(RESETS).map((row) => row.rate))), '/s',
			`${whole(pending)} not settled yet`);
		this.#read('anomalies', rate(this.anomalyRate), '/s', `${whole(this.anomalySum)} in 15 min`);
		const open = sumOrNull(CLASSES.map((key) => figures.now(OPEN, key)?.value));
		const capacity = figures.now('jabiru_connection_table_capacity')?.value ?? null;
		this.#read('open', whole(open), '', capacity > 0 ? `${percent(open / capacity)} of the table` : UNKNOWN);
		this.#read('half', whole(figures.now(OPEN, 'half_open')?.value ?? null), '',
			`${whole(figures.now(OPEN, 'unanswered')?.value ?? null)} unanswered`);
		this.#read('stalled', rate(rateOf(OUTCOMES, 'STALL')), '/s',
			`${whole(figures.increase(OUTCOMES, 'STALL'))} in 15 min`);
	}

	/* ---- charts ---- */

	#makeCharts() {
		this.packetsLegend = new Legend(byId('packets-legend'));
		this.missedLegend = new Legend(byId('missed-legend'));
		this.resetsLegend = new Legend(byId('resets-legend'));
		// the pointer is over one chart, and all show its time
		this.pointed = null;
		const onCursor = (time) => {
			this.pointed = time;
			this.#showLegends();
		};
		this.packetsChart = lineChart(byId('packets-chart'),
			[{color: '--received'}, {color: '--tcp', dash: [5, 3]}], 10, onCursor);
		this.missedChart = barChart(byId('missed-chart'), '--missed', 5, onCursor);
		this.resetsChart = stackChart(byId('resets-chart'), onCursor);
		this.slots = new Slots();
		for (const id of ['packets-chart', 'missed-chart', 'resets-chart'])
			byId(id).setAttribute('role', 'img');
	}

	#showPackets() {
		const {figures} = this;
		this.received = figures.rates('jabiru_received_packets_total');
		this.tcp = figures.rates('jabiru_tcp_packets_total');
		this.missed = figures.rates('jabiru_missed_packets_total');
		this.packetsChart.draw([figures.times, this.received, this.tcp]);
		this.missedChart.draw([figures.times, this.missed]);
		this.#describe('packets-chart', `Packets a second over 15 minutes; now ${rate(this.received.at(-1))}, `
			+ `of them TCP ${rate(this.tcp.at(-1))}`);
		this.#describe('missed-chart', `Missed packets a second over 15 minutes; now ${rate(this.missed.at(-1))}`);
		this.#showLegends();
	}

	#showLegends() {
		const {times} = this.figures;
		if (!this.received)
			return;
		const at = placeOf(times, this.pointed);
		this.packetsLegend.show(times, at, [
			{name: 'all', look: 'line received', values: this.received, format: perSecond},
			{name: 'TCP', look: 'line dashed tcp', values: this.tcp, format: perSecond}]);
		this.missedLegend.show(times, at,
			[{name: 'missed', look: 'line missed', values: this.missed, format: perSecond}]);
		this.resetsLegend.show(this.resetTimes, placeOf(this.resetTimes, this.pointed),
			[{name: 'all', look: '', values: this.resetSums, format: perSecond}]);
		this.#showCauses();
	}

	#describe(id, text) {
		setAttribute(byId(id), 'aria-label', text);
	}

	#showResets() {
		const {figures} = this;
		const sizes = new Map(figures.labelsOf(RESETS).map((cause) => [cause, figures.increase(RESETS, cause)]));
		const slots = this.slots.assign(sizes);
		const places = figures.steps(RESET_STEP_S);
		this.resetTimes = places.map((place) => figures.times[place]);
		const nothing = places.map(() => null);
		this.causeRates = slots.map((cause) => (cause === null ? nothing : figures.rates(RESETS, cause, places)));
		const others = figures.labelsOf(RESETS).filter((cause) => !slots.includes(cause));
		const rest = others.map((cause) => figures.rates(RESETS, cause, places));
		this.causeRates.push(nothing.map((_, at) => sumOrNull(rest.map((row) => row[at]))));
		const sums = stack(this.causeRates);
		this.resetSums = sums.at(-1);
		this.resetsChart.draw([this.resetTimes, ...sums]);
		this.causes = slots.map((cause, slot) => ({key: cause, slot, increase: sizes.get(cause)}))
			.filter((row) => row.key !== null).reverse(); // as they lie: the uppermost first
		const otherSum = sum(others.map((cause) => sizes.get(cause)));
		this.causes.unshift({key: ' others', slot: STACK_SLOTS, increase: otherSum,
			text: `${others.length} other causes`});
		const named = this.causes.slice(1).map((row) => `${row.key} ${whole(row.increase)}`).join(', ');
		this.#describe('resets-chart', `Resets a second by cause over 15 minutes; in all ${named || 'none'}`);
	}

	#showCauses() {
		const at = placeOf(this.resetTimes, this.pointed);
		this.causeTable.show(this.causes.map((row) => ({...row, rate: this.causeRates[row.slot][at] ?? null})));
	}

	/* ---- tables ---- */

	#makeTables() {
		this.causeTable = new KeyedRows(byId('resets'), (row) => {
			const made = {swatch: el('span', {'aria-hidden': 'true'}), rate: el('td', {class: 'number'}),
				increase: el('td', {class: 'number'})};
			made.name = row.text ? el('span') : textButton(row.key, `${row.key}: what it is`,
				() => this.open.reset(row.key));
			made.element = el('tr', {}, el('td', {class: 'cause'}, made.swatch, made.name), made.rate, made.increase);
			return made;
		}, (made, row) => {
			setAttribute(made.swatch, 'class', `swatch area ${stackColor(row.slot).slice(2)}`);
			setText(made.name, row.text ?? row.key);
			setText(made.rate, rate(row.rate));
			setText(made.increase, whole(row.increase));
		});
		this.#makeAnomalies();
		this.#makeConnections();
		this.#makeHosts();
	}

	#makeAnomalies() {
		this.anomalyTable = new SortedTable(byId('anomalies'), [
			{name: 'severity', heading: 'Severity', isNumber: false, cell: (row) => severityChip(row.severity),
				order: (row) => -SEVERITIES.indexOf(row.severity)},
			{name: 'anomaly', heading: 'Anomaly', cell: (row) => textButton(row.key, `${row.key}: what it is`,
				() => this.open.anomaly(row.key)), order: (row) => row.key},
			{name: 'rate', heading: 'per s', isNumber: true, cell: (row) => rate(row.rate),
				order: (row) => row.rate},
			{name: 'recent', heading: '15 min', isNumber: true, cell: (row) => whole(row.recent),
				order: (row) => row.recent},
			{name: 'total', heading: 'in all', isNumber: true, cell: (row) => whole(row.total),
				order: (row) => row.total},
		], {sort: 'recent', rowsMax: 200, emptyText: 'No anomaly since the sensor started.'});
	}

	#showAnomalies() {
		const series = this.figures.series(ANOMALIES);
		const rows = series.filter((row) => row.value > 0).map((row) => ({
			key: row.labels.anomaly, severity: row.labels.severity ?? 'note', rate: row.rate,
			recent: this.figures.increase(ANOMALIES, row.labels.anomaly), total: row.value,
		}));
		this.anomalyTable.show(rows);
		this.anomalyRate = sumOrNull(series.map((row) => row.rate));
		this.anomalySum = sum(rows.map((row) => row.recent));
		const alerts = rows.filter((row) => row.severity === 'alert' && row.recent > 0).length;
		setText(byId('anomalies-note'), `${rows.length} of ${series.length} kinds seen`
			+ `${alerts ? ` · ${alerts} of severity alert in 15 min` : ''}`);
	}

	#makeConnections() {
		this.classTable = new KeyedRows(byId('connections'), (row) => {
			const made = {now: el('td', {class: 'number'}), most: el('td', {class: 'number'}),
				trend: el('div', {class: 'spark', role: 'img'})};
			made.element = el('tr', {}, el('th', {scope: 'row', text: CLASS_NAMES[row.key] ?? words(row.key)}),
				made.now, el('td', {class: 'trend'}, made.trend), made.most);
			made.chart = sparkline(made.trend, '--received');
			return made;
		}, (made, row) => {
			setText(made.now, whole(row.now));
			setText(made.most, whole(row.most));
			setAttribute(made.trend, 'aria-label', `between ${whole(row.least)} and ${whole(row.most)} in 15 minutes`);
			made.chart.draw([this.figures.times, row.values]);
		});
		this.outcomeTable = new KeyedRows(byId('outcomes'), (row) => {
			const made = {rate: el('td', {class: 'number'}), recent: el('td', {class: 'number'}),
				total: el('td', {class: 'number'})};
			made.element = el('tr', {}, el('th', {scope: 'row'},
				textButton(row.key, `${row.key}: what it is`, () => this.open.outcome(row.key))),
			made.rate, made.recent, made.total);
			return made;
		}, (made, row) => {
			setText(made.rate, rate(row.rate));
			setText(made.recent, whole(row.recent));
			setText(made.total, whole(row.total));
		});
	}

	#showConnections() {
		const {figures} = this;
		const known = figures.series(OPEN).map((row) => row.labels.class);
		this.classTable.show(CLASSES.filter((key) => known.includes(key)).map((key) => {
			const values = figures.raw(OPEN, key);
			const present = values.filter((value) => value !== null);
			return {key, values, now: present.at(-1) ?? null,
				least: present.length ? Math.min(...present) : null,
				most: present.length ? Math.max(...present) : null};
		}));
		const evicted = sumOrNull(figures.series('jabiru_connection_evictions_total').map((row) => row.rate));
		setText(byId('connections-note'), evicted > 0
			? `${rate(evicted)} a second gave way: the table is full` : 'none had to give way');
	}

	#showOutcomes() {
		const {figures} = this;
		this.outcomeTable.show(SHOWN_OUTCOMES.map((key) => ({key, series: figures.now(OUTCOMES, key)}))
			.filter(({series}) => series?.value > 0)
			.map(({key, series}) => ({key, rate: series.rate, total: series.value,
				recent: figures.increase(OUTCOMES, key)})));
	}

	#makeHosts() {
		this.hostTable = new SortedTable(byId('hosts'), [
			{name: 'address', heading: 'Address', cell: (row) => textButton(row.shown,
				`${row.shown}: name it, or see its events`, () => this.open.address(row.address)),
			order: (row) => row.shown},
			{name: 'alias', heading: 'Name', cell: (row) => row.alias || UNKNOWN, order: (row) => row.alias},
			{name: 'anomaly', heading: 'Anomaly', cell: (row) => textButton(row.anomaly,
				`${row.anomaly}: what it is`, () => this.open.anomaly(row.anomaly)), order: (row) => row.anomaly},
			{name: 'count', heading: 'Count', isNumber: true, cell: (row) => whole(row.count),
				order: (row) => row.count},
			{name: 'over', heading: 'Uncertain', isNumber: true, cell: (row) => whole(row.over),
				order: (row) => row.over},
			{name: 'last', heading: 'Last', isNumber: true, cell: (row) =>
				el('time', {title: utc(row.last), text: clock(row.last)}),
			update: (node, row) => {
				setText(node, clock(row.last));
				setAttribute(node, 'title', utc(row.last));
			}, order: (row) => row.last},
		], {sort: 'count', rowsMax: HOSTS_MAX, emptyText: 'No host in this role yet.'});
		byId('roles').addEventListener('change', () => this.#showHosts());
	}

	#showHosts() {
		const role = document.querySelector('input[name="role"]:checked').value;
		this.hostTable.show(this.hosts.filter((row) => row.role === role).map((row) => ({...row,
			key: `${row.address} ${row.port} ${row.anomaly} ${row.alias}`,
			shown: row.port ? (row.address.includes(':') ? `[${row.address}]:${row.port}`
				: `${row.address}:${row.port}`) : row.address})));
	}

	/* ---- what the sensor sees ---- */

	#showView() {
		const {figures} = this;
		this.portTable ??= new KeyedRows(byId('ports'), () => {
			const made = {name: el('th', {scope: 'row'}), link: el('td'), packets: el('td', {class: 'number'}),
				missed: el('td', {class: 'number'})};
			made.element = el('tr', {}, made.name, made.link, made.packets, made.missed);
			return made;
		}, (made, row) => {
			setText(made.name, row.name);
			setText(made.link, row.isUp === null ? UNKNOWN : row.isUp ? 'up' : 'DOWN');
			setAttribute(made.link, 'class', row.isUp === false ? 'bad-text' : '');
			setText(made.packets, rate(row.packets));
			setText(made.missed, rate(row.missed));
		});
		this.portTable.show(figures.series('jabiru_port_received_packets_total').map((row) => {
			const {port} = row.labels;
			const known = this.status?.ports?.find((candidate) => String(candidate.port) === port);
			const up = figures.now('jabiru_port_up', port, 'port')?.value;
			return {key: port, name: row.labels.device ?? known?.device ?? `port ${port}`,
				isUp: up === undefined ? known?.up ?? null : up === 1, packets: row.rate,
				missed: figures.now('jabiru_port_missed_packets_total', port, 'port')?.rate ?? null};
		}));
		this.#showTrust();
	}

	#showTrust() {
		const {figures} = this;
		const gauge = (metric) => figures.now(metric)?.value ?? null;
		const times = (metric) => {
			const found = figures.quantiles(metric, [0.5, 0.95]);
			return found === null ? UNKNOWN
				: `half up to ${duration(found[0])}, 95 of 100 up to ${duration(found[1])}`;
		};
		const rows = [
			['Capture loss', percent(gauge('jabiru_capture_loss_ratio')),
				'ACKs of bytes that were never seen, of all ACKs since the start'],
			['One direction only', percent(gauge('jabiru_one_way_ratio')),
				'of the connections that ended since the start'],
			['Tap duplicates', percent(gauge('jabiru_duplicate_ratio')), 'of TCP segments since the start'],
			['Handshake', times('jabiru_handshake_rtt_seconds'), 'SYN to final ACK, in the last minute'],
			['Server response', times('jabiru_server_response_seconds'),
				'end of a request to start of its answer, in the last minute'],
		];
		const list = byId('view');
		if (list.children.length === 0)
			for (const [name, , title] of rows)
				list.append(el('dt', {text: name}), el('dd', {}, el('span'),
					el('span', {class: 'quiet-text', text: ` ${title}`})));
		rows.forEach(([, text], i) => setText(list.querySelectorAll('dd')[i].firstChild, text));
	}
}

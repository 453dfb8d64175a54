// SPDX-License-Identifier: BSD-3-Clause
// The one dialog of the page, and what it shows: what an anomaly, a reset cause or an outcome is, the
// command that names an address, and all of an event.

import {byId, el, severityChip} from './dom.js';
import {duration, endpoint, moment, percent, utc, whole, words} from './format.js';

const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,38}$/;

let actions = {showEvents: () => {}, aliasOf: () => ''};

/** @p given.showEvents(filter) sets the filter of the events; @p given.aliasOf(address) its name or ''. */
export function setUp(given) {
	actions = given;
	const dialog = byId('dialog');
	byId('dialog-close').addEventListener('click', () => dialog.close());
	dialog.addEventListener('click', (event) => {
		if (event.target === dialog) // outside its contents: the backdrop
			dialog.close();
	});
}

function open(title, ...parts) {
	const dialog = byId('dialog');
	byId('dialog-title').replaceChildren(...title);
	byId('dialog-body').replaceChildren(...parts.filter((part) => part !== null));
	if (!dialog.open)
		dialog.showModal();
	byId('dialog-body').scrollTop = 0;
}

/** A list of terms; rows without a text are left out. */
function pairs(rows) {
	const list = el('dl', {class: 'pairs'});
	for (const [term, text] of rows)
		if (text !== '' && text !== null && text !== undefined)
			list.append(el('dt', {text: term}),
				text instanceof Node ? el('dd', {}, text) : el('dd', {text}));
	return list;
}

function showEventsButton(label, filter) {
	return el('p', {class: 'actions'}, el('button', {
		type: 'button', text: label,
		onclick: () => {
			byId('dialog').close();
			actions.showEvents(filter);
		},
	}));
}

function thresholds(rows) {
	if (!rows?.length)
		return null;
	const list = el('ul', {class: 'plain'});
	for (const row of rows)
		list.append(el('li', {}, el('code', {text: `${row.section}.${row.key}`}),
			` ${row.help}; default ${row.default}${row.unit ? ` ${row.unit}` : ''}`,
			row.min !== undefined && row.max !== undefined ? `, ${whole(row.min)} to ${whole(row.max)}` : ''));
	return list;
}

/** What an anomaly is; a key that the catalogue lacks comes from a newer sensor. */
export function showAnomaly(catalog, key) {
	const row = catalog?.anomalies?.find((anomaly) => anomaly.key === key);
	const events = showEventsButton('Show its events', {anomaly: key});
	if (row === undefined)
		return open([el('code', {text: key})], el('p', {text: missing(catalog)}), events);
	return open([el('code', {text: key}), ' ', severityChip(row.severity)], pairs([
		['Condition', row.when], ['Meaning', row.meaning], ['What to do', row.todo],
		['Beware of', row.traps], ['Thresholds', thresholds(row.thresholds)],
		['Found in', `${row.scope}, group ${row.group}`], ['Reference', row.reference],
		['Elsewhere', row.peers], ['On a console', el('code', {text: `jabiructl explain ${key}`})],
	]), events);
}

const missing = (catalog) => (catalog
	? 'The exporter has no definition of it: the sensor is of another version than the exporter.'
	: 'The catalogue has not come yet; try again in a moment.');

/** What a cause of resets is. */
export function showReset(catalog, key) {
	const row = catalog?.resets?.find((reset) => reset.key === key);
	if (row === undefined)
		return open([el('code', {text: key})], el('p', {text: missing(catalog)}));
	return open([el('code', {text: key})], pairs([
		['A reset by', row.what], ['Evidence', row.evidence],
		['Rule', `${row.rule}; the first rule that matches decides`],
	]));
}

/** What an outcome is. */
export function showOutcome(catalog, key) {
	const row = catalog?.outcomes?.find((outcome) => outcome.key === key);
	if (row === undefined)
		return open([el('code', {text: key})], el('p', {text: missing(catalog)}));
	return open([el('code', {text: key})], pairs([
		['A connection', row.meaning], ['Code of', row.is_zeek ? 'Zeek' : 'jabiru'],
	]));
}

/** Copy @p text; without a clipboard (a page that is not from localhost or https) select it instead. */
async function copy(text, code, note) {
	try {
		await navigator.clipboard.writeText(text);
		note.textContent = 'Copied.';
	} catch {
		getSelection().selectAllChildren(code);
		note.textContent = 'Selected: copy it with Ctrl-C.';
	}
}

/** The command that names an address. */
export function showAddress(address) {
	const alias = actions.aliasOf(address);
	const code = el('code', {id: 'alias-command'});
	const note = el('span', {class: 'quiet-text', role: 'status'});
	const input = el('input', {id: 'alias-name', type: 'text', maxlength: '39', autocomplete: 'off',
		spellcheck: 'false', placeholder: 'NAME', 'aria-describedby': 'alias-hint'});
	const hint = el('p', {id: 'alias-hint', class: 'quiet-text'});
	const show = () => {
		const name = input.value.trim();
		const isGood = name === '' || NAME_FORM.test(name);
		code.textContent = `jabiructl alias add ${address} ${isGood && name !== '' ? name : 'NAME'}`;
		hint.textContent = isGood ? 'This page only reads. Give the command where the sensor runs.'
			: 'A name has letters, digits, dots, dashes and underlines, and begins with a letter or digit.';
		note.textContent = '';
	};
	input.addEventListener('input', show);
	show();
	open([el('code', {text: address})],
		el('p', {text: alias ? `Its name is ${alias}. Another one:` : 'It has no name yet. To name it:'}),
		el('p', {}, el('label', {}, 'Name ', input)),
		el('p', {class: 'command'}, code,
			el('button', {id: 'alias-copy', type: 'button', text: 'Copy',
				onclick: () => copy(code.textContent, code, note)}), note),
		hint, showEventsButton('Show its events', {host: address}));
}

/** All that an event says. */
export function showEvent(event) {
	const time = (at) => el('time', {datetime: new Date(at * 1000).toISOString(), title: utc(at),
		text: moment(at)});
	open([`Event ${whole(event.number)} `, severityChip(event.severity)],
		el('p', {text: event.summary}), pairs([
			['Anomaly', el('code', {text: event.anomaly})], ['Time', time(event.time)],
			['UTC', utc(event.time)],
			['Source', named(event.src_ip, event.src_port)],
			['Destination', named(event.dest_ip, event.dest_port)],
			['Counted', `${whole(event.count)} in ${duration(Math.max(0, event.last - event.first))}`],
			['First', time(event.first)], ['Last', time(event.last)],
			['Confidence', percent(event.confidence)], ['VLAN', event.vlan ? String(event.vlan) : ''],
			['Flow', event.flow_id ? String(event.flow_id) : ''],
		]), showEventsButton(`Show all events of ${words(event.anomaly)}`, {anomaly: event.anomaly}));
}

function named(address, port) {
	if (!address)
		return '';
	const alias = actions.aliasOf(address);
	return endpoint(address, port) + (alias ? `, ${alias}` : '');
}

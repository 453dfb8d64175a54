// SPDX-License-Identifier: BSD-3-Clause
// The banner: is the sensor well, is it losing packets, are these figures of now. In sentences.

import {byId, el, setAttribute, setText} from './dom.js';
import {clock, duration} from './format.js';

const WORDS = {ok: 'OK', warn: 'Attention', fail: 'Fault', wait: 'Wait'};
const LIVES = {
	stale: 'The sensor gives no sign of life: it hangs, or was killed.',
	over: 'The sensor has ended.',
	none: 'There is no sensor.',
	unreadable: "The sensor's figures cannot be read.",
};

/** A sentence begins with a capital and ends with a full stop. */
function sentence(text) {
	const trimmed = text.trim();
	const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
	return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

export class Health {
	constructor() {
		this.status = null;
		this.isLinked = null;
		this.silence_s = 0;
		this.failures = new Map();
	}

	setStatus(status) {
		this.status = status;
		this.#show();
	}

	/** Is the stream open? */
	setLink(isLinked) {
		this.isLinked = isLinked;
		if (isLinked)
			this.silence_s = 0;
		this.#show();
	}

	/** For how long the stream has said nothing, 0: it speaks. */
	setSilence(seconds) {
		this.silence_s = seconds;
		this.#show();
	}

	/** A question that fails; an empty text: no longer. */
	setFailure(question, text) {
		this.failures.set(question, text);
		this.#show();
	}

	#level() {
		if (this.isLinked === false || this.silence_s > 0)
			return 'fail';
		if (this.status === null)
			return 'wait';
		if (this.status.life !== 'alive' || this.status.health === 'fail')
			return 'fail';
		const isFine = this.status.health === 'ok' && !(this.status.rates?.missed_per_second > 0);
		return isFine && [...this.failures.values()].every((text) => text === '') ? 'ok' : 'warn';
	}

	#sentences() {
		const {status} = this;
		const sentences = [];
		if (this.isLinked === false || this.silence_s > 0) {
			sentences.push(this.isLinked === false
				? 'The connection to jabiru-exporter is lost; this page is reconnecting.'
				: 'The connection to jabiru-exporter is open, but it says nothing.');
			if (status?.time)
				sentences.push(`What stands here is of ${clock(status.time)}.`);
			return sentences;
		}
		if (status === null)
			return ['Waiting for the first figures.'];
		const reasons = (status.reasons ?? []).map(sentence);
		if (status.life !== 'alive') {
			if (reasons.length === 0)
				sentences.push(LIVES[status.life] ?? `The sensor is ${status.life}.`);
			sentences.push(...reasons);
			if (status.time)
				sentences.push(`What stands here is of ${clock(status.time)}, not of now.`);
			return sentences;
		}
		sentences.push(...reasons);
		if (reasons.length === 0 && status.rates?.missed_per_second > 0)
			sentences.push('The sensor is losing packets: its ports are not fetched fast enough.');
		for (const text of this.failures.values())
			if (text !== '')
				sentences.push(sentence(text));
		if (sentences.length === 0)
			sentences.push(status.mode === 'replay' ? 'The sensor replays a capture.'
				: 'The sensor runs, and its ports lose no packets.');
		return sentences;
	}

	#show() {
		const level = this.#level();
		setAttribute(byId('health'), 'class', `health ${level}`);
		setText(byId('health-word'), WORDS[level]);
		const sentences = this.#sentences();
		const listed = byId('health-reasons');
		if ([...listed.children].map((item) => item.textContent).join('\n') !== sentences.join('\n'))
			listed.replaceChildren(...sentences.map((text) => el('li', {text})));
		const isCut = this.isLinked === false || this.silence_s > 0;
		setText(byId('link'), this.isLinked === null ? 'connecting' : isCut ? 'reconnecting'
			: this.status?.life === 'alive' ? 'live' : 'connected');
		setAttribute(byId('link-dot'), 'class', isCut ? 'dot cut' : this.isLinked ? 'dot' : 'dot wait');
		const isOld = isCut || (this.status !== null && this.status.life !== 'alive');
		document.body.classList.toggle('old', isOld);
		this.#showFacts();
	}

	#showFacts() {
		const {status} = this;
		if (status === null)
			return;
		setText(byId('sensor'), status.sensor ?? '');
		document.title = status.sensor ? `${status.sensor} – jabiru` : 'jabiru';
		const facts = [];
		if (status.version)
			facts.push(`jabiru ${status.version}`);
		if (status.mode)
			facts.push(status.mode);
		if (status.state)
			facts.push(status.state);
		if (status.workers)
			facts.push(`${status.workers} worker${status.workers === 1 ? '' : 's'}`);
		if (status.uptime_s)
			facts.push(`up ${duration(Math.floor(status.uptime_s))}`);
		if (status.time)
			facts.push(clock(status.time));
		setText(byId('facts'), facts.join(' · '));
	}
}

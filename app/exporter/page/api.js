// SPDX-License-Identifier: BSD-3-Clause
// The exporter: its JSON by question, and its stream of events. Addresses are relative, so that the page
// works below any path of a proxy.

const TIMEOUT_MS = 8000;
const RETRY_MS = 2000;

/** Ask api/v1/NAME. Throws an Error whose message is a sentence. */
export async function ask(name, query = {}) {
	const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null);
	const search = new URLSearchParams(given).toString();
	const response = await fetch(`api/v1/${name}${search ? `?${search}` : ''}`,
		{cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS)});
	let body = null;
	try {
		body = await response.json();
	} catch {
		throw new Error(`the exporter's answer for ${name} is no JSON`);
	}
	if (!response.ok)
		throw new Error(body?.error ?? `the exporter answers ${name} with ${response.status}`);
	return body;
}

/** The stream of events. Reopens by itself for as long as the page lives. on.open(goesOn): it goes on
 * after the event that came last, and tells what was lost since; else it begins with what is new. on.closed(), on.anomaly(event), on.lost(n), on.snapshot(status). */
export function openStream(on) {
	let source = null;
	const parsed = (use) => (message) => {
		let data = null;
		try {
			data = JSON.parse(message.data);
		} catch {
			return; // a newer exporter's: what cannot be read is passed over
		}
		use(data);
	};
	const start = () => {
		let hasNumber = false; // the browser then sends it as it comes back
		source = new EventSource('events');
		source.addEventListener('open', () => on.open(hasNumber));
		source.addEventListener('anomaly', parsed((event) => {
			hasNumber = true;
			on.anomaly(event);
		}));
		source.addEventListener('lost', parsed((data) => on.lost(data.lost)));
		source.addEventListener('snapshot', parsed(on.snapshot));
		source.addEventListener('error', () => {
			on.closed();
			// the browser itself comes back after a cut, but not after an answer like 503
			if (source.readyState === EventSource.CLOSED)
				setTimeout(start, RETRY_MS);
		});
	};
	start();
}

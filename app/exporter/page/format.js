// SPDX-License-Identifier: BSD-3-Clause
// Figures, units and times as text. What is unknown is a dash.

export const UNKNOWN = '–';
const THIN = '\u202f'; // narrow, and no line breaks there

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** 1234567 -> 1 234 567. */
export function whole(value) {
	if (!isNumber(value))
		return UNKNOWN;
	const digits = String(Math.round(Math.abs(value))).replace(/\B(?=(\d{3})+$)/g, THIN);
	return value < 0 && digits !== '0' ? `−${digits}` : digits;
}

/** A figure a second: small ones with two digits that say something. */
export function rate(value) {
	if (!isNumber(value))
		return UNKNOWN;
	if (value === 0)
		return '0';
	if (Math.abs(value) < 0.01)
		return value < 0 ? whole(value) : '<0.01';
	if (Math.abs(value) < 1)
		return value.toFixed(2);
	return Math.abs(value) < 10 ? value.toFixed(1) : whole(value);
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** [text, prefix]: three digits that say something, and the prefix of the unit. */
function scaled(value) {
	let power = 0;
	while (Math.abs(value) >= 999.5 && power < PREFIXES.length - 1) {
		value /= 1000;
		power++;
	}
	const digits = power === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return [value.toFixed(digits), PREFIXES[power]];
}

/** 1234567, 'bit/s' -> 1.23 Mbit/s. */
export function withPrefix(value, unit) {
	if (!isNumber(value))
		return UNKNOWN;
	const [text, prefix] = scaled(value);
	return `${text}${THIN}${prefix}${unit}`;
}

/** The same for an axis, where there is no room: 180k. */
export function short(value) {
	if (!isNumber(value))
		return '';
	if (value !== 0 && Math.abs(value) < 10 && !Number.isInteger(value))
		return String(Math.round(value * 100) / 100);
	const [text, prefix] = scaled(value);
	return (text.includes('.') ? text.replace(/\.?0+$/, '') : text) + prefix;
}

/** A share of 1 -> 12.3 %. */
export function percent(share) {
	if (!isNumber(share))
		return UNKNOWN;
	const value = share * 100;
	const digits = value === 0 || value >= 99.95 ? 0 : value < 1 ? 3 : 1;
	return `${value.toFixed(digits)}${THIN}%`;
}

/** Seconds -> 4 d 3 h, 12 min 5 s, 1.3 ms. */
export function duration(seconds) {
	if (!isNumber(seconds))
		return UNKNOWN;
	if (seconds < 1e-3)
		return `${whole(seconds * 1e6)}${THIN}µs`;
	if (seconds < 1)
		return `${Number((seconds * 1e3).toPrecision(3))}${THIN}ms`;
	if (seconds < 10)
		return `${seconds.toFixed(1)}${THIN}s`;
	const rounded = Math.round(seconds);
	const parts = [[Math.floor(rounded / 86400), 'd'], [Math.floor(rounded / 3600) % 24, 'h'],
		[Math.floor(rounded / 60) % 60, 'min'], [rounded % 60, 's']];
	const first = parts.findIndex(([count]) => count > 0);
	return parts.slice(first, first + 2).filter(([count]) => count > 0)
		.map(([count, unit]) => `${count}${THIN}${unit}`).join(' ');
}

const pad = (number, width = 2) => String(number).padStart(width, '0');

/** Seconds since the epoch -> local 13:05:09. */
export function clock(time) {
	if (!isNumber(time))
		return UNKNOWN;
	const date = new Date(time * 1000);
	return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** The same with milliseconds. */
export const clockMs = (time) =>
	isNumber(time) ? `${clock(time)}.${pad(new Date(time * 1000).getMilliseconds(), 3)}` : UNKNOWN;

/** Local hours and minutes, for an axis. */
export const clockShort = (time) => clock(time).slice(0, 5);

/** 2026-11-24 13:05:09.123 UTC, for titles. */
export function utc(time) {
	if (!isNumber(time))
		return '';
	return `${new Date(time * 1000).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** The local day and time. */
export function moment(time) {
	if (!isNumber(time))
		return UNKNOWN;
	const date = new Date(time * 1000);
	return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clockMs(time)}`;
}

/** half_open -> half open. */
export const words = (key) => String(key).replaceAll('_', ' ');

/** An address and its port, IPv6 in brackets; a port of 0 is none. */
export function endpoint(address, port) {
	if (!port)
		return address;
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

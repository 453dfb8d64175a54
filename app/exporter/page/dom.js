// SPDX-License-Identifier: BSD-3-Clause
// Elements by id, and new ones. Text goes in as text: nothing here reads HTML.

export const byId = (id) => document.getElementById(id);

/** A new element. @p properties are attributes, but `text` is its text and `onclick` its listener;
 * one that is null, undefined or false is left out. Children are elements or strings. */
export function el(tag, properties = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name === 'text')
			element.textContent = value;
		else if (name === 'onclick')
			element.addEventListener('click', value);
		else
			element.setAttribute(name, value === true ? '' : value);
	}
	element.append(...children.filter((child) => child !== null && child !== undefined));
	return element;
}

/** Change a text only where it differs: a screen reader is not told twice, and nothing is laid out. */
export function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

/** The same for an attribute. */
export function setAttribute(element, name, value) {
	if (element.getAttribute(name) !== value)
		element.setAttribute(name, value);
}

/** The chip of a severity: a word in its colour. */
export function severityChip(severity) {
	return el('span', {class: `severity ${severityClass(severity)}`, text: severity});
}

export const SEVERITIES = ['note', 'warn', 'alert'];

/** A class for CSS; a severity that this page does not know looks like a note. */
export const severityClass = (severity) => (SEVERITIES.includes(severity) ? severity : 'note');

// SPDX-License-Identifier: BSD-3-Clause
// The last quarter of an hour of raw figures: filled from api/v1/history, then one snapshot after the
// other from api/v1/stats. Rates are made here, from both alike.

export const WINDOW_S = 900;
export const GAP_S = 10; // snapshots further apart have nothing between them, or 3 intervals
const QUANTILE_S = 60;

const keyOf = (metric, label) => `${metric} ${label ?? ''}`;
const labelOf = (labels, name) => (name === undefined ? Object.values(labels)[0] : labels[name]);

export class Figures {
	/** @p metrics  [{metric, label, points}]: those to be kept, and the label that tells series apart */
	constructor(metrics) {
		this.metrics = metrics;
		this.gap_s = GAP_S;
		this.clear();
	}

	clear() {
		this.times = [];
		this.values = new Map(); // key -> numbers or null, one for each of times
		this.labels = new Map(); // metric -> its labels in order
		this.stats = null;
		this.number = 0;
		this.histograms = []; // {time, families} of the last minute
	}

	/** Take the answers of api/v1/history, in the order of metrics; what was known is forgotten. */
	fill(answers) {
		this.clear();
		const places = new Map();
		for (const answer of answers)
			for (const time of answer.times)
				places.set(time, 0);
		this.times = [...places.keys()].sort((a, b) => a - b);
		this.times.forEach((time, place) => places.set(time, place));
		answers.forEach((answer, index) => {
			for (const series of answer.series) {
				const row = this.#row(answer.metric, labelOf(series.labels, this.metrics[index].label));
				series.values.forEach((value, i) => {
					row[places.get(answer.times[i])] = value;
				});
			}
		});
	}

	#row(metric, label) {
		const key = keyOf(metric, label);
		let row = this.values.get(key);
		if (row === undefined) {
			row = new Array(this.times.length).fill(null);
			this.values.set(key, row);
			this.labels.set(metric, [...(this.labels.get(metric) ?? []), label]);
		}
		return row;
	}

	/** Take an answer of api/v1/stats. @return false where it is no newer than the last */
	append(stats) {
		const families = new Map(stats.families.map((family) => [family.name, family]));
		const isNewer = this.times.length === 0 || stats.time > this.times.at(-1);
		this.stats = families;
		this.time = stats.time;
		this.number = stats.number;
		if (!isNewer)
			return false;
		for (const {metric, label} of this.metrics)
			for (const series of families.get(metric)?.series ?? [])
				this.#row(metric, labelOf(series.labels, label));
		this.times.push(stats.time);
		for (const row of this.values.values())
			row.push(null);
		for (const {metric, label} of this.metrics)
			for (const series of families.get(metric)?.series ?? [])
				this.values.get(keyOf(metric, labelOf(series.labels, label)))[this.times.length - 1] =
					series.value;
		this.#forget(stats.time);
		this.#keepHistograms(families, stats.time);
		return true;
	}

	#forget(now) {
		const old = this.times.findIndex((time) => time >= now - WINDOW_S - 1);
		if (old <= 0)
			return;
		this.times.splice(0, old);
		for (const row of this.values.values())
			row.splice(0, old);
	}

	#keepHistograms(families, time) {
		const kept = [...families.values()].filter((family) => family.type === 'histogram');
		this.histograms.push({time, families: new Map(kept.map((family) => [family.name, family]))});
		while (this.histograms.length > 2 && this.histograms[1].time <= time - QUANTILE_S)
			this.histograms.shift();
	}

	labelsOf(metric) {
		return this.labels.get(metric) ?? [];
	}

	/** The raw values over times. */
	raw(metric, label) {
		return this.values.get(keyOf(metric, label)) ?? new Array(this.times.length).fill(null);
	}

	/** A counter's rates a second over times, or over @p places of them; null where there is none: the
	 * first, a gap, a restart. */
	rates(metric, label, places = this.times.keys()) {
		const values = this.raw(metric, label);
		let before = null;
		return Array.from(places, (place) => {
			const now = {value: values[place], time: this.times[place]};
			const last = before;
			before = now;
			if (last === null || now.value === null || last.value === null
				|| now.time - last.time > this.gap_s || now.value < last.value)
				return null;
			return (now.value - last.value) / (now.time - last.time);
		});
	}

	/** Places of times that are about @p step_s apart, the last among them. */
	steps(step_s) {
		const places = [];
		let next = Infinity;
		for (let i = this.times.length - 1; i >= 0; i--)
			if (i === this.times.length - 1 || this.times[i] <= next) {
				places.push(i);
				// whole steps of the clock, so that an old one stays as it is
				next = Math.ceil(this.times[i] / step_s - 1) * step_s;
			}
		return places.reverse();
	}

	/** What a counter rose by in the window; a fall is a restart, which begins at 0. */
	increase(metric, label) {
		let sum = 0;
		let before = null;
		for (const value of this.raw(metric, label)) {
			if (value === null)
				continue;
			if (before !== null)
				sum += value >= before ? value - before : value;
			before = value;
		}
		return sum;
	}

	/** The newest value of a series: {value, rate, labels}, or undefined. */
	now(metric, label, name) {
		return this.series(metric).find((series) =>
			label === undefined || labelOf(series.labels, name) === label);
	}

	/** All newest series of a family. */
	series(metric) {
		return this.stats?.get(metric)?.series ?? [];
	}

	/** Upper bounds of the quantiles @p shares of a histogram over the last minute; null: no samples. */
	quantiles(metric, shares) {
		const first = this.histograms[0]?.families.get(metric)?.series[0];
		const last = this.histograms.at(-1)?.families.get(metric)?.series[0];
		if (!first?.buckets || !last?.buckets || first === last || last.count < first.count)
			return null;
		const total = last.count - first.count;
		if (total === 0)
			return null;
		return shares.map((share) => {
			const place = last.buckets.findIndex(([, count], i) =>
				count - (first.buckets[i]?.[1] ?? 0) >= share * total);
			return Number(last.buckets[place]?.[0] ?? Infinity);
		});
	}
}

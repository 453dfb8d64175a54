/* SPDX-License-Identifier: BSD-3-Clause */
/* The page for people. Every section is a table: a count, its share, a key, what the key means. */
#include "report.h"

#include <inttypes.h>
#include <time.h>

#include "report_live.h"
#include "report_private.h"

enum {
	COLUMNS = 100,
	NUMBER_SIZE = 32, /* 2^64 with its commas takes 26 */
	COUNT_WIDTH_LEAST = 6,
	SHARE_WIDTH = 7,
	ROWS_MAX = JBR_ANOM_COUNT + JBR_RESET_COUNT + JBR_OUTCOME_COUNT + JBR_NOT_ANALYSED_COUNT,
};

struct page {
	struct jbr_buffer *out;
	const struct report *report;
	const struct jbr_counters *counters;
	unsigned count_width; /* of the widest count, so that all sections align */
	bool colour;
};

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static void
put_colour(struct page *page, const char *code)
{
	if (page->colour)
		jbr_buffer_format(page->out, "%s", code);
}

/* 1234567 as 1,234,567. */
static const char *
grouped(uint64_t value, char text[NUMBER_SIZE])
{
	char *at = text + NUMBER_SIZE - 1;
	unsigned digits = 0;

	*at = '\0';
	do {
		if (digits > 0 && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + value % 10);
		value /= 10;
		digits++;
	} while (value > 0);
	return at;
}

static void
put_count(struct page *page, uint64_t count)
{
	char text[NUMBER_SIZE];

	jbr_buffer_format(page->out, "%s", grouped(count, text));
}

/* "1 packet", "2 packets". */
static void
put_many(struct page *page, uint64_t count, const char *noun)
{
	put_count(page, count);
	jbr_buffer_format(page->out, " %s%s", noun, count == 1 ? "" : "s");
}

static void
put_bytes(struct page *page, uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	uint64_t scale = 1000;
	uint64_t tenths;
	unsigned unit = 0;

	if (bytes < scale) {
		jbr_buffer_format(page->out, "%" PRIu64 " B", bytes);
		return;
	}
	while (bytes / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	tenths = bytes / (scale / 10);
	jbr_buffer_format(page->out, "%" PRIu64 ".%" PRIu64 " %cB", tenths / 10, tenths % 10,
		units[unit]);
}

static void
put_duration(struct page *page, uint64_t duration_ns)
{
	uint64_t ms = duration_ns / JBR_NS_PER_MS;
	uint64_t s = ms / 1000;

	if (s < 1)
		jbr_buffer_format(page->out, "%" PRIu64 " ms", ms);
	else if (s < 60)
		jbr_buffer_format(page->out, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		jbr_buffer_format(page->out, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		jbr_buffer_format(page->out, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			s / 60 % 60);
	else
		jbr_buffer_format(page->out, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			s / 3600 % 24);
}

/* A share as "12.3 %", seven characters wide; what is there but rounds to nothing is "<0.1 %". */
static void
put_share(struct page *page, uint64_t part, uint64_t whole)
{
	int64_t tenths = report_scaled(part, whole, 1000);

	if (whole == 0)
		jbr_buffer_format(page->out, "%*s", SHARE_WIDTH, "");
	else if (tenths == 0 && part > 0)
		jbr_buffer_format(page->out, " <0.1 %%");
	else
		jbr_buffer_format(page->out, "%3" PRIi64 ".%" PRIi64 " %%", tenths / 10,
			tenths % 10);
}

/* Text that begins in @p column and is broken between words; its later lines begin there too. */
static void
put_wrapped(struct page *page, const char *text, unsigned column)
{
	unsigned at = column;

	while (*text != '\0') {
		unsigned length = (unsigned)strcspn(text, " ");

		if (at > column && at + 1 + length > COLUMNS) {
			jbr_buffer_format(page->out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			jbr_buffer_append(page->out, " ", 1);
			at++;
		}
		jbr_buffer_append(page->out, text, length);
		at += length;
		text += length;
		text += strspn(text, " ");
	}
	jbr_buffer_append(page->out, "\n", 1);
}

static void
put_heading(struct page *page, const char *heading)
{
	jbr_buffer_append(page->out, "\n", 1);
	put_colour(page, BOLD);
	jbr_buffer_format(page->out, "%s", heading);
	put_colour(page, PLAIN);
	jbr_buffer_append(page->out, "\n", 1);
}

/* One row of a table. */
struct row {
	const char *key;
	const char *meaning;
	uint64_t count;
};

/* Rows in falling order of their counts; among equals the catalogue's order stays. */
static void
insert_row(struct row *rows, unsigned *count, struct row row)
{
	unsigned at = *count;

	if (row.count == 0)
		return;
	while (at > 0 && rows[at - 1].count < row.count) {
		rows[at] = rows[at - 1];
		at--;
	}
	rows[at] = row;
	(*count)++;
}

static unsigned
widest_key(const struct row *rows, unsigned count)
{
	unsigned width = 0;

	for (unsigned i = 0; i < count; i++)
		width = jbr_min_u32(COLUMNS, (uint32_t)jbr_max_u64(width, strlen(rows[i].key)));
	return width;
}

static void
put_rows(struct page *page, const struct row *rows, unsigned count, uint64_t whole)
{
	unsigned key_width = widest_key(rows, count);
	unsigned column = 2 + page->count_width + 2 + SHARE_WIDTH + 2 + key_width + 2;
	char number[NUMBER_SIZE];

	for (unsigned i = 0; i < count; i++) {
		jbr_buffer_format(page->out, "  %*s  ", (int)page->count_width,
			grouped(rows[i].count, number));
		put_share(page, rows[i].count, whole);
		jbr_buffer_format(page->out, "  %-*s  ", (int)key_width, rows[i].key);
		put_wrapped(page, rows[i].meaning, column);
	}
}

static void
put_interval(struct page *page)
{
	time_t start_s = (time_t)(page->report->start_ns / JBR_NS_PER_S);
	time_t end_s = (time_t)(page->report->end_ns / JBR_NS_PER_S);
	struct tm start;
	struct tm end;
	char text[32];

	if (gmtime_r(&start_s, &start) == NULL || gmtime_r(&end_s, &end) == NULL)
		return;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &start);
	jbr_buffer_format(page->out, " of %s", text);
	strftime(text, sizeof(text),
		start.tm_yday == end.tm_yday && start.tm_year == end.tm_year ? "%H:%M:%S"
									     : "%Y-%m-%d %H:%M:%S",
		&end);
	jbr_buffer_format(page->out, " to %s UTC, ", text);
	put_duration(page,
		page->report->end_ns > page->report->start_ns
			? page->report->end_ns - page->report->start_ns
			: 0);
}

static void
put_title(struct page *page)
{
	put_colour(page, BOLD);
	jbr_buffer_format(page->out, "jabiru %s", page->report->version);
	put_colour(page, PLAIN);
	jbr_buffer_format(page->out, ", %s", page->report->mode);
	if (page->counters->received > 0)
		put_interval(page);
	jbr_buffer_append(page->out, "\n", 1);
	if (page->report->is_capture_broken) {
		put_colour(page, RED);
		jbr_buffer_format(page->out,
			"The capture is broken: this is about what stood before the break.");
		put_colour(page, PLAIN);
		jbr_buffer_append(page->out, "\n", 1);
	}
}

/* The segments that say how a network fares, as one sentence. */
static void
put_segments(struct page *page, unsigned column)
{
	static const struct {
		unsigned segment;
		const char *name;
	} shown[] = {
		{JBR_SEGMENT_SYN, "SYN"},
		{JBR_SEGMENT_SYNACK, "SYN-ACK"},
		{JBR_SEGMENT_FIN, "FIN"},
		{JBR_SEGMENT_RST, "RST"},
		{JBR_SEGMENT_ZERO_WINDOW, "zero-window"},
	};
	struct jbr_buffer text = {0};
	const char *before = "TCP segments: ";
	char number[NUMBER_SIZE];

	for (size_t i = 0; i < JBR_COUNT_OF(shown); i++) {
		uint64_t count = page->counters->segments[shown[i].segment];

		if (count == 0)
			continue;
		jbr_buffer_format(&text, "%s%s %s", before, grouped(count, number), shown[i].name);
		before = ", ";
	}
	if (text.length == 0)
		jbr_buffer_format(&text, "TCP segments");
	jbr_buffer_append(&text, "", 1);
	if (text.failed)
		page->out->failed = true;
	else
		put_wrapped(page, text.data, column);
	jbr_buffer_fini(&text);
}

/* Where the words begin in a table without keys. */
static unsigned
seen_column(const struct page *page)
{
	return 2 + page->count_width + 2 + SHARE_WIDTH + 2;
}

static void
put_seen_count(struct page *page, uint64_t count, uint64_t whole)
{
	char number[NUMBER_SIZE];

	jbr_buffer_format(page->out, "  %*s  ", (int)page->count_width, grouped(count, number));
	put_share(page, count, whole);
	jbr_buffer_append(page->out, "  ", 2);
}

static void
put_seen(struct page *page)
{
	const struct jbr_counters *counters = page->counters;
	uint64_t not_analysed = jbr_counters_not_analysed(counters);

	put_heading(page, "What was seen");
	put_seen_count(page, counters->received, 0);
	jbr_buffer_format(page->out, "packets, ");
	put_bytes(page, counters->received_bytes);
	jbr_buffer_append(page->out, "\n", 1);
	put_seen_count(page, counters->tcp, counters->received);
	put_segments(page, seen_column(page));
	if (not_analysed > 0) {
		put_seen_count(page, not_analysed, counters->received);
		jbr_buffer_format(page->out, "not analysed (reasons below)\n");
	}
	put_seen_count(page, counters->connections, 0);
	jbr_buffer_format(page->out, "connections\n");
}

static void
put_resets(struct page *page)
{
	struct row rows[ROWS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		insert_row(rows, &count,
			(struct row){jbr_resets[i].key, jbr_resets[i].what,
				page->counters->resets[i]});
	insert_row(rows, &count,
		(struct row){"pending", "too young to have a settled cause",
			page->counters->resets_pending});
	put_heading(page, "Where the resets came from");
	if (count == 0)
		jbr_buffer_format(page->out, "  There were none.\n");
	put_rows(page, rows, count, page->counters->segments[JBR_SEGMENT_RST]);
}

static const char *
severity_colour(unsigned severity)
{
	static const char *const codes[JBR_SEVERITY_COUNT] = {DIM, YELLOW, RED};

	return codes[severity];
}

/* A severity's anomalies: what it is, and from warn on what to do about it. */
static void
put_severity(struct page *page, unsigned severity, const struct row *rows, unsigned count,
	unsigned key_width)
{
	enum { SEVERITY_WIDTH = 5, UNIT_WIDTH = 11 };
	unsigned column = 2 + SEVERITY_WIDTH + 2 + page->count_width + 1 + UNIT_WIDTH + 2 +
		key_width + 2;
	char number[NUMBER_SIZE];

	for (unsigned i = 0; i < count; i++) {
		const struct jbr_anomaly_info *anomaly =
			&jbr_anomalies[jbr_anomaly_find(rows[i].key)];
		bool is_flow = anomaly->scope == JBR_SCOPE_FLOW;
		const char *unit = rows[i].count == 1 ? (is_flow ? "connection" : "packet")
						      : (is_flow ? "connections" : "packets");

		jbr_buffer_append(page->out, "  ", 2);
		put_colour(page, severity_colour(severity));
		jbr_buffer_format(page->out, "%-*s", SEVERITY_WIDTH, jbr_severities[severity]);
		put_colour(page, PLAIN);
		jbr_buffer_format(page->out, "  %*s %-*s  %-*s  ", (int)page->count_width,
			grouped(rows[i].count, number), UNIT_WIDTH, unit, (int)key_width,
			rows[i].key);
		put_wrapped(page, rows[i].meaning, column);
		if (severity >= JBR_SEVERITY_WARN && anomaly->todo[0] != '\0') {
			jbr_buffer_format(page->out, "%*s> ", (int)column, "");
			put_wrapped(page, anomaly->todo, column + 2);
		}
	}
}

static void
put_anomalies(struct page *page)
{
	struct row rows[JBR_SEVERITY_COUNT][JBR_ANOM_COUNT];
	unsigned counts[JBR_SEVERITY_COUNT] = {0};
	unsigned key_width = 0;

	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		unsigned severity = jbr_anomalies[i].severity;

		insert_row(rows[severity], &counts[severity],
			(struct row){jbr_anomalies[i].key, jbr_anomalies[i].meaning,
				page->counters->anomalies[i]});
	}
	for (unsigned i = 0; i < JBR_SEVERITY_COUNT; i++)
		key_width = (unsigned)jbr_max_u64(key_width, widest_key(rows[i], counts[i]));
	put_heading(page, "What is wrong");
	if (key_width == 0)
		jbr_buffer_format(page->out, "  Nothing that the catalogue knows.\n");
	for (unsigned i = JBR_SEVERITY_COUNT; i-- > 0;)
		put_severity(page, i, rows[i], counts[i], key_width);
}

static void
put_outcomes(struct page *page)
{
	struct row rows[ROWS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		insert_row(rows, &count,
			(struct row){jbr_outcomes[i].key, jbr_outcomes[i].meaning,
				page->counters->outcomes[i]});
	if (count == 0)
		return;
	put_heading(page, "How connections ended");
	put_rows(page, rows, count, page->counters->connections);
}

/* What lowers the trust. A share stands in the second column where there is a whole. */
static void
put_trust(struct page *page)
{
	const struct jbr_counters *counters = page->counters;
	const struct {
		uint64_t part;
		uint64_t whole;
		const char *what;
	} doubts[] = {
		{page->report->missed, 0, "packets were lost by the NIC, before jabiru saw them"},
		{counters->acks_unseen, counters->acks,
			"acknowledgements of bytes that were never seen: the capture has holes"},
		{counters->one_way, counters->connections,
			"connections were seen in one direction only: look at the tap or the "
			"routing"},
		{counters->duplicate, counters->tcp,
			"TCP segments were second copies made by the tap; they were set aside"},
		{counters->midstream, counters->connections,
			"connections had begun before the first packet seen of them"},
		{jbr_counters_evictions(counters), counters->connections,
			"connections were cut short because the table was full (flow.capacity)"},
		{page->report->findings_left_out, 0,
			"findings are in no event, only in these counts (section event)"},
	};
	bool has_doubt = false;

	put_heading(page, "How far to trust it");
	for (size_t i = 0; i < JBR_COUNT_OF(doubts); i++) {
		if (doubts[i].part == 0)
			continue;
		put_seen_count(page, doubts[i].part, doubts[i].whole);
		put_wrapped(page, doubts[i].what, seen_column(page));
		has_doubt = true;
	}
	if (!has_doubt)
		jbr_buffer_format(page->out,
			"  No holes, no duplicates, every connection seen whole and from both "
			"sides.\n");
}

static void
put_not_analysed(struct page *page)
{
	struct row rows[ROWS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		insert_row(rows, &count,
			(struct row){jbr_not_analysed[i].key, jbr_not_analysed[i].help,
				page->counters->not_analysed[i]});
	if (count == 0)
		return;
	put_heading(page, "Not analysed");
	put_rows(page, rows, count, page->counters->received);
}

static void
put_speed(struct page *page)
{
	const struct report *report = page->report;
	int64_t tenths = report_scaled(report->cycles, page->counters->received, 10);

	put_heading(page, "Speed");
	jbr_buffer_append(page->out, "  ", 2);
	put_many(page,
		(uint64_t)report_scaled(page->counters->received, report->elapsed_ns, JBR_NS_PER_S),
		"packet");
	jbr_buffer_format(page->out, " a second");
	if (tenths > 0)
		jbr_buffer_format(page->out, ", %" PRIi64 ".%" PRIi64 " cycles a packet",
			tenths / 10, tenths % 10);
	jbr_buffer_format(page->out, "; ");
	put_many(page, report->workers, "worker");
	jbr_buffer_format(page->out, ", ");
	put_duration(page, report->elapsed_ns);
	if (report->memory_bytes > 0) {
		jbr_buffer_format(page->out, ", ");
		put_bytes(page, report->memory_bytes);
		jbr_buffer_format(page->out, " of memory");
	}
	jbr_buffer_append(page->out, "\n", 1);
}

void
report_write_text(struct jbr_buffer *out, const struct report *report, bool colour)
{
	struct page page = {
		.out = out,
		.report = report,
		.counters = report->counters,
		.colour = colour,
	};
	char number[NUMBER_SIZE];

	/* no count of packets or connections is above it */
	page.count_width = (unsigned)jbr_max_u64(COUNT_WIDTH_LEAST,
		strlen(grouped(report->counters->received, number)));
	put_title(&page);
	if (report->live != NULL) {
		put_heading(&page, "Where it was seen");
		live_report_text(out, report->live);
	}
	if (report->counters->received == 0) {
		jbr_buffer_format(out, "\nNo packet was seen.\n");
		return;
	}
	put_seen(&page);
	put_resets(&page);
	put_anomalies(&page);
	put_outcomes(&page);
	put_trust(&page);
	put_not_analysed(&page);
	put_speed(&page);
}

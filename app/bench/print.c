/* SPDX-License-Identifier: BSD-3-Clause */
#include "print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "buffers.h"

static const char *const stage_names[PART_COUNT] = {"generator", "frames", "parse", "locate",
	"find", "step_and_rest"};

static double
bytes_per_flow(const struct result *result)
{
	uint64_t flows = result->flows_at_first_eviction;

	return (double)result->table_bytes / (double)(flows > 0 ? flows : result->capacity);
}

static void
write_number(struct jbr_json *json, const char *key, double value, unsigned decimals)
{
	jbr_json_fixed(json, key, llround(value * pow(10, decimals)), decimals);
}

static void
write_spread(struct jbr_json *json, const char *key, const struct spread *spread, unsigned decimals)
{
	jbr_json_object_open(json, key);
	write_number(json, "median", spread->median, decimals);
	write_number(json, "min", spread->min, decimals);
	write_number(json, "max", spread->max, decimals);
	jbr_json_object_close(json);
}

static void
write_parameters(struct jbr_json *json, const struct result *result)
{
	const struct options *options = result->options;
	char flood[32];

	scenario_write_flood(options->flood, flood);
	jbr_json_object_open(json, "parameters");
	jbr_json_string(json, "scenario", options->scenario->name);
	jbr_json_uint(json, "flows", options->flows);
	jbr_json_uint(json, "workers", options->workers);
	jbr_json_uint(json, "rounds", options->rounds);
	jbr_json_uint(json, "burst", GENERATOR_BURST);
	jbr_json_uint(json, "buffers", BUFFERS_COUNT);
	jbr_json_uint(json, "capacity", result->capacity);
	jbr_json_string(json, "flood", flood);
	jbr_json_uint(json, "spacing_ns", options->spacing_ns);
	jbr_json_uint(json, "expire_every_packets", LANE_EXPIRE_BURSTS * GENERATOR_BURST);
	jbr_json_string(json, "checksum", "nic");
	jbr_json_bool(json, "records_in_loop", false);
	jbr_json_bool(json, "findings_in_loop", true);
	jbr_json_object_close(json);
}

static void
write_machine(struct jbr_json *json, const struct result *result)
{
	jbr_json_object_open(json, "machine");
	jbr_json_string(json, "cpu", result->host.cpu_model);
	jbr_json_uint(json, "tsc_hz", (uint64_t)result->tsc_hz);
	jbr_json_bool(json, "hugepages", result->has_hugepages);
	jbr_json_string(json, "transparent_hugepages", result->host.large_pages);
	write_number(json, "load_average", result->host.load_average, 2);
	write_number(json, "steal_s", result->steal_s, 2);
	jbr_json_object_close(json);
}

static void
write_table(struct jbr_json *json, const struct result *result)
{
	jbr_json_uint(json, "flows", result->flows);
	jbr_json_uint(json, "lookups", result->lookups);
	jbr_json_uint(json, "hits", result->hits);
	jbr_json_uint(json, "inserts", result->inserts);
	jbr_json_uint(json, "not_inserted", result->not_inserted);
	jbr_json_uint(json, "evictions", result->evictions);
	jbr_json_uint(json, "established_lost", result->lost);
	jbr_json_uint(json, "flows_at_first_eviction", result->flows_at_first_eviction);
	jbr_json_uint(json, "table_bytes", result->table_bytes);
	jbr_json_uint(json, "memory_growth_bytes", result->memory_bytes);
	write_number(json, "bytes_per_flow", bytes_per_flow(result), 1);
}

void
print_json(struct jbr_buffer *out, const struct result *result)
{
	struct jbr_json json;
	char digest[20];

	snprintf(digest, sizeof(digest), "%016" PRIx64, result->digest);
	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "jabiru_bench", JABIRU_VERSION);
	write_parameters(&json, result);
	write_machine(&json, result);
	write_number(&json, "cycles_per_packet", result->cycles[PART_BURST].median, 2);
	write_number(&json, "generator_cycles_per_packet", result->cycles[PART_GENERATOR].median,
		2);
	write_number(&json, "net_cycles_per_packet", result->net.median, 2);
	write_number(&json, "publish_cycles_per_packet", result->publish.median, 3);
	write_number(&json, "packets_per_second", result->packets_per_second.median, 0 + 1);
	write_table(&json, result);
	jbr_json_object_open(&json, "stages");
	for (enum part part = PART_FRAMES; part < PART_COUNT; part++)
		write_number(&json, stage_names[part], result->stages[part].median, 2);
	jbr_json_object_close(&json);
	jbr_json_object_open(&json, "spreads");
	write_spread(&json, "cycles_per_packet", &result->cycles[PART_BURST], 2);
	write_spread(&json, "generator_cycles_per_packet", &result->cycles[PART_GENERATOR], 2);
	write_spread(&json, "net_cycles_per_packet", &result->net, 2);
	write_spread(&json, "publish_cycles_per_packet", &result->publish, 3);
	write_spread(&json, "packets_per_second", &result->packets_per_second, 1);
	if (result->options->workers > 1)
		write_spread(&json, "scaling", &result->scaling, 3);
	jbr_json_object_close(&json);
	jbr_json_uint(&json, "packets", result->packets);
	jbr_json_uint(&json, "preemptions_removed", result->gaps);
	write_number(&json, "preemption_above_us", result->gap_us, 1);
	write_number(&json, "preempted_share", result->gap_share, 4);
	jbr_json_string(&json, "digest", digest);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

static void
print_spread(struct jbr_buffer *out, const char *name, const struct spread *spread)
{
	jbr_buffer_format(out, "  %-28s %8.1f   (%.1f to %.1f)\n", name, spread->median,
		spread->min, spread->max);
}

static void
print_counts(struct jbr_buffer *out, const struct result *result)
{
	jbr_buffer_format(out,
		"  look-ups %" PRIu64 " = hits %" PRIu64 " + inserts %" PRIu64
		" + not inserted %" PRIu64 "; evictions %" PRIu64 "\n"
		"  connections at the end %" PRIu64 ", established ones lost %" PRIu64 "\n",
		result->lookups, result->hits, result->inserts, result->not_inserted,
		result->evictions, result->flows, result->lost);
	jbr_buffer_format(out, "  table %.1f MB for %" PRIu64 " places, %.1f bytes a connection",
		(double)result->table_bytes / 1e6, result->capacity, bytes_per_flow(result));
	if (result->flows_at_first_eviction > 0)
		jbr_buffer_format(out, " (%" PRIu64 " at the first eviction)",
			result->flows_at_first_eviction);
	jbr_buffer_format(out,
		"; memory grew by %.1f MB\n"
		"  digest %016" PRIx64 "\n",
		(double)result->memory_bytes / 1e6, result->digest);
}

void
print_text(struct jbr_buffer *out, const struct result *result)
{
	const struct options *options = result->options;

	jbr_buffer_format(out,
		"%s: %u connections, %u worker%s, %u rounds, %" PRIu64
		" packets timed, bursts of %d\n"
		"%s, TSC %.0f MHz, %s hugepages, transparent ones: %s, load %.2f, steal %.2f s\n\n"
		"TSC cycles per packet           median   (min to max)\n",
		options->scenario->name, options->flows, options->workers,
		options->workers == 1 ? "" : "s", options->rounds, result->packets, GENERATOR_BURST,
		result->host.cpu_model, result->tsc_hz / 1e6,
		result->has_hugepages ? "with" : "without", result->host.large_pages,
		result->host.load_average, result->steal_s);
	print_spread(out, "generator and burst", &result->cycles[PART_BURST]);
	print_spread(out, "generator alone", &result->cycles[PART_GENERATOR]);
	print_spread(out, "net", &result->net);
	print_spread(out, "  of it publishing", &result->publish);
	for (enum part part = PART_FRAMES; part < PART_COUNT; part++) {
		char name[40];

		snprintf(name, sizeof(name), "  of it %s", stage_names[part]);
		print_spread(out, name, &result->stages[part]);
	}
	jbr_buffer_format(out, "\n  %.2f million packets/s with the generator, %.2f without it\n",
		result->packets_per_second.median / 1e6,
		result->tsc_hz * options->workers / result->net.median / 1e6);
	if (options->workers > 1)
		jbr_buffer_format(out, "  %.2f times one worker alone (%.2f to %.2f)\n",
			result->scaling.median, result->scaling.min, result->scaling.max);
	jbr_buffer_format(out,
		"  %" PRIu64 " bursts above %.0f us taken out, %.2f %% of the time\n", result->gaps,
		result->gap_us, result->gap_share * 100);
	print_counts(out, result);
}

void
print_verification_json(struct jbr_buffer *out, const struct options *options,
	const struct verification *verification)
{
	struct jbr_json json;
	char digest[20];

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "jabiru_bench", JABIRU_VERSION);
	jbr_json_string(&json, "scenario", options->scenario->name);
	jbr_json_uint(&json, "flows", options->flows);
	jbr_json_uint(&json, "packets", verification->packets);
	jbr_json_uint(&json, "connections", verification->connections);
	jbr_json_uint(&json, "timeouts", verification->timeouts);
	snprintf(digest, sizeof(digest), "%016" PRIx64, verification->digest);
	jbr_json_string(&json, "digest", digest);
	snprintf(digest, sizeof(digest), "%016" PRIx64, verification->reference_digest);
	jbr_json_string(&json, "reference_digest", digest);
	jbr_json_bool(&json, "equal", verification->digest == verification->reference_digest);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

void
print_verification_text(struct jbr_buffer *out, const struct options *options,
	const struct verification *verification)
{
	jbr_buffer_format(out,
		"%s: %" PRIu64 " packets, %" PRIu64 " connections, %" PRIu64
		" of them timed out meanwhile\n"
		"  digest           %016" PRIx64 "\n"
		"  of the reference %016" PRIx64 "\n",
		options->scenario->name, verification->packets, verification->connections,
		verification->timeouts, verification->digest, verification->reference_digest);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes every capture of tests/captures, and their README.md, into a folder:
 *     make_captures FOLDER
 * The same bytes at every run and on every machine; tests/lint/captures_fresh.sh compares them. */
#include <stdio.h>

#include "captures.h"

static const char readme_head[] =
	"<!-- written by tests/builder/make_captures; change that, not this -->\n"
	"# Captures made by the packet builder\n\n"
	"Every file here is written by `make_captures` (tests/builder), byte for byte the same at "
	"each run;\n"
	"a lint test compares. Addresses are of the documentation prefixes. Packet time begins at\n"
	"2026-01-01 00:00:00 UTC.\n\n"
	"The figures are what a reader must find: packets delivered, TCP segments decoded (inner "
	"ones of\n"
	"tunnels too, not those quoted in ICMP errors and not those the snap length cut), and "
	"among these\n"
	"the segments with SYN without ACK, SYN with ACK, FIN, RST.\n\n"
	"Unless said otherwise a file holds the short story: a connection with one exchange closed "
	"by FINs\n"
	"(`SF`), a refused SYN (`REJ`), an unanswered SYN (`S0`), and a connection that its client "
	"resets after\n"
	"an exchange (`RSTO`).\n";

static const char readme_sample[] =
	"\n## sample.pcap\n\n"
	"Ordinary connections over IPv4 and IPv6; refused and unanswered SYNs; half-open "
	"connections (SYN-ACK\n"
	"repeated for more than 40 s); zero windows, one that recovers and one from the first ACK "
	"on; a loss\n"
	"repaired by SACK; a router's two copies of every packet; QinQ, VXLAN, GRE and GTP-U; "
	"fragments; bad and\n"
	"partial checksums; odd flags and options; ICMP errors that quote SYNs; ARP, UDP, ICMP. "
	"Resets of the\n"
	"causes app_abort, app_abort_unread, client_abort_after_fin, late_data, "
	"retransmission_timeout,\n"
	"user_timeout, keepalive_failure, persist_abort, syn_scan, refused, out_of_window, "
	"injected, paws,\n"
	"malformed, duplicate, time_wait_assassination, health_check, accept_overflow, "
	"bad_cookie,\n"
	"unsolicited_synack, unsolicited_ack, no_flow, port_reuse, safe_reset, ecn_intolerance,\n"
	"syn_in_established, mptcp, and one inside the window that ends nothing.\n";

static void
describe(struct jbr_buffer *readme, const struct captures_file *file,
	const struct builder_trace *trace)
{
	struct builder_figures figures = builder_trace_figures(trace);

	jbr_buffer_format(readme, "| %s | %s | %u | %u | %u | %u | %u | %u |\n", file->name,
		file->text, figures.packets, figures.tcp, figures.syn, figures.synack, figures.fin,
		figures.rst);
}

static int
make_file(const char *folder, const struct captures_file *file, struct jbr_buffer *readme,
	struct jbr_error *error)
{
	struct builder_trace trace = {0};
	struct jbr_buffer out = {0};
	char path[4096];
	int result;

	file->make(&out, &trace);
	snprintf(path, sizeof(path), "%s/%s", folder, file->name);
	if (trace.failed)
		result = jbr_error_set(error, -1, "cannot make '%s': a story does not fit",
			file->name);
	else
		result = builder_save(&out, path, error);
	describe(readme, file, &trace);
	jbr_buffer_fini(&out);
	builder_trace_fini(&trace);
	return result;
}

static int
make_table(const char *folder, const char *heading, const struct captures_file *files, size_t count,
	struct jbr_buffer *readme)
{
	struct jbr_error error;

	jbr_buffer_format(readme,
		"\n## %s\n\n| file | what it is | packets | tcp | syn | synack | fin | rst |\n"
		"|---|---|---:|---:|---:|---:|---:|---:|\n",
		heading);
	for (size_t i = 0; i < count; i++) {
		if (make_file(folder, &files[i], readme, &error) == 0)
			continue;
		fprintf(stderr, "make_captures: %s\n", error.text);
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct jbr_buffer readme = {0};
	struct jbr_error error = {{0}};
	char path[4096];
	int result;

	if (argc != 2) {
		fprintf(stderr, "usage: make_captures FOLDER\n");
		return 2;
	}
	jbr_buffer_append(&readme, readme_head, sizeof(readme_head) - 1);
	result = make_table(argv[1], "Forms of capture files", captures_forms, captures_forms_count,
		&readme);
	if (result == 0)
		result = make_table(argv[1], "Tunnels, tags and fragments", captures_tunnels,
			captures_tunnels_count, &readme);
	if (result == 0)
		result = make_table(argv[1], "Broken files", captures_broken, captures_broken_count,
			&readme);
	jbr_buffer_append(&readme, readme_sample, sizeof(readme_sample) - 1);
	snprintf(path, sizeof(path), "%s/README.md", argv[1]);
	if (result == 0) {
		result = builder_save(&readme, path, &error);
		if (result < 0)
			fprintf(stderr, "make_captures: %s\n", error.text);
	}
	jbr_buffer_fini(&readme);
	return result == 0 ? 0 : 1;
}

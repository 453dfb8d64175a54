/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "occurrence.h"
#include "text.h"
#include "verbs.h"

enum { COUNT_DEFAULT = 20 };

static int
by_count(const void *a, const void *b)
{
	const struct jbr_shm_host *x = a;
	const struct jbr_shm_host *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	if (x->role != y->role)
		return (int)x->role - (int)y->role;
	return strcmp(x->key, y->key);
}

static bool
is_asked(const struct jbr_shm_host *host, const struct options *options)
{
	if (options->anomaly != NULL && strcmp(options->anomaly, host->key) != 0)
		return false;
	return options->role == NULL || strcmp(options->role, role_word(host->role)) == 0;
}

static void
put_text(const struct jbr_shm_host *hosts, uint32_t count, const struct jbr_aliases *aliases,
	struct jbr_buffer *out)
{
	jbr_buffer_format(out, "%12s  %-8s %-26s %-42s %s\n", "findings", "role", "anomaly", "host",
		"name");
	for (uint32_t i = 0; i < count; i++) {
		struct jbr_buffer address = {0};

		host_put(&hosts[i], &address);
		jbr_buffer_format(out, "%12s%s %-8s %-26.39s %-42.*s %s\n",
			text_count(hosts[i].count).at, hosts[i].over > 0 ? "~" : " ",
			role_word(hosts[i].role), hosts[i].key, (int)address.length,
			address.data == NULL ? "" : address.data, host_name(&hosts[i], aliases));
		jbr_buffer_fini(&address);
	}
	if (count == 0)
		jbr_buffer_format(out, "%12s\n", "none");
	else
		jbr_buffer_format(out, "~ at most so many: its place was another's before\n");
}

static void
write_json(const struct jbr_shm_host *hosts, uint32_t count, const struct jbr_aliases *aliases,
	struct jbr_buffer *out)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_array_open(&json, "hosts");
	for (uint32_t i = 0; i < count; i++) {
		char address[ADDRESS_SIZE];

		address_text(hosts[i].address, hosts[i].ip_version, address);
		jbr_json_object_open(&json, NULL);
		jbr_json_string(&json, "role", role_word(hosts[i].role));
		jbr_json_string(&json, "anomaly", hosts[i].key);
		jbr_json_string(&json, "address", address);
		jbr_json_uint(&json, "port", hosts[i].port);
		jbr_json_string(&json, "alias", host_name(&hosts[i], aliases));
		jbr_json_uint(&json, "count", hosts[i].count);
		jbr_json_uint(&json, "over", hosts[i].over);
		jbr_json_fixed(&json, "last", (int64_t)(hosts[i].last_ns / JBR_NS_PER_US), 6);
		jbr_json_object_close(&json);
	}
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

int
verb_hosts(const struct options *options)
{
	uint32_t wanted = options->count == 0 ? COUNT_DEFAULT : options->count;
	struct jbr_aliases *aliases = NULL;
	struct jbr_shm_host *hosts = NULL;
	struct jbr_buffer out = {0};
	struct jbr_error error;
	struct jbr_shm *shm;
	uint32_t count = 0;
	int rc;

	if (options->role != NULL && strcmp(options->role, "source") != 0 &&
		strcmp(options->role, "target") != 0 && strcmp(options->role, "service") != 0) {
		jbr_error_set(&error, 0, "--role: '%.40s' is none of source, target, service",
			options->role);
		print_error(&error);
		return EXIT_USAGE;
	}
	if (jbr_shm_open(options->instance, &shm, &error) < 0)
		return print_error(&error);
	hosts = calloc(jbr_shm_info(shm)->nb_hosts + 1, sizeof(*hosts));
	rc = hosts == NULL ? -ENOMEM : jbr_shm_read_hosts(shm, hosts, jbr_shm_info(shm)->nb_hosts);
	for (int i = 0; i < rc; i++)
		if (is_asked(&hosts[i], options))
			hosts[count++] = hosts[i];
	jbr_shm_close(shm);
	if (rc < 0) {
		free(hosts);
		jbr_error_set(&error, rc, "cannot read the hosts: %s", strerror(-rc));
		return print_error(&error);
	}
	qsort(hosts, count, sizeof(*hosts), by_count);
	count = jbr_min_u32(count, wanted);
	aliases = client_aliases(options);
	if (options->json)
		write_json(hosts, count, aliases, &out);
	else
		put_text(hosts, count, aliases, &out);
	jbr_aliases_free(aliases);
	free(hosts);
	return print_text(&out);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of lib/config share: parse a text from memory and compare what comes of it. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "jbr_catalog.h"
#include "jbr_config.h"

#define HEAD "config_version: 1\n"

/* What a parse gave: the errors as a string. */
struct outcome {
	int rc;
	unsigned count;
	char *errors;
	struct jbr_config config;
};

/* The configuration is filled with rubbish first: a failure must leave it alone. */
static inline struct outcome
parse(const char *text, size_t length)
{
	struct jbr_config_errors errors = {0};
	struct outcome outcome;

	memset(&outcome.config, 0xa5, sizeof(outcome.config));
	outcome.rc = jbr_config_parse("f", text, length, &outcome.config, &errors);
	/* where a key stands is tested apart (test_config_list.c) */
	if (outcome.rc == 0)
		memset(&outcome.config.lines, 0, sizeof(outcome.config.lines));
	assert_false(errors.text.failed);
	outcome.count = errors.count;
	outcome.errors = strndup(errors.text.data != NULL ? errors.text.data : "",
		errors.text.length);
	assert_non_null(outcome.errors);
	jbr_buffer_fini(&errors.text);
	return outcome;
}

static inline void
expect_errors(const char *name, const char *text, size_t length, const char *errors)
{
	struct outcome outcome = parse(text, length);
	struct jbr_config untouched;

	if (outcome.rc != -EINVAL || strcmp(outcome.errors, errors) != 0)
		fail_msg("%s: %d, errors:\n%sexpected:\n%s", name, outcome.rc, outcome.errors,
			errors);
	memset(&untouched, 0xa5, sizeof(untouched));
	assert_memory_equal(&outcome.config, &untouched, sizeof(untouched));
	free(outcome.errors);
}

static inline struct jbr_config
expect_fine(const char *name, const char *text, size_t length)
{
	struct outcome outcome = parse(text, length);

	if (outcome.rc != 0 || outcome.count != 0)
		fail_msg("%s: %d, errors:\n%s", name, outcome.rc, outcome.errors);
	free(outcome.errors);
	return outcome.config;
}

static inline void
expect_defaults(const char *name, const char *text, size_t length)
{
	struct jbr_config config = expect_fine(name, text, length);
	struct jbr_config defaults;

	jbr_config_defaults(&defaults);
	if (memcmp(&config, &defaults, sizeof(config)) != 0)
		fail_msg("%s: not the defaults", name);
}

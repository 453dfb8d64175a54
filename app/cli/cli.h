/* SPDX-License-Identifier: BSD-3-Clause */
/** @file cli.h
 * The command line of a program, declared once as a table: what is parsed, the help pages, the man page
 * and the bash completion come out of it.
 *
 * Owns:    the look of help pages, the wording of usage errors, the exit codes. Knows no program.
 * Threads: main(), before anything else starts.
 * Memory:  tables are constant; strings of a call point into argv.
 * Always:  every program has -h, --help; one with verbs has the verbs `help` and `version` and takes
 *          --help, -h, --version and -V in place of a verb; one without has -V, --version. No row
 *          declares these.
 * Text:    a paragraph is filled to 80 columns; an empty line parts paragraphs, a line that begins with
 *          two blanks stays as it is, `backquotes` mark what is typed (bold in the man page).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"

/** Exit codes of every program. */
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { CLI_MANY = 1 << 20, CLI_VERBS_MAX = 30, CLI_OPTIONS_MAX = 64 };

/** The bit of a verb in a row's masks. */
#define CLI_VERB(verb) (UINT32_C(1) << (verb))

/** What kind of value an option or an argument is. */
enum cli_kind {
	CLI_NONE,   /**< takes none */
	CLI_TEXT,   /**< anything */
	CLI_NUMBER, /**< a decimal number, low..high; anything else is refused */
	CLI_FILE,   /**< the name of a file; completed as such */
	CLI_CHOICE, /**< one of the choices; anything else is refused */
};

/** Name choice number @p index; NULL when there are no more.
 * @param ret_summary  a few words on it; left as it is (NULL) where there are none */
typedef const char *cli_choice_fn(unsigned index, const char **ret_summary);

/** An option. The same name may stand in several rows for different verbs. */
struct cli_option {
	const char *name;     /**< without dashes */
	const char *argument; /**< what its value is called: FILE; NULL with CLI_NONE */
	const char *help; /**< a sentence without full stop; range, choices and default follow it */
	cli_choice_fn *choice;   /**< of CLI_CHOICE */
	const char *preset_text; /**< the default in words, or NULL */
	uint64_t low;            /**< of CLI_NUMBER */
	uint64_t high;           /**< the same */
	uint64_t preset;         /**< the default of CLI_NUMBER; 0 = say none */
	uint32_t verbs;          /**< CLI_VERB() of those it belongs to; 0 = all */
	uint32_t wanted_by;      /**< verbs that cannot do without */
	const char *wanted;      /**< what they are told to name: "the file" */
	enum cli_kind kind;
	char letter; /**< 0 = none */
};

/** A verb; a program without verbs has one row with no name. */
struct cli_verb {
	const char *name;
	const char *summary; /**< for the list of verbs */
	const char *usage;   /**< what follows the name: "CAPTURE... [options]" */
	const char *text;    /**< paragraphs above the options */
	const char *notes;   /**< paragraphs below them, or NULL */
	cli_choice_fn
		*choice; /**< names that complete the first argument; not a test of it. Or NULL */
	const char *wanted; /**< too few arguments: what is to be named: "at least one capture" */
	unsigned arguments_min;
	unsigned arguments_max;  /**< CLI_MANY = any number */
	enum cli_kind arguments; /**< what completes them: CLI_FILE, or CLI_TEXT for nothing */
};

/** A further section of the man page. In its text a line `term<TAB>text` is a tagged paragraph. */
struct cli_section {
	const char *title; /**< in capitals: SIGNALS, FILES, EXAMPLES */
	const char *text;
};

struct cli_program {
	const char *name;
	const char *version;
	const char *summary; /**< what follows the name in the man page: no full stop */
	const char *text;    /**< paragraphs, above the verbs */
	const struct cli_verb *verbs;
	unsigned nb_verbs;
	const struct cli_option *options;
	unsigned nb_options;
	const char *exits; /**< "0 fine, 1 failed, 2 usage." */
	const struct cli_section *sections;
	unsigned nb_sections;
	const char *see_also; /**< "jabiru(1), jabiru.yaml(5)" */
};

/** A value as it was read. */
struct cli_value {
	const char *text;
	uint64_t number; /**< of CLI_NUMBER */
	unsigned choice; /**< of CLI_CHOICE: its index */
};

enum cli_wish {
	CLI_RUN,     /**< what the verb does */
	CLI_HELP,    /**< cli_answer() */
	CLI_VERSION, /**< the same */
};

/** Take an option. @param option  index of its row @return 0, or -EINVAL with @p error. */
typedef int cli_take_fn(void *context, unsigned option, const struct cli_value *value,
	struct jbr_error *error);

/** What is asked for. */
struct cli_call {
	cli_take_fn *
		take; /**< the caller's: is given each option, in order, with a value that fits its row */
	void *context; /**< the caller's, for take() */
	enum cli_wish wish;
	int verb; /**< index of its row; with CLI_HELP: the one asked about, -1 = the program */
	const char *const *arguments;
	size_t nb_arguments;
};

/** Read the command line.
 * @param argv   is put into another order: options first
 * @param call   take and context are set; the rest is written, on success only
 * @param error  one sentence on what is wrong
 * @return 0, or -EINVAL: say @p error and end with EXIT_USAGE. */
int cli_parse(const struct cli_program *program, int argc, char **argv, struct cli_call *call,
	struct jbr_error *error);

/** Append the help page of a verb, or of the program (-1). */
void cli_help(const struct cli_program *program, int verb, struct jbr_buffer *out);
/** Append the answer to a call that asks for help or the version. */
void cli_answer(const struct cli_program *program, const struct cli_call *call,
	struct jbr_buffer *out);
/** Write @p text whole to standard output and release it; an error goes to standard error.
 * @return an exit code */
int cli_print(const struct cli_program *program, struct jbr_buffer *text);

/** Append the man page, section 1, in man(7).
 * @param date  of the version, not of today: the same source makes the same page */
void cli_manual(const struct cli_program *program, const char *date, struct jbr_buffer *out);
/** Append the completion for bash. It needs no bash-completion package. */
void cli_completion(const struct cli_program *program, struct jbr_buffer *out);

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_shm.h
 * The stats segment: a file in shared memory (/dev/shm/jabiru/<instance>) in which a sensor keeps its
 * figures for whoever wants to read them, and the library that reads it.
 *
 * Layout:  a header, then sections that it lists by kind, offset, record size and count. Offsets count
 *          from the start of the file; there are no pointers. Numbers are little-endian. What a figure
 *          is called, what it counts, its unit and its labels all stand inside (families, series,
 *          strings), so a reader needs to know nothing of the catalogue. A minor version only adds:
 *          sections of unknown kind and the end of longer records are to be passed over.
 * Writer:  one process, and in it one writer for each thing: a worker for its block, the control thread
 *          for all else. It never waits for a reader and does not know of any.
 * Whole:   a block has two copies, a snapshot and an event a number; the reader looks at it before and
 *          after (a sequence lock). What was overwritten meanwhile is never returned.
 * Reader:  maps the file read-only. It trusts nothing in it: everything is checked against the size of
 *          the file when it is opened, and the directory is copied. Whoever may write the file (root,
 *          the user jabiru, the reader himself: others' are refused) could still shorten it while it is
 *          read, and so end the reader; each call looks at the size first, which leaves a moment.
 * Threads: a reader belongs to one thread at a time; any number of readers may read one segment.
 * Needs:   libc only.
 */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

#define JBR_SHM_MAGIC "JABIRUSG" /**< 8 bytes, no zero */
#define JBR_SHM_FOLDER "/dev/shm/jabiru"

enum {
	JBR_SHM_MAJOR = 1,
	JBR_SHM_MINOR = 0,
	JBR_SHM_SECTIONS_MAX = 24,
	JBR_SHM_NAME_SIZE = 64, /**< of an instance, with its zero */
	JBR_SHM_LABELS_MAX = 3, /**< of a series */
	JBR_SHM_EVENT_BYTES = 256,
	JBR_SHM_STALE_MS = 5000, /**< without a heartbeat */
};

enum jbr_shm_kind {
	JBR_SHM_STRINGS = 1, /**< bytes; texts end with a zero, offset 0 is the empty one */
	JBR_SHM_FAMILIES,    /**< struct jbr_shm_family_entry */
	JBR_SHM_SERIES,      /**< struct jbr_shm_series_entry */
	JBR_SHM_BOUNDS,      /**< uint64_t: upper bounds of histograms' buckets */
	JBR_SHM_WORKERS,     /**< struct jbr_shm_block_head, then two copies of the values */
	JBR_SHM_SNAPSHOTS,   /**< struct jbr_shm_snapshot_head, then the values */
	JBR_SHM_EVENTS,      /**< struct jbr_shm_event */
	JBR_SHM_HOSTS,       /**< struct jbr_shm_host, two tables of count/2 */
	JBR_SHM_HOSTS_HEAD,  /**< struct jbr_shm_hosts_head, one */
};

enum jbr_shm_state { JBR_SHM_STARTING, JBR_SHM_RUNNING, JBR_SHM_DRAINING, JBR_SHM_ENDED };

/** Counters only rise while a sensor runs; gauges are signed; a histogram is a row of counters. */
enum jbr_shm_type { JBR_SHM_COUNTER, JBR_SHM_GAUGE, JBR_SHM_HISTOGRAM };

struct jbr_shm_section {
	uint32_t kind; /**< enum jbr_shm_kind */
	uint32_t record_bytes;
	uint64_t offset; /**< a multiple of 64 */
	uint64_t count;
};
static_assert(sizeof(struct jbr_shm_section) == 24, "layout");

struct jbr_shm_header {
	char magic[8]; /**< written last */
	uint16_t major;
	uint16_t minor;
	uint32_t header_bytes;
	uint64_t segment_bytes;
	uint8_t boot_id[16]; /**< random: another one is another run */
	uint64_t pid;
	uint64_t start_ns;           /**< since the epoch */
	uint64_t start_monotonic_ns; /**< CLOCK_MONOTONIC */
	uint32_t interval_ms;        /**< between two snapshots */
	uint32_t nb_sections;
	uint32_t nb_values;        /**< of a snapshot */
	uint32_t nb_worker_values; /**< the first of them; a worker's block has these alone */
	char version[32];          /**< of the sensor */
	char sensor[64];           /**< its name in events */
	char mode[16];             /**< run, replay */
	struct jbr_shm_section sections[JBR_SHM_SECTIONS_MAX];
	/* what changes has a line of its own */
	uint64_t heartbeat_ns JBR_CACHE_ALIGNED; /**< CLOCK_MONOTONIC */
	uint64_t state;                          /**< enum jbr_shm_state */
	uint64_t snapshots;                      /**< number of the newest, from 1; 0 = none */
	uint64_t events;                         /**< the same of events */
	uint64_t unused[4];
};
static_assert(sizeof(struct jbr_shm_header) == 832, "layout");

struct jbr_shm_family_entry {
	uint32_t name; /**< offset among the strings: jabiru_resets_total */
	uint32_t help;
	uint32_t unit;  /**< packets, seconds, ... */
	uint8_t type;   /**< enum jbr_shm_type */
	uint8_t digits; /**< the values are to be divided by 10^digits */
	uint16_t unused;
	uint32_t bounds; /**< histogram: its first bound */
	uint32_t nb_bounds;
};
static_assert(sizeof(struct jbr_shm_family_entry) == 24, "layout");

struct jbr_shm_series_entry {
	uint32_t family;
	uint32_t slot; /**< its first value */
	uint32_t
		nb_slots; /**< 1; of a histogram: its buckets, those beyond the last bound, the sum */
	uint32_t labels[JBR_SHM_LABELS_MAX][2]; /**< name and value; no name: no label */
	uint32_t unused[3];
};
static_assert(sizeof(struct jbr_shm_series_entry) == 48, "layout");

/** A worker's own figures, as they stood between two bursts; renewed every 10 ms. */
struct jbr_shm_block_head {
	uint64_t sequence; /**< how often it was written; the copy at sequence % 2 is whole */
	uint64_t unused[7];
};
static_assert(sizeof(struct jbr_shm_block_head) == 64, "layout");

struct jbr_shm_snapshot_head {
	uint64_t number;  /**< 0 = being written; it lies at (number - 1) % count */
	uint64_t time_ns; /**< since the epoch */
	uint64_t monotonic_ns;
	uint64_t unused[5];
};
static_assert(sizeof(struct jbr_shm_snapshot_head) == 64, "layout");

/** What an event or a host is about. */
enum jbr_shm_role { JBR_SHM_SOURCE, JBR_SHM_TARGET, JBR_SHM_SERVICE, JBR_SHM_ROLES };

struct jbr_shm_event {
	uint64_t number; /**< from 1; 0 = being written; it lies at (number - 1) % count */
	uint64_t time_ns;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t count;
	uint64_t flow_id; /**< 0 = none */
	uint8_t src[16];  /**< IPv4 in the first 4 bytes */
	uint8_t dst[16];
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t vlan;      /**< 0 = none */
	uint8_t ip_version; /**< 4, 6; 0 = no addresses */
	uint8_t severity;   /**< note, warn, alert from 0 */
	uint8_t confidence; /**< in hundredths */
	uint8_t unused[7];
	char key[40];      /**< of the anomaly */
	char summary[120]; /**< a sentence, cut where it is longer */
};
static_assert(sizeof(struct jbr_shm_event) == JBR_SHM_EVENT_BYTES, "layout");

struct jbr_shm_hosts_head {
	uint64_t sequence;  /**< as of a block: the table at sequence % 2 is whole */
	uint64_t counts[2]; /**< entries in each table */
	uint64_t unused[5];
};
static_assert(sizeof(struct jbr_shm_hosts_head) == 64, "layout");

/** One of the busiest in its role for an anomaly. The count is at least count - over and at most count
 * (Metwally et al. 2005, Space-Saving). */
struct jbr_shm_host {
	uint8_t role;       /**< enum jbr_shm_role */
	uint8_t ip_version; /**< 4 or 6 */
	uint16_t port;      /**< of a service, else 0 */
	uint32_t unused;
	uint8_t address[16];
	uint64_t count;
	uint64_t over;
	uint64_t last_ns;
	char key[40];
	char alias[40]; /**< "" = none */
};
static_assert(sizeof(struct jbr_shm_host) == 128, "layout");

/* ---- reading ---- */

struct jbr_shm;

/** What does not change while a sensor runs; texts are checked and end with a zero. */
struct jbr_shm_info {
	uint16_t major;
	uint16_t minor;
	char boot_id[33]; /**< hexadecimal */
	uint64_t pid;
	uint64_t start_ns;
	uint64_t start_monotonic_ns;
	uint32_t interval_ms;
	uint32_t nb_families;
	uint32_t nb_series;
	uint32_t nb_values;
	uint32_t nb_worker_values;
	uint32_t nb_workers;
	uint32_t nb_snapshots; /**< that are kept */
	uint32_t nb_events;    /**< the same */
	uint32_t nb_hosts;     /**< at most */
	char version[33];
	char sensor[65];
	char mode[17];
};

struct jbr_shm_family {
	const char *name;
	const char *help;
	const char *unit;
	enum jbr_shm_type type;
	unsigned digits;
	const uint64_t *bounds; /**< of a histogram, rising; the same digits */
	uint32_t nb_bounds;
};

struct jbr_shm_label {
	const char *name;
	const char *value;
};

/** Series of one family stand together, in the order of families. */
struct jbr_shm_series {
	uint32_t family;
	uint32_t slot;
	uint32_t nb_slots;
	uint32_t nb_labels;
	struct jbr_shm_label labels[JBR_SHM_LABELS_MAX];
};

struct jbr_shm_snapshot {
	uint64_t number;
	uint64_t time_ns;
	uint64_t monotonic_ns;
	uint64_t *values; /**< the caller's, nb_values of them */
};

/** How the sensor behind a segment is. */
enum jbr_shm_life {
	JBR_SHM_ALIVE,
	JBR_SHM_STALE,    /**< no heartbeat for JBR_SHM_STALE_MS: it hangs, or was killed */
	JBR_SHM_OVER,     /**< it ended; these are its last figures */
	JBR_SHM_REPLACED, /**< another run has taken its place: close, and open again */
	JBR_SHM_GONE,     /**< the file was removed or shortened: close, and try again later */
};

/** Where a reader of events stands. */
struct jbr_shm_cursor {
	uint64_t next; /**< number of the event to be read next */
	uint64_t lost; /**< that were overwritten before they were read, in all */
};

/** Open the segment at @p path; without a slash in it: the instance of that name in
 * JBR_SHM_FOLDER.
 * @return 0, or with @p error
 *         -ENOENT   there is none
 *         -EACCES   it may not be read
 *         -EPERM    it belongs to somebody who has no business with it
 *         -ENOTSUP  a layout of another major version; @p error names both
 *         -EPROTO   it is no segment, or a broken one
 *         -EAGAIN   it is being made
 *         -ENOMEM */
int jbr_shm_open(const char *path, struct jbr_shm **ret_segment, struct jbr_error *error);
/** Read a segment that lies in memory, as found; for tests. @return as jbr_shm_open(). */
int jbr_shm_open_bytes(const void *bytes, uint64_t size, struct jbr_shm **ret_segment,
	struct jbr_error *error);
/** Release; NULL is fine. */
void jbr_shm_close(struct jbr_shm *segment);

/** The constants. Valid until it is closed, as all that is returned by pointer. */
const struct jbr_shm_info *jbr_shm_info(const struct jbr_shm *segment);
/** A family; @p index below nb_families. */
const struct jbr_shm_family *jbr_shm_family(const struct jbr_shm *segment, uint32_t index);
/** A series; @p index below nb_series. */
const struct jbr_shm_series *jbr_shm_series(const struct jbr_shm *segment, uint32_t index);
/** The series of the family @p name whose first label has the value @p label (NULL = the first of the
 * family).
 * @return it, or NULL. */
const struct jbr_shm_series *jbr_shm_find(const struct jbr_shm *segment, const char *name,
	const char *label);

/** How is the sensor? @p now_ns is CLOCK_MONOTONIC.
 * @param ret_age_ns  since the last heartbeat; may be NULL */
enum jbr_shm_life jbr_shm_life(const struct jbr_shm *segment, uint64_t now_ns,
	uint64_t *ret_age_ns);
/** What the sensor says of itself. */
enum jbr_shm_state jbr_shm_state(const struct jbr_shm *segment);

/** Numbers of the oldest and the newest snapshot that can be had; 0 and 0 when there is none. */
void jbr_shm_range(const struct jbr_shm *segment, uint64_t *ret_oldest, uint64_t *ret_newest);
/** Copy the snapshot @p number, 0 = the newest.
 * @return 0; -ENOENT: there is none, or no longer, or not yet; -EAGAIN: it was being overwritten at each
 *         try; -ESTALE: the segment was shortened. */
int jbr_shm_read(const struct jbr_shm *segment, uint64_t number, struct jbr_shm_snapshot *snapshot);
/** Copy the nb_worker_values values of the worker @p worker as they stood between two bursts.
 * @param ret_sequence  how often they were renewed; 0 = never: they are zeros
 * @return as jbr_shm_read(). */
int jbr_shm_read_worker(const struct jbr_shm *segment, uint32_t worker, uint64_t *ret_values,
	uint64_t *ret_sequence);

/** Set @p cursor so that the newest @p backlog events, or as many as there are, come first. */
void jbr_shm_seek(const struct jbr_shm *segment, struct jbr_shm_cursor *cursor, uint64_t backlog);
/** Copy the next event. Those that were overwritten are counted in @p cursor, exactly.
 * @return 1: here it is; 0: none is new; -ESTALE as above. */
int jbr_shm_next_event(const struct jbr_shm *segment, struct jbr_shm_cursor *cursor,
	struct jbr_shm_event *ret_event);
/** Copy the table of hosts, at most @p max entries.
 * @return how many, or -EAGAIN, -ESTALE. */
int jbr_shm_read_hosts(const struct jbr_shm *segment, struct jbr_shm_host *ret_hosts, uint32_t max);

/** CLOCK_MONOTONIC in ns. */
uint64_t jbr_shm_now_ns(void);

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Words and JSON for what the kernel answers.
 */
#include <string.h>

#include "region.h"
#include "umemctl.h"

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

double status_percent(const struct umem_region_status *status)
{
	return percent(status->granules_provided, status->granules);
}

double readahead_accuracy(const struct umem_region_status *status)
{
	return percent(status->readahead_hits,
		       status->readahead_hits + status->readahead_wasted);
}

double readahead_coverage(const struct umem_region_status *status)
{
	uint64_t early = status->readahead_hits - status->readahead_late;

	return percent(early, status->faults + early);
}

const char *status_percent_text(const struct umem_region_status *status,
				char buf[PERCENT_TEXT])
{
	unsigned int tenths = (unsigned int)(status_percent(status) * 10);

	if (status->granules_provided < status->granules && tenths > 999)
		tenths = 999;
	snprintf(buf, PERCENT_TEXT, "%u.%u%%", tenths / 10, tenths % 10);
	return buf;
}

const char *status_provider(const struct umem_region_status *status,
			    char buf[PROVIDER_TEXT])
{
	const char *kind = umem_provider_kind_text(status->provider_kind);
	int length = (int)strnlen(status->provider, sizeof(status->provider));

	snprintf(buf, PROVIDER_TEXT, "%s%s%.*s", kind, length ? " " : "", length,
		 status->provider);
	return printable(buf);
}

const char *status_policy(const struct umem_region_status *status,
			  char buf[POLICY_TEXT])
{
	const char *policy = umem_policy_text(status->wait_policy);

	if (status->wait_policy == UMEM_WAIT_TIMEOUT)
		snprintf(buf, POLICY_TEXT, "%s=%u", policy, status->timeout_ms);
	else
		snprintf(buf, POLICY_TEXT, "%s", policy);
	return buf;
}

static const struct {
	uint32_t bit;
	const char *name;
} flag_names[] = {
	{ UMEM_CREATE_HUGE, "huge" },
	{ UMEM_CREATE_USER_ONLY, "user-only" },
};

#define FLAG_NAMES (sizeof(flag_names) / sizeof(flag_names[0]))

const char *status_flags(const struct umem_region_status *status,
			 char buf[FLAGS_TEXT])
{
	size_t i, used = 0;

	buf[0] = '\0';
	for (i = 0; i < FLAG_NAMES; i++)
		if (status->flags & flag_names[i].bit)
			used += (size_t)snprintf(buf + used, FLAGS_TEXT - used,
						 "%s%s", used ? " " : "",
						 flag_names[i].name);
	return buf;
}

static struct json_object *flags_json(uint32_t flags)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < FLAG_NAMES; i++)
		if (flags & flag_names[i].bit)
			json_object_array_add(array,
					      json_object_new_string(flag_names[i].name));
	return array;
}

static void add_text(struct json_object *to, const char *key, const char *text,
		     size_t max)
{
	json_object_object_add(to, key,
			       json_object_new_string_len(text,
							  (int)strnlen(text, max)));
}

#define ADD_NUMBER(to, from, field) \
	json_object_object_add(to, #field, json_object_new_uint64((from)->field))

void status_json(struct json_object *to, const struct umem_region_status *status)
{
	ADD_NUMBER(to, status, size);
	ADD_NUMBER(to, status, granules);
	ADD_NUMBER(to, status, granules_provided);
	json_object_object_add(to, "percent_provided",
			       json_object_new_double(status_percent(status)));
	ADD_NUMBER(to, status, faults);
	ADD_NUMBER(to, status, reads);
	ADD_NUMBER(to, status, requests);
	ADD_NUMBER(to, status, requests_queued);
	ADD_NUMBER(to, status, requests_issued);
	ADD_NUMBER(to, status, requests_requeued);
	ADD_NUMBER(to, status, answers_provided);
	ADD_NUMBER(to, status, answers_failed);
	ADD_NUMBER(to, status, answers_stale);
	ADD_NUMBER(to, status, bytes_copied);
	ADD_NUMBER(to, status, bytes_direct);
	ADD_NUMBER(to, status, timeouts);
	ADD_NUMBER(to, status, granule);
	add_text(to, "wait_policy", umem_policy_text(status->wait_policy), 32);
	ADD_NUMBER(to, status, timeout_ms);
	ADD_NUMBER(to, status, max_inflight);
	ADD_NUMBER(to, status, max_data);
	json_object_object_add(to, "flags", flags_json(status->flags));
	add_text(to, "provider_kind",
		 umem_provider_kind_text(status->provider_kind), 32);
	add_text(to, "provider", status->provider, sizeof(status->provider));
	ADD_NUMBER(to, status, granules_punched);
	ADD_NUMBER(to, status, granules_written);
	ADD_NUMBER(to, status, prefetches);
	ADD_NUMBER(to, status, prefetches_dropped);
	ADD_NUMBER(to, status, cancels);
	ADD_NUMBER(to, status, bytes_mapped);
	ADD_NUMBER(to, status, memory);
	ADD_NUMBER(to, status, fills);
	ADD_NUMBER(to, status, fill_window);
	ADD_NUMBER(to, status, readahead);
	ADD_NUMBER(to, status, readahead_asked);
	ADD_NUMBER(to, status, readahead_hits);
	ADD_NUMBER(to, status, readahead_late);
	ADD_NUMBER(to, status, readahead_wasted);
	if (!status->readahead)
		return;
	json_object_object_add(to, "readahead_accuracy_percent",
			       json_object_new_double(readahead_accuracy(status)));
	json_object_object_add(to, "readahead_coverage_percent",
			       json_object_new_double(readahead_coverage(status)));
}

void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE |
					    JSON_C_TO_STRING_SPACED));
	json_object_put(object);
}

char *printable(char *text)
{
	char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return text;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reports for programs.
 */
#include <errno.h>
#include <stdio.h>

#include "json_out.h"

void json_add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

void json_add_text(struct json_object *to, const char *key, const char *text)
{
	json_add(to, key, text ? json_object_new_string(text) : NULL);
}

void json_add_count(struct json_object *to, const char *key, uint64_t count)
{
	json_add(to, key, json_object_new_uint64(count));
}

struct json_object *json_number(double number)
{
	char text[40];

	/* A time may be an hour, in nanoseconds. */
	snprintf(text, sizeof(text), "%.13g", number);
	return json_object_new_double_s(number, text);
}

void json_add_number(struct json_object *to, const char *key, double number)
{
	json_add(to, key, json_number(number));
}

int json_print(struct json_object *report)
{
	const char *text;
	int bad;

	text = json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	bad = puts(text) < 0 || fflush(stdout);
	json_object_put(report);
	return bad ? -EIO : 0;
}

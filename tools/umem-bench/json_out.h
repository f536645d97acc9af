/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reports for programs. Keys are stable: add, do not rename.
 */
#ifndef UMEM_BENCH_JSON_OUT_H
#define UMEM_BENCH_JSON_OUT_H

#include <json-c/json.h>
#include <stdint.h>

void json_add(struct json_object *to, const char *key, struct json_object *value);

/* NULL becomes null. */
void json_add_text(struct json_object *to, const char *key, const char *text);
void json_add_count(struct json_object *to, const char *key, uint64_t count);

/* With six digits. */
struct json_object *json_number(double number);
void json_add_number(struct json_object *to, const char *key, double number);

/* To standard output; frees @report. 0 or a negative errno. */
int json_print(struct json_object *report);

#endif /* UMEM_BENCH_JSON_OUT_H */

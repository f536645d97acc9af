/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For guest tests in C: files of sysfs and of cgroups, which take a value by one
 * write().
 */
#ifndef UMEM_TEST_SETTING_H
#define UMEM_TEST_SETTING_H

#include <stdbool.h>
#include <stddef.h>

/* Writes a setting; false when there is none, or it does not take this. */
bool setting_try(const char *path, const char *value);

/* As setting_try(); skips the test when there is none, fails it when refused. */
void setting_need(const char *path, const char *value);

/* The chosen one of "a [b] c", into @value. */
void setting_read(const char *path, char *value, size_t size);

#endif /* UMEM_TEST_SETTING_H */

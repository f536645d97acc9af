/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whole reads and writes, whatever signals and the kernel cut them into.
 */
#ifndef UMEM_LIB_IO_H
#define UMEM_LIB_IO_H

#include <stddef.h>

/* 0 when all of @length was written, else a negative errno. */
int umem_write_all(int fd, const void *data, size_t length);

/* The same; -EIO when the file ends before. */
int umem_read_all(int fd, void *data, size_t length);

#endif /* UMEM_LIB_IO_H */

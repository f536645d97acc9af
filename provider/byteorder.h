/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What provider/wire.c and pattern.h need of their world: byte order, memcpy, static_assert,
 * errno. The kernel's names are used; userspace gets them from here.
 */
#ifndef UMEM_PROVIDER_BYTEORDER_H
#define UMEM_PROVIDER_BYTEORDER_H

#include <linux/errno.h>

#ifdef __KERNEL__

#include <asm/byteorder.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/string.h>

#else

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <string.h>

#define cpu_to_le16(x)	htole16(x)
#define cpu_to_le32(x)	htole32(x)
#define cpu_to_le64(x)	htole64(x)
#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)

#endif

#endif /* UMEM_PROVIDER_BYTEORDER_H */

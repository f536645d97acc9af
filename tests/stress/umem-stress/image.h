/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What providers supply, as a file: for those that read one.
 */
#ifndef UMEM_STRESS_IMAGE_H
#define UMEM_STRESS_IMAGE_H

#define IMAGE	"/tmp/umem-stress.image"

/* The seed is known. Ends the program when it cannot be written. */
void image_make(void);

#endif /* UMEM_STRESS_IMAGE_H */

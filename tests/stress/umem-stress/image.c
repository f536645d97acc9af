// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>

#include "image.h"
#include "world.h"

static void must(bool good)
{
	if (good)
		return;
	perror("umem-stress: " IMAGE);
	exit(1);
}

void image_make(void)
{
	char page[PAGE];
	FILE *image;

	image = fopen(IMAGE, "w");
	must(image);
	for (unsigned int i = 0; i < MAX_PAGES; i++) {
		page_fill_supplied(page, i);
		must(fwrite(page, 1, PAGE, image) == PAGE);
	}
	must(!fclose(image));
}

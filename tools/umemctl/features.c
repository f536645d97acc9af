// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * umemctl features
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "region.h"
#include "size.h"
#include "umemctl.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ }
};

static const struct {
	uint64_t bit;
	const char *name;
	const char *what;
} known[] = {
	{ UMEM_FEATURE_DATA, "data", "answers by DATA, ZERO and FAIL" },
	{ UMEM_FEATURE_KPROVIDER, "kprovider", "providers in the kernel" },
	{ UMEM_FEATURE_PUNCH, "punch", "holes by fallocate() and MADV_REMOVE" },
	{ UMEM_FEATURE_PREFETCH, "prefetch", "posix_fadvise(), PREFETCH, CANCEL" },
	{ UMEM_FEATURE_CACHED, "cached", "mmap() of the channel, CACHED" },
	{ UMEM_FEATURE_HUGE, "huge", "granules of 2 MiB" },
	{ UMEM_FEATURE_USER_ONLY, "user-only", "regions the kernel does not wait for" },
	{ UMEM_FEATURE_FINALIZE, "finalize", "plain mappings once all is provided" },
	{ UMEM_FEATURE_FILL, "fill", "fetch all that is missing in the background" },
	{ UMEM_FEATURE_READAHEAD, "readahead", "read-ahead for touches in order" },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static struct json_object *names_json(uint64_t features)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (features & known[i].bit)
			json_object_array_add(array,
					      json_object_new_string(known[i].name));
	return array;
}

static void print_features_json(const struct umem_features *f)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "features", names_json(f->features));
	json_object_object_add(object, "feature_bits",
			       json_object_new_uint64(f->features));
	json_object_object_add(object, "protocol",
			       json_object_new_uint64(f->protocol));
	json_object_object_add(object, "granule",
			       json_object_new_uint64(f->granule));
	json_object_object_add(object, "max_size",
			       json_object_new_uint64(f->max_size));
	json_object_object_add(object, "max_inflight",
			       json_object_new_uint64(f->max_inflight));
	json_object_object_add(object, "max_data",
			       json_object_new_uint64(f->max_data));
	print_json(object);
}

static void print_features(const struct umem_features *f)
{
	uint64_t rest = f->features;
	char text[UMEM_SIZE_TEXT];
	size_t i;

	printf("protocol      %u\n", f->protocol);
	printf("granule       %s\n", umem_size_text(f->granule, text));
	printf("max size      %s (%" PRIu64 " bytes)\n",
	       umem_size_text(f->max_size, text), (uint64_t)f->max_size);
	printf("max inflight  %u\n", f->max_inflight);
	printf("max data      %s\n", umem_size_text(f->max_data, text));
	for (i = 0; i < KNOWN; i++) {
		printf("%-13s %s: %s\n", known[i].name,
		       rest & known[i].bit ? "yes" : "no", known[i].what);
		rest &= ~known[i].bit;
	}
	if (rest)
		printf("others        0x%" PRIx64 ", not known to this tool\n", rest);
}

static int get_features(struct umem_features *features)
{
	enum umem_action action = UMEM_DO_OPEN;
	struct umem_why why;
	int device, err;

	device = umem_device_open();
	err = device;
	if (device >= 0) {
		action = UMEM_DO_FEATURES;
		err = umem_device_features(device, features);
		close(device);
	}
	if (err < 0) {
		umem_because(&why, err, "%s", umem_explain(action, err));
		umem_say_failed(err, &why, "asking %s for its features",
				UMEM_DEVICE);
	}
	return err < 0 ? err : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct umem_features features;
	bool json = false;
	int opt;

	while ((opt = option_next(verb, argc, argv)) >= 0)
		if (opt == 'j')
			json = true;
	if (optind < argc)
		usage_fail(verb, "\"%s\" is one argument too many", argv[optind]);
	if (get_features(&features))
		return EXIT_FAILURE;
	if (json)
		print_features_json(&features);
	else
		print_features(&features);
	return EXIT_SUCCESS;
}

const struct verb verb_features = {
	.name = "features",
	.summary = "tell what the kernel module can do",
	.help =
"usage: umemctl features [-j]\n\n"
"Tells the limits and features of the umem module that is loaded.\n\n"
"  -j, --json           as JSON\n"
"  -h, --help           this text\n",
	.options = options,
	.shorts = ":hj",
	.run = run,
};

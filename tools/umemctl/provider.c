// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which provider a region gets, and how it is started.
 */
#include <errno.h>
#include <unistd.h>

#include "region.h"
#include "umemctl.h"

void provider_defaults(struct provider_choice *choice)
{
	*choice = (struct provider_choice) {
		.limits = {
			.reads_inflight = UMEM_READS_INFLIGHT,
			.connect_timeout_ms = UMEM_CONNECT_TIMEOUT_MS,
			.ack_timeout_ms = UMEM_ACK_TIMEOUT_MS,
		},
	};
}

bool provider_option(const struct verb *verb, int opt,
		     struct provider_choice *choice)
{
	switch (opt) {
	case OPT_USER:
		choice->user = true;
		return true;
	case OPT_REPLACE:
		choice->replace = true;
		return true;
	case OPT_READS_INFLIGHT:
		choice->limits.reads_inflight =
			option_number(verb, "--reads-inflight", 65536);
		return true;
	case OPT_CONNECT_TIMEOUT:
		choice->limits.connect_timeout_ms =
			option_number(verb, "--connect-timeout", INT32_MAX);
		return true;
	case OPT_ACK_TIMEOUT:
		choice->limits.ack_timeout_ms =
			option_number(verb, "--ack-timeout", INT32_MAX);
		return true;
	default:
		return false;
	}
}

void provider_source(const struct verb *verb, const char *text,
		     struct provider_choice *choice)
{
	struct umem_why why;

	if (umem_source_parse(text, &choice->source, &why))
		usage_fail(verb, "source %s: %s", text, why.text);
}

static int kernel_start(int region, const char *subject,
			const struct provider_choice *choice)
{
	const char *source = choice->source.text;
	struct umem_why why = { "" };
	int channel, err;

	channel = umem_region_channel(region, choice->replace ?
				      UMEM_CHANNEL_REPLACE : 0);
	if (channel < 0) {
		umem_because(&why, channel, "%s",
			     umem_explain(UMEM_DO_CHANNEL, channel));
		umem_say_failed(channel, &why, "attaching %s to %s", source,
				subject);
		return channel;
	}
	err = umem_kernel_attach(channel, &choice->source, &choice->limits, &why);
	if (err)
		umem_say_failed(err, &why, "attaching %s to %s", source, subject);
	close(channel);
	return err;
}

int provider_start(int region, const char *subject,
		   const struct provider_choice *choice)
{
	if (choice->user)
		return provider_spawn(region, choice);
	return kernel_start(region, subject, choice);
}

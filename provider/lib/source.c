// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SOURCE: rdma://HOST:PORT/ID, tcp://HOST:PORT/ID, file:PATH, sim:WORDS.
 */
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "source.h"

static const struct {
	const char *prefix;
	enum umem_source_kind kind;
} schemes[] = {
	{ "rdma://", UMEM_SOURCE_RDMA },
	{ "tcp://", UMEM_SOURCE_TCP },
	{ "file:", UMEM_SOURCE_FILE },
	{ "sim:", UMEM_SOURCE_SIM },
};

/* Returns what follows the scheme, or NULL. */
static const char *scheme_skip(const char *text, enum umem_source_kind *kind)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i].prefix);

		if (strncmp(text, schemes[i].prefix, length))
			continue;
		*kind = schemes[i].kind;
		return text + length;
	}
	return NULL;
}

static int host_copy(struct umem_source *source, const char *host, size_t length,
		     struct umem_why *why)
{
	if (!length)
		return umem_because(why, -EINVAL, "the host is missing");
	if (length >= sizeof(source->host))
		return umem_because(why, -EINVAL,
				    "the host has %zu characters; %zu are allowed",
				    length, sizeof(source->host) - 1);
	memcpy(source->host, host, length);
	source->host[length] = '\0';
	return 0;
}

/* "HOST:" or "[V6]:", up to @end; returns the port's place in @port. */
static int host_parse(struct umem_source *source, const char *text,
		      const char *end, const char **port, struct umem_why *why)
{
	size_t length = end - text;
	const char *close, *colon;
	int err;

	if (length && *text == '[') {
		close = memchr(text, ']', length);
		if (!close)
			return umem_because(why, -EINVAL,
					    "the \"]\" after the IPv6 address is missing");
		err = host_copy(source, text + 1, close - text - 1, why);
		colon = close + 1;
	} else {
		colon = memchr(text, ':', length);
		if (!colon)
			colon = end;
		else if (memchr(colon + 1, ':', end - colon - 1))
			return umem_because(why, -EINVAL,
					    "an IPv6 address needs brackets, such as [fe80::1]:7471");
		err = host_copy(source, text, colon - text, why);
	}
	if (err)
		return err;
	if (colon < end && *colon != ':')
		return umem_because(why, -EINVAL,
				    "a colon and the port must follow the \"]\"");
	if (colon == end || colon + 1 == end)
		return umem_because(why, -EINVAL, "the port is missing");
	*port = colon + 1;
	return 0;
}

static int port_parse(struct umem_source *source, const char *text,
		      size_t length, struct umem_why *why)
{
	char digits[16];
	uint64_t port;

	snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
	if (length >= sizeof(digits) || strspn(digits, "0123456789") != length ||
	    umem_number_parse(digits, 1, 65535, &port, NULL))
		return umem_because(why, -EINVAL,
				    "the port \"%.*s\" is not a number from 1 to 65535",
				    (int)length, text);
	source->port = (uint16_t)port;
	return 0;
}

static int export_parse(struct umem_source *source, const char *text,
			struct umem_why *why)
{
	int err;

	if (!*text)
		return umem_because(why, -EINVAL,
				    "the export's number is missing after the \"/\"");
	err = umem_number_parse(text, 0, UINT64_MAX, &source->export_id, NULL);
	if (err == -ERANGE)
		return umem_because(why, -EINVAL,
				    "the export's number %s is more than 64 bits can hold",
				    text);
	if (err)
		return umem_because(why, -EINVAL,
				    "the export \"%s\" is not a number, decimal or 0x",
				    text);
	return 0;
}

static int server_parse(struct umem_source *source, const char *text,
			const char *end, struct umem_why *why)
{
	const char *port = end;
	int err = host_parse(source, text, end, &port, why);

	return err ? err : port_parse(source, port, end - port, why);
}

static bool is_server(const struct umem_source *source)
{
	return source->kind == UMEM_SOURCE_RDMA ||
	       source->kind == UMEM_SOURCE_TCP;
}

static int file_parse(struct umem_source *source, const char *path,
		      struct umem_why *why)
{
	if (!*path)
		return umem_because(why, -EINVAL,
				    "the path is missing after \"file:\"");
	source->path = path;
	return 0;
}

int umem_source_parse(const char *text, struct umem_source *source,
		      struct umem_why *why)
{
	const char *rest, *slash;
	int err;

	memset(source, 0, sizeof(*source));
	source->text = text;
	rest = scheme_skip(text, &source->kind);
	if (!rest)
		return umem_because(why, -EINVAL,
				    "\"%s\" is not rdma://HOST:PORT/ID",
				    text);
	if (source->kind == UMEM_SOURCE_FILE)
		return file_parse(source, rest, why);
	if (source->kind == UMEM_SOURCE_SIM)
		return umem_sim_parse(rest, &source->sim, why);
	slash = strchr(rest, '/');
	err = server_parse(source, rest, slash ? slash : rest + strlen(rest), why);
	if (err)
		return err;
	if (!slash)
		return umem_because(why, -EINVAL,
				    "a \"/\" and the export's number must follow the port");
	return export_parse(source, slash + 1, why);
}

int umem_listen_parse(const char *text, struct umem_source *source,
		      struct umem_why *why)
{
	const char *rest;

	memset(source, 0, sizeof(*source));
	source->text = text;
	rest = scheme_skip(text, &source->kind);
	if (!rest || !is_server(source))
		return umem_because(why, -EINVAL,
				    "\"%s\" is not rdma://ADDR:PORT", text);
	if (strchr(rest, '/'))
		return umem_because(why, -EINVAL,
				    "nothing may follow the port; exports have an option of their own");
	return server_parse(source, rest, rest + strlen(rest), why);
}

static int resolve_because(int gai, const char *host, struct umem_why *why)
{
	switch (gai) {
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
		return umem_because(why, -ENOENT,
				    "no host is called \"%s\"; check the name or give an address",
				    host);
	case EAI_AGAIN:
		return umem_because(why, -EAGAIN,
				    "the name server does not answer for \"%s\"; try again or give an address",
				    host);
	case EAI_MEMORY:
		return umem_because(why, -ENOMEM, "out of memory");
	default:
		return umem_because(why, -EINVAL, "host \"%s\": %s", host,
				    gai_strerror(gai));
	}
}

int umem_source_resolve(const struct umem_source *source,
			struct sockaddr_storage *addr, socklen_t *length,
			struct umem_why *why)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	char port[8];
	int gai;

	if (!is_server(source))
		return umem_because(why, -EINVAL, "%s has no address",
				    source->text);
	snprintf(port, sizeof(port), "%u", source->port);
	gai = getaddrinfo(source->host, port, &hints, &list);
	if (gai)
		return resolve_because(gai, source->host, why);
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, list->ai_addr, list->ai_addrlen);
	*length = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

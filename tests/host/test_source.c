// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * provider/lib/source: rdma://HOST:PORT/ID and its kin.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "source.h"

static void good(const char *text, enum umem_source_kind kind, const char *host,
		 unsigned int port, uint64_t id)
{
	struct umem_why why = { "" };
	struct umem_source s;

	if (umem_source_parse(text, &s, &why))
		fail_msg("\"%s\": %s", text, why.text);
	assert_int_equal(s.kind, kind);
	assert_string_equal(s.host, host);
	assert_int_equal(s.port, port);
	assert_true(s.export_id == id);
	assert_ptr_equal(s.text, text);
}

static void bad(const char *text, const char *clause)
{
	struct umem_why why = { "" };
	struct umem_source s;

	assert_int_equal(umem_source_parse(text, &s, &why), -EINVAL);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void servers(void **state)
{
	(void)state;
	good("rdma://10.0.0.1:7471/7", UMEM_SOURCE_RDMA, "10.0.0.1", 7471, 7);
	good("tcp://server.example:1/0", UMEM_SOURCE_TCP, "server.example", 1, 0);
	good("rdma://[fe80::1]:65535/0x10", UMEM_SOURCE_RDMA, "fe80::1", 65535, 16);
	good("rdma://[fe80::1%eth0]:7471/1", UMEM_SOURCE_RDMA, "fe80::1%eth0",
	     7471, 1);
	good("rdma://h:1/18446744073709551615", UMEM_SOURCE_RDMA, "h", 1,
	     UINT64_MAX);
	good("rdma://h:1/0xFFFFFFFFFFFFFFFF", UMEM_SOURCE_RDMA, "h", 1,
	     UINT64_MAX);
}

static void files(void **state)
{
	struct umem_why why;
	struct umem_source s;

	(void)state;
	assert_int_equal(umem_source_parse("file:/a b", &s, &why), 0);
	assert_int_equal(s.kind, UMEM_SOURCE_FILE);
	assert_string_equal(s.path, "/a b");
	assert_int_equal(umem_source_parse("file:image", &s, &why), 0);
	assert_string_equal(s.path, "image");
	bad("file:", "the path is missing");
}

static void schemes(void **state)
{
	(void)state;
	bad("", "is not rdma://HOST:PORT/ID");
	bad("7", "is not rdma://HOST:PORT/ID");
	bad("rdma:/h:1/1", "is not rdma://HOST:PORT/ID");
	bad("RDMA://h:1/1", "is not rdma://HOST:PORT/ID");
	bad("http://h:1/1", "is not rdma://HOST:PORT/ID");
	bad("/etc/passwd", "is not rdma://HOST:PORT/ID");
}

static void hosts(void **state)
{
	char text[600] = "rdma://";

	(void)state;
	bad("rdma://", "the host is missing");
	bad("rdma://:7471/1", "the host is missing");
	bad("rdma://[]:7471/1", "the host is missing");
	bad("rdma:///1", "the host is missing");
	bad("rdma://[fe80::1:7471/1", "\"]\" after the IPv6 address");
	bad("rdma://fe80::1:7471/1", "needs brackets");
	memset(text + 7, 'h', 300);
	strcpy(text + 307, ":1/1");
	bad(text, "300 characters; 255 are allowed");
	memset(text + 7, 'h', 255);
	strcpy(text + 262, ":1/1");
	good(text, UMEM_SOURCE_RDMA, memset(text + 300, 'h', 255), 1, 1);
}

static void ports(void **state)
{
	(void)state;
	bad("rdma://h/1", "the port is missing");
	bad("rdma://h:/1", "the port is missing");
	bad("rdma://[::1]/1", "the port is missing");
	bad("rdma://[::1]7471/1", "must follow the \"]\"");
	bad("rdma://h:0/1", "\"0\" is not a number from 1 to 65535");
	bad("rdma://h:65536/1", "\"65536\" is not a number from 1 to 65535");
	bad("rdma://h:0x10/1", "\"0x10\" is not a number from 1 to 65535");
	bad("rdma://h:-1/1", "\"-1\" is not a number from 1 to 65535");
	bad("rdma://h:1 /1", "\"1 \" is not a number from 1 to 65535");
	bad("rdma://h:99999999999999999999999999/1", "is not a number from 1 to");
}

static void exports(void **state)
{
	(void)state;
	bad("rdma://h:1", "must follow the port");
	bad("rdma://h:1/", "the export's number is missing");
	bad("rdma://h:1/x", "the export \"x\" is not a number");
	bad("rdma://h:1/-1", "the export \"-1\" is not a number");
	bad("rdma://h:1/1/", "the export \"1/\" is not a number");
	bad("rdma://h:1/0x", "the export \"0x\" is not a number");
	bad("rdma://h:1/18446744073709551616", "more than 64 bits");
}

static void bad_listen(const char *text, const char *clause)
{
	struct umem_why why = { "" };
	struct umem_source s;

	assert_int_equal(umem_listen_parse(text, &s, &why), -EINVAL);
	if (!strstr(why.text, clause))
		fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, why.text, clause);
}

static void listeners(void **state)
{
	struct umem_why why;
	struct umem_source s;

	(void)state;
	assert_int_equal(umem_listen_parse("tcp://[::]:7471", &s, &why), 0);
	assert_int_equal(s.kind, UMEM_SOURCE_TCP);
	assert_string_equal(s.host, "::");
	assert_int_equal(s.port, 7471);
	bad_listen("rdma://0.0.0.0:7471/1", "nothing may follow the port");
	bad_listen("rdma://0.0.0.0", "the port is missing");
	bad_listen("file:x", "is not rdma://ADDR:PORT");
	bad_listen("0.0.0.0:7471", "is not rdma://ADDR:PORT");
}

static void addresses(void **state)
{
	struct sockaddr_storage addr;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr;
	struct umem_source s;
	struct umem_why why;
	socklen_t length;

	(void)state;
	assert_int_equal(umem_source_parse("rdma://10.0.0.1:7471/7", &s, &why), 0);
	assert_int_equal(umem_source_resolve(&s, &addr, &length, &why), 0);
	assert_int_equal(length, sizeof(*v4));
	assert_int_equal(v4->sin_family, AF_INET);
	assert_int_equal(ntohs(v4->sin_port), 7471);
	assert_int_equal(ntohl(v4->sin_addr.s_addr), 0x0a000001);

	assert_int_equal(umem_source_parse("rdma://[fd00::2]:18/7", &s, &why), 0);
	assert_int_equal(umem_source_resolve(&s, &addr, &length, &why), 0);
	assert_int_equal(length, sizeof(*v6));
	assert_int_equal(v6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(v6->sin6_port), 18);
	assert_int_equal(v6->sin6_addr.s6_addr[0], 0xfd);
	assert_int_equal(v6->sin6_addr.s6_addr[15], 2);

	assert_int_equal(umem_source_parse("file:x", &s, &why), 0);
	assert_int_equal(umem_source_resolve(&s, &addr, &length, &why), -EINVAL);
	assert_non_null(strstr(why.text, "no address"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers),
		cmocka_unit_test(files),
		cmocka_unit_test(schemes),
		cmocka_unit_test(hosts),
		cmocka_unit_test(ports),
		cmocka_unit_test(exports),
		cmocka_unit_test(listeners),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

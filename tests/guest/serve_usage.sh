#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Wrong command lines of umem-serve and umem-provider: 2 for the line itself, 1
# for what it names, and in one line what is wrong with it.
#
# timeout: 60
# needs: rxe

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-serve umem-provider

# gives STATUS PATTERN DESCRIPTION COMMAND...
gives()
{
	wanted=$1
	pattern=$2
	what=$3
	shift 3
	status=0
	out=$(timeout 20 "$@" 2>&1) || status=$?
	is "$what: status" $status "$wanted"
	like "$what: sentence" "$out" "$pattern"
}

L="rdma://$SERVE_ADDR:$SERVE_PORT"
echo x >"$TMP/file"
: >"$TMP/empty"

gives 0 '^Usage: umem-serve ' "--help" umem-serve --help
gives 2 'give --listen' "nowhere to listen" umem-serve --export 7="$TMP/file"
gives 2 'give --export' "nothing to export" umem-serve --listen "$L"
gives 2 "unrecognized option '--foo'" "an unknown option" umem-serve --foo
gives 2 'an argument too many: foo' "an argument" \
	umem-serve --listen "$L" --export 7="$TMP/file" foo
gives 2 'only rdma:// is served' "tcp" \
	umem-serve --listen "tcp://$SERVE_ADDR:1" --export 7="$TMP/file"
gives 2 '^umem-serve: --listen foo: ' "an address that is none" \
	umem-serve --listen foo --export 7="$TMP/file"
gives 2 'not of the form ID=PATH' "an export without an id" \
	umem-serve --listen "$L" --export "$TMP/file"
gives 2 '^umem-serve: --export: the ID x: ' "an id that is none" \
	umem-serve --listen "$L" --export x="$TMP/file"
gives 2 'that ID is taken by' "an id given twice" \
	umem-serve --listen "$L" --export 7="$TMP/file" --export 0x7="$TMP/file"
gives 2 '^umem-serve: --max-clients 0: ' "no clients" \
	umem-serve --listen "$L" --export 7="$TMP/file" --max-clients 0

gives 1 'exporting .*/none: it cannot be opened' "a file that is not there" \
	umem-serve --listen "$L" --export 7="$TMP/none"
gives 1 'the file is empty' "an empty file" \
	umem-serve --listen "$L" --export 7="$TMP/empty"
gives 1 'it is a directory' "a directory" umem-serve --listen "$L" --export 7="$TMP"
mkfifo "$TMP/fifo"
gives 1 'it is no regular file' "a fifo" \
	umem-serve --listen "$L" --export 7="$TMP/fifo"
gives 1 'listening on rdma://192.0.2.1:7471: no RDMA device' "a foreign address" \
	umem-serve --listen rdma://192.0.2.1:7471 --export 7="$TMP/file"

serve 7="$TMP/file"
gives 1 'something listens there already' "an address in use" \
	umem-serve --listen "$L" --export 7="$TMP/file"

gives 0 '^Usage: umem-provider ' "umem-provider --help" umem-provider --help
gives 2 'missing: TARGET and SOURCE' "no arguments" umem-provider
gives 2 'missing: SOURCE' "one argument" umem-provider 1:3
gives 2 'an argument too many: x' "three arguments" umem-provider 1:3 "$L/7" x
gives 2 '^umem-provider: SOURCE foo: ' "a source that is none" umem-provider 1:3 foo
gives 2 'rdma://HOST:PORT/ID only' "a file" umem-provider 1:3 file:/etc/passwd
gives 2 'rdma://HOST:PORT/ID only' "tcp" umem-provider 1:3 tcp://10.0.0.1:7471/7
gives 2 '^umem-provider: TARGET fd: x: ' "a descriptor that is none" \
	umem-provider fd:x "$L/7"
gives 1 'opening region 1:99: ' "no such descriptor" umem-provider 1:99 "$L/7"
gives 1 'it is neither a channel nor a region' "no channel" \
	umem-provider fd:0 "$L/7" </dev/null

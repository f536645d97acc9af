# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=sh
#
# For guest tests that need a memory server in their own guest:
#   . "$(dirname "$0")/lib.sh"
#   . "$(dirname "$0")/lib/serve.sh"
# RoCE to the own address never leaves the device, so one machine is enough.

SERVE_ADDR=$(/bin/ip -4 -o addr show dev eth0 |
	sed 's/.* inet \([0-9.]*\).*/\1/')
SERVE_PORT=7471

# serve ID=PATH...: starts umem-serve and returns when it listens; serve_pid.
serve()
{
	serve_exports=
	for serve_export in "$@"; do
		serve_exports="$serve_exports --export $serve_export"
	done
	rm -f "$TMP/serve.ready"
	mkfifo "$TMP/serve.ready"
	# shellcheck disable=SC2086 # one word each
	umem-serve --listen "rdma://$SERVE_ADDR:$SERVE_PORT" $serve_exports \
		--ready-fd 9 9>"$TMP/serve.ready" >"$TMP/serve.log" 2>&1 &
	# shellcheck disable=SC2034 # for the tests
	serve_pid=$!
	# End of file without a byte: it did not come so far.
	if [ -z "$(head -c 1 <"$TMP/serve.ready" | od -An -tx1)" ]; then
		diag "$(cat "$TMP/serve.log")"
		die "umem-serve did not start"
	fi
}

# serve_source ID: the SOURCE of an export.
serve_source()
{
	echo "rdma://$SERVE_ADDR:$SERVE_PORT/$1"
}

# serve_image PATH PAGES: a file in which no two pages are alike.
serve_image()
{
	python3 - "$1" "$2" <<-'END'
	import random, sys
	random.seed(7)
	with open(sys.argv[1], "wb") as f:
	    for _ in range(int(sys.argv[2])):
	        f.write(random.randbytes(4096))
	END
}

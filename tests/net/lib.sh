# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=sh
#
# For tests with two hosts:  . "$(dirname "$0")/lib.sh"
# This one is host 2; host 1, at 10.0.0.1, has the memory server.

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/../guest/lib.sh"

require umemctl sha256sum

# shellcheck disable=SC2034 # for the tests
SOURCE=rdma://10.0.0.1:7471/7
# For who must get a connection: a message of the RDMA CM that is lost, as the first
# between two hosts may be, costs more than 4 s.
# shellcheck disable=SC2034,SC2154 # for the tests; from guest/lib.sh
PATIENT="--connect-timeout $((20000 * umem_patience))"

# serve_image MIB [OPTION...]: umem-serve on host 1 exports that many random ones
# as $SOURCE; $wanted is their SHA-256 sum, the log is host 1's /tmp/log.
serve_image()
{
	umem_mib=$1
	shift
	on_host1 "head -c ${umem_mib}M /dev/urandom >/tmp/image
		umem-serve --listen rdma://10.0.0.1:7471 --export 7=/tmp/image \
			$* >/tmp/log 2>&1 &"
	# shellcheck disable=SC2034 # for the tests
	wanted=$(on_host1 'sha256sum </tmp/image')
	wait_until 30 on_host1 'grep -q ready /tmp/log' || die "no umem-serve on host1"
}

# run_target PID: "umemctl run" of that PID, in the background, has started a
# program; its region is $T.
run_target()
{
	wait_until 60 pgrep -P "$1" || die "the program does not start"
	T=$(pgrep -P "$1"):3
}

# status_of NAME: a field of $T's status.
status_of()
{
	umemctl status -j "$T" | sed -n "s/^ *\"$1\": \"*\([^\",]*\).*/\1/p"
}

# busy: more than a few granules of $T are provided.
busy()
{
	[ "$(status_of granules_provided)" -gt 100 ]
}

# can_silence: skips all where silence() cannot be had.
can_silence()
{
	require tc
	tc qdisc replace dev eth0 clsact || skip_all "no clsact in this kernel"
}

# silence: packets of RoCE that come to this host vanish; all else gets through.
# Not those that leave it: Soft-RoCE takes that for congestion and repeats them
# for ever.
silence()
{
	tc filter add dev eth0 ingress pref 1 protocol ip u32 \
		match ip protocol 17 0xff match ip dport 4791 0xffff action drop
}

# speak: no more of that.
speak()
{
	tc filter del dev eth0 ingress pref 1
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=sh
#
# For guest tests in shell:  . "$(dirname "$0")/../guest/lib.sh"
# Results are printed as TAP; the plan comes by itself when the script exits.
# What a test leaves behind (processes, modules) tests/vm/guest/run-tests removes.

# MiB that tests move over RDMA: a debug kernel takes 60 times as long for each.
# It takes ten times as long for all else, and a busy machine UMEM_PATIENCE times.
# shellcheck disable=SC2034 # for the tests
umem_slower=1
umem_patience=${UMEM_PATIENCE:-1}
if [ -n "${UMEM_DEBUG_KERNEL-}" ]; then
	umem_slower=10
	umem_patience=$((10 * umem_patience))
	: "${UMEM_TEST_MB:=2}"
fi
: "${UMEM_TEST_MB:=64}"

umem_tests=0
umem_failed=0
# shellcheck disable=SC2034 # for the tests
TMP=$(mktemp -d /tmp/umem-test-XXXXXX)

# ok DESCRIPTION, not_ok DESCRIPTION: a result.
ok()
{
	umem_tests=$((umem_tests + 1))
	echo "ok $umem_tests - $*"
}

not_ok()
{
	umem_tests=$((umem_tests + 1))
	umem_failed=$((umem_failed + 1))
	echo "not ok $umem_tests - $*"
}

# diag TEXT...: a remark for who reads a failure.
diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# skip DESCRIPTION REASON: a result that cannot be had here.
skip()
{
	umem_tests=$((umem_tests + 1))
	echo "ok $umem_tests - $1 # SKIP ${2-}"
}

# skip_all REASON: none of this can be had here.
skip_all()
{
	[ $umem_tests = 0 ] || { not_ok "skip_all after a result"; exit 1; }
	echo "1..0 # SKIP $*"
	umem_tests=none
	exit 0
}

# check DESCRIPTION COMMAND...: passes if COMMAND succeeds.
check()
{
	umem_what=$1
	shift
	if umem_out=$("$@" 2>&1); then
		ok "$umem_what"
	else
		umem_status=$?
		not_ok "$umem_what"
		diag "$* -> status $umem_status"
		diag "$umem_out"
		return 1
	fi
}

# check_fails DESCRIPTION COMMAND...: passes if COMMAND fails (but is not killed).
check_fails()
{
	umem_what=$1
	shift
	umem_status=0
	umem_out=$("$@" 2>&1) || umem_status=$?
	if [ $umem_status -gt 0 ] && [ $umem_status -lt 126 ]; then
		ok "$umem_what"
	else
		not_ok "$umem_what"
		diag "$* -> status $umem_status, expected a failure"
		diag "$umem_out"
		return 1
	fi
}

# is DESCRIPTION GOT WANTED: compares strings.
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
		return 1
	fi
}

# like DESCRIPTION GOT PATTERN: GOT matches an extended regular expression.
like()
{
	if printf '%s\n' "$2" | grep -Eq -- "$3"; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:     $2"
		diag "pattern: $3"
		return 1
	fi
}

# require COMMAND...: programs without which the test is skipped.
require()
{
	for umem_command in "$@"; do
		command -v "$umem_command" >/dev/null ||
			skip_all "no program $umem_command"
	done
}

# die TEXT: the test cannot go on.
die()
{
	not_ok "$*"
	exit 1
}

# load MODULE...: modules of ours; "needs: umem" in the head does the same.
load()
{
	for umem_module in "$@"; do
		[ ! -d "/sys/module/$umem_module" ] || continue
		[ "$umem_module" != umem_rdma ] || modprobe -a ib_core rdma_cm
		insmod "$UMEM_MODULES/$umem_module.ko" ||
			die "insmod $umem_module.ko"
	done
}

# wait_until SECONDS COMMAND...: poll until it succeeds; false when it does not.
# Ten times the SECONDS on a debug kernel, and as many times as UMEM_PATIENCE says.
wait_until()
{
	umem_end=$(($(date +%s) + $1 * umem_patience))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le $umem_end ] || return 1
		sleep 0.1
	done
}

# on_host1 COMMAND: in tests/net, a shell command on the other host.
on_host1()
{
	"$UMEM_TOP/tests/vm/guest/on-host1" "$@"
}

umem_finish()
{
	umem_status=$?
	rm -rf "$TMP"
	[ "$umem_tests" != none ] || exit 0
	echo "1..$umem_tests"
	[ $umem_failed = 0 ] || exit 1
	exit $umem_status
}
trap umem_finish EXIT

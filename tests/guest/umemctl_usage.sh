#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl without a module: mistakes on the command line, and what is said of a
# machine on which umem is not loaded. Each gets its own sentence, on one line.
#
# timeout: 300

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umemctl

# says STATUS SENTENCE ARGS...: what umemctl ARGS answers; SENTENCE is a part of it.
says()
{
	wanted="status $1, 1 line: $2"
	sentence=$2 status=0
	shift
	shift
	out=$(umemctl "$@" 2>&1 >/dev/null) || status=$?
	got="status $status, $(printf '%s\n' "$out" | wc -l) line: "
	case $out in
	umemctl:*"$sentence"*) got=$got$sentence ;;
	*) got=$got$out ;;
	esac
	is "umemctl $*" "$got" "$wanted"
}

S=rdma://10.0.0.1:7471/7
W='--wait-policy hard'

is "umemctl --version" "$(umemctl --version | cut -d' ' -f1)" umemctl
like "umemctl --help lists the verbs" "$(umemctl --help)" 'attach-provider'
for verb in run attach-provider detach-provider status list record replay \
	finalize features; do
	like "umemctl $verb --help" "$(umemctl $verb --help)" "^usage: umemctl $verb"
done

says 2 'a verb is missing'
says 2 '"frobnicate" is no verb' frobnicate
says 2 'run: --size is missing' run
# shellcheck disable=SC2086 # two words
says 2 'run: --size is missing' run $W --provider $S -- true
says 2 '--wait-policy is missing and has no default; give hard, timeout=MS or fail-fast' \
	run --size 4K --provider $S -- true
# shellcheck disable=SC2086
says 2 '--provider is missing' run --size 4K $W -- true
# shellcheck disable=SC2086
says 2 'the command is missing' run --size 4K $W --provider $S
says 2 '"4X" is not a size' run --size 4X
says 2 '16E is more than 64 bits can hold' run --size 16E
says 2 'option --size needs a value' run --size
says 2 '--wait-policy soft is none' run --wait-policy soft
says 2 '0 is not between 1 and' run --wait-policy timeout=0
says 2 '"5s" is not a whole number' run --wait-policy timeout=5s
says 2 'is not rdma://HOST:PORT/ID' run --provider 10.0.0.1
says 2 'the port "0" is not a number from 1 to 65535' run --provider rdma://h:0/1
says 2 'needs brackets' run --provider rdma://fe80::1:7471/1
says 2 '--max-inflight: 0 is not between 1 and' run --max-inflight 0
says 2 '--max-data: 0 is not between 1 and' run --max-data 0
says 2 '--readahead: 4G is more than' run --readahead 4G
says 2 'record: the target is missing' record
says 2 'record: the file is missing' record 1:3
says 2 '"more" is one argument too many' replay 1:3 file more
says 2 '--reads-inflight: "x" is not a whole number' run --reads-inflight x
says 2 'there is no option --frobnicate' run --frobnicate
says 2 'there is no option -q' status -q
says 2 'option --user takes no value' run --user=1
says 2 'the target is missing' status
says 2 'the target is missing' attach-provider
says 2 'the source is missing' attach-provider 1:3
says 2 'one argument too many' attach-provider 1:3 $S x
says 2 'one argument too many' status 1:3 1:4
says 2 'one argument too many' list x
says 2 'the target is missing' finalize --pid 1
says 2 '--pid: 0 is not between 1 and' finalize --pid 0 1:3
says 2 'option --user-only takes no value' run --user-only=1

# shellcheck disable=SC2086
says 1 'creating a region of 4096 bytes: /dev/umem: the umem module is not loaded' \
	run --size 4K $W --provider $S -- true
says 1 'the umem module is not loaded' features
says 1 'that is no umem region' status /etc/passwd
says 1 'that is no umem region' status /dev/null
says 1 'that is a directory' status /
says 1 'no such process, descriptor or path' status 999999999:3
says 1 'not of the form PID:FD' status a:b
says 1 'that is no umem region' detach-provider /etc/passwd
says 1 'that is no umem region' attach-provider /etc/passwd $S
says 1 'that is no umem region' finalize /etc/passwd
is "list without a module is empty" "$(umemctl list 2>&1)" ""

if umemctl --help >/dev/full 2>/dev/null; then
	not_ok "a full disk is an error"
else
	ok "a full disk is an error"
fi

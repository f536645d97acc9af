#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# timeout: 240
#
# The recipe of README.md for a real host runs as it stands there: the text of
# the marked block, in one shell, every command of it successful.
. "$(dirname "$0")/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
recipe=$TMP/recipe.sh

awk '/^<!-- recipe:/ { marked = 1 }
	marked && /^```$/ { exit }
	inside { print }
	marked && /^```sh$/ { inside = 1 }' "$top/README.md" >"$recipe"

check "README.md has the recipe" grep -q 'umemctl run' "$recipe"

cd "$top" || exit 1
# It makes its own device; another test may have left one.
rdma link delete rxe0 2>/dev/null
# Here the modules are for the kernel that is tested.
export KERNEL="$UMEM_KERNEL"
# What the recipe leaves in the background ends with the test.
sh -e -x "$recipe" >"$TMP/out" 2>&1 </dev/null
status=$?
check "the recipe runs to its end" [ $status = 0 ]
diag "$(cat "$TMP/out")"
check "the region's provider in userspace was shown" \
	grep -q 'provider *user' "$TMP/out"
check "the table has umem-rdma" grep -q '^ *umem-rdma ' "$TMP/out"

#!/bin/bash -e
# build.sh PROGRAM: builds test/filter/PROGRAM.c into build/test/filter-PROGRAM and prints its path
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../build/test/filter-$1
mkdir -p "${out%/*}"
case $1 in
diff | lists) set -- "$1" -lpcap -ldl ;;
steps)
	cc -O2 -c -o "$out-count.o" "$here/steps_count.c"
	set -- "$1" -fsanitize-coverage=trace-pc "$out-count.o"
	;;
esac
program=$1
shift
if [ ! "$out" -nt "$here/$program.c" ] || [ ! "$out" -nt "$here/../../filter.h" ] || [ ! "$out" -nt "$here/../../bpf.h" ] || [ ! "$out" -nt "$here/judge.h" ]; then
	cc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-function -o "$out" "$here/$program.c" "$@" >&2
fi
echo "$out"

#!/bin/bash
# Everything that reads the code and finds faults in it; all of it must be silent.
set -euo pipefail
cd "$(dirname "$0")/.."
sh test/install.sh test/packages.lint
mkdir -p build
flags=(-std=gnu11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
musl=(-nostdinc -isystem "/usr/include/$(uname -m)-linux-musl" -isystem "$(gcc -print-file-name=include)")
tests=(test/*.c test/tools/*.c test/bench/*.c qemu/*.c)

echo 'gcc' >&2
make -s -B CFLAGS='-Os -Werror' PROGRAM=build/rawcap-lint build/rawcap-lint
echo 'gcc -fanalyzer' >&2
musl-gcc "${flags[@]}" -Werror -O2 -fanalyzer -c -o /dev/null rawcap.c
for source in "${tests[@]}"; do
	gcc "${flags[@]}" -Werror -O2 -fanalyzer -c -o /dev/null "$source"
done
echo 'clang-tidy' >&2
# that one wants memcpy_s, which no Linux C library has
checks='--checks=-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
clang-tidy --quiet "$checks" --warnings-as-errors='*' rawcap.c -- "${flags[@]}" "${musl[@]}" 2> /dev/null
clang-tidy --quiet "$checks" --warnings-as-errors='*' "${tests[@]}" -- "${flags[@]}" 2> /dev/null
echo 'cppcheck' >&2
# it does not know that usage() never returns, nor from a 0 to print that the base is none
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=zerodivcond --suppress=negativeIndex rawcap.c "${tests[@]}"
echo 'shellcheck' >&2
shellcheck -x .ci/run test/*.sh test/*/*.sh qemu/*.sh qemu/*/*.sh
shellcheck -s bash -x test/*.bash test/tools/*.bash
shellcheck -s bats test/*.bats

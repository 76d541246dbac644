#!/bin/sh
# build.sh DIR: the programs of the pcapng tests, under the sanitizers, and gen.py's files, into DIR.
set -eu
cd "$(dirname "$0")"
mkdir -p "$1"
for program in dump write; do
	gcc -std=gnu11 -g -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover=all -o "$1/$program" $program.c
done
python3 gen.py "$1"

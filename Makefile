# rawcap: one binary from one C file. Variables go on the command line or into config.mak.
-include config.mak

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC := $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,musl-gcc)
endif
STRIP ?= $(CROSS_COMPILE)strip
CFLAGS ?= -Os
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
PROGRAM ?= rawcap
MINUTES ?= 10
# bytes of the stripped program on x86-64, at most: it grows only by decision (the aim is 81920)
BUDGET ?= 172032

headers = bpf.h filter.h netif.h output.h pcap.h pcapng.h sandbox.h show.h text.h zone.h
# What CFLAGS adds to: no unwind tables save 4.1 KB, no jump tables 2.6.
compile = -std=gnu11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-jump-tables
# What CFLAGS cannot take back: code and data in one segment's pages save 4.1 KB, no relocation table
# that is made read-only 3.7, no page of alignment before the data up to 4, a fixed address 0.4.
link = -fno-pie -static -no-pie \
	-Wl,--build-id=none,-z,norelro,-z,noseparate-code,-z,common-page-size=64

#: make             ./rawcap, static
all: $(PROGRAM)
$(PROGRAM): rawcap.c $(headers) Makefile | compiler
	$(CC) $(compile) $(CFLAGS) $(LDFLAGS) $(link) -o $@ rawcap.c
	$(STRIP) -s -R .comment $@
compiler: ; @echo 'int main(void) { return 0; }' | $(CC) $(CFLAGS) $(LDFLAGS) $(link) -x c -o /dev/null - || \
		{ echo '$(CC) makes no static program; install: musl-tools (or make CC=gcc and: libc6-dev, glibc-static)' >&2; exit 1; }
#: make demo        installs what it needs, builds, captures real traffic and shows it
demo:
	@sh test/install.sh test/packages.build test/packages.demo
	$(MAKE) all
	@test/demo.sh
#: make check       what the tests need, and all of them, QEMU included
check:
	@sh test/install.sh test/packages.build test/packages test/packages.parts test/packages.dist qemu/packages
	$(MAKE) all size
	$(MAKE) -j2 --output-sync=target check-program check-built
	$(MAKE) check-sanitized
# two halves side by side; the second builds compilers, files for all architectures, and kernels
check-program: ; bats --timing test/[1-7]*.bats
check-built: ; bats --timing test/[89]*.bats
#: make check-sanitized: the capture suites, with a program that stops at the first undefined step
check-sanitized:
	mkdir -p build
	gcc -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o build/rawcap-sanitized rawcap.c test/tools/sanitized.c
	ASAN_OPTIONS=detect_leaks=0 RAWCAP=build/rawcap-sanitized bats test/20-format.bats \
		test/30-capture.bats test/40-tail.bats test/57-until.bats
#: make check-qemu  the tests in booted kernels (ARCH="mips ...": there only);  make qemu: a shell there
#: 	with another kernel of Debian's: qemu/run.sh --kernel bullseye (5.10), trixie-backports (7.3) ...
check-qemu: ; qemu/run.sh $(ARCH)
qemu: ; qemu/run.sh --shell $(ARCH)
#: make dist        for every architecture, or ARCH="mips ...", into dist/;  make cpio: for an initramfs
dist: ; @qemu/dist.sh $(ARCH)
cpio: ; @qemu/dist.sh --cpio $(ARCH)
#: make lint size   what compilers and checkers say; how large it is
lint: ; @test/lint.sh
size: rawcap
	@size rawcap
	@bytes=$$(wc -c < rawcap); echo "$$bytes bytes of $(BUDGET)"; [ $$bytes -le $(BUDGET) ]
#: make fuzz        hostile input for MINUTES=10;  make soak: hours of use, the books balanced
fuzz:
	@sh test/install.sh test/packages.parts
	test/fuzz.sh $(MINUTES)
soak: all ; test/soak.sh $(MINUTES)
#: make bench       what a packet costs, beside other programs (BENCH=--full: all of it)
bench: all ; test/bench/run.sh $(BENCH)
#: make install     the program and its manual page;  make uninstall clean
install: all
	install -D -m 755 rawcap $(DESTDIR)$(BINDIR)/rawcap
	install -D -m 644 rawcap.8 $(DESTDIR)$(MANDIR)/man8/rawcap.8
uninstall: ; rm -f $(DESTDIR)$(BINDIR)/rawcap $(DESTDIR)$(MANDIR)/man8/rawcap.8
clean: ; rm -rf rawcap build dist
#: Variables: CC CFLAGS LDFLAGS CROSS_COMPILE STRIP PREFIX BINDIR MANDIR DESTDIR ARCH MINUTES BENCH
help: ; @sed -n 's/^#: *//p' Makefile

.PHONY: all compiler demo check check-program check-built check-sanitized check-qemu qemu dist cpio lint size fuzz soak bench install uninstall clean help
.DELETE_ON_ERROR:

# rawcap: one binary from one C file. Variables go on the command line or into config.mak.
-include config.mak

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC := $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,musl-gcc)
endif
STRIP ?= $(CROSS_COMPILE)strip
CFLAGS ?= -Oz
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
PROGRAM ?= rawcap
# bytes: what it has come to, so that it grows only by decision (the aim is 20480)
BUDGET ?= 42000

headers = filter.h netif.h pcap.h show.h
target := $(shell $(CC) -dumpmachine 2> /dev/null)
warnings = -Wall -Wextra -Wpedantic -Wconversion -Wshadow
# What CFLAGS adds to: no jump tables, no unwind tables and no alignment of the data segment to a page
# of the file; each is smaller so. crt1.o alone: main needs no constructors.
compile = -std=gnu11 $(warnings) -fno-pie -fomit-frame-pointer -fno-jump-tables -fno-caller-saves \
	-fconserve-stack -fno-tree-loop-im -fno-tree-sink -fno-tree-pta -fno-if-conversion \
	-fno-guess-branch-probability -fno-thread-jumps -fno-move-loop-invariants -fno-tree-loop-optimize \
	-ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector -fno-ident \
	$(if $(findstring x86_64,$(target)),-malign-data=abi)
link = -static -no-pie -nostartfiles -l:crt1.o \
	-Wl,--gc-sections,--build-id=none,-z,norelro,-z,noseparate-code,-z,common-page-size=64

all: $(PROGRAM)

$(PROGRAM): rawcap.c $(headers) Makefile
	$(CC) $(compile) $(CFLAGS) $(LDFLAGS) $(link) -o $@ rawcap.c
	$(STRIP) -s -R .comment $@

demo:
	@sh test/install.sh test/packages.build test/packages.demo
	$(MAKE) all
	@test/demo.sh

check:
	@sh test/install.sh test/packages.build test/packages test/packages.parts test/packages.dist qemu/packages
	$(MAKE) all size
	bats --timing test
	$(MAKE) check-sanitized

# the capture suites again, with a program that stops at the first undefined step
check-sanitized:
	mkdir -p build
	gcc -std=gnu11 -DHOSTED -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o build/rawcap-sanitized rawcap.c
	RAWCAP=build/rawcap-sanitized bats test/20-format.bats test/30-capture.bats test/40-tail.bats

# for every architecture in qemu/arch, into dist/
dist: ; @qemu/dist.sh
# and as archives to append to an initramfs
cpio: ; @qemu/dist.sh --cpio

# ARCH: on that machine only
check-qemu: ; qemu/run.sh $(ARCH)
qemu: ; qemu/run.sh --shell $(ARCH)

lint: ; @test/lint.sh

# every fuzzer for MINUTES
fuzz:
	@sh test/install.sh test/packages.parts
	test/fuzz.sh $(MINUTES)

size: rawcap
	@size rawcap
	@bytes=$$(wc -c < rawcap); echo "$$bytes bytes of $(BUDGET)"; [ $$bytes -le $(BUDGET) ]

bench: all ; test/bench/run.sh $(BENCH)

# hours of use in MINUTES: traffic, flaps, rotation, slow readers; the books must balance throughout
MINUTES ?= 10
soak: all ; test/soak.sh $(MINUTES)

install: all
	install -D -m 755 rawcap $(DESTDIR)$(BINDIR)/rawcap

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/rawcap

clean:
	rm -rf rawcap build dist

help:
	@echo 'make            ./rawcap, static'
	@echo 'make demo       what it needs, the build, a capture of real traffic shown'
	@echo 'make check      what the tests need, all tests, QEMU included'
	@echo 'make check-qemu the tests in booted kernels;  make qemu: a shell there (ARCH=x86_64 ...)'
	@echo 'make dist       for every architecture, into dist/;  make cpio: to append to an initramfs'
	@echo 'make soak       an endurance test, of MINUTES=$(MINUTES)'
	@echo 'make bench      what a packet costs, beside other programs (BENCH=--full: all of it)'
	@echo 'make lint size fuzz install uninstall clean'
	@echo 'CC=$(CC) CFLAGS=$(CFLAGS) LDFLAGS=$(LDFLAGS) CROSS_COMPILE=$(CROSS_COMPILE)'
	@echo 'PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'

.PHONY: all demo check check-sanitized dist cpio check-qemu qemu lint fuzz size bench soak install uninstall \
	clean help
.DELETE_ON_ERROR:

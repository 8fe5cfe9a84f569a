# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make deps      install what is missing, by package name (as root)
# make           build/memwatch
# make demo      a leaking Node service, and memwatch on it (as root; installs, builds)
# make test      unit tests (sanitized), then the real thing on this kernel (as root)
# make check     format, lint, layers, then test
# make test-kernels   other kernels, booted under QEMU
# make help      the rest
#
# V=1 shows commands. SANITIZE=1 and STATIC=1 are builds of their own, below build/. So is
# ARCH=arm64 on another machine: cross-built with the libraries that tests/kernels/sysroot.sh unpacks.

VERSION := 0.1.0

comma := ,
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')
MAKEFLAGS += --no-print-directory
# What takes minutes is built on all CPUs, unless make was told on how many.
ALL_CPUS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
ARCH := $(HOST_ARCH)
IS_CROSS := $(filter-out $(HOST_ARCH),$(ARCH))

BUILD ?= build
ifeq ($(SANITIZE),1)
BUILD := build/$(IS_CROSS:%=%-)sanitize
else ifeq ($(STATIC),1)
BUILD := build/$(IS_CROSS:%=%-)static
else ifneq ($(IS_CROSS),)
BUILD := build/$(ARCH)
endif

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
LLVM_STRIP ?= $(or $(shell command -v llvm-strip 2>/dev/null),$(lastword $(sort $(wildcard /usr/bin/llvm-strip-*))))
BPFTOOL ?= $(or $(wildcard /usr/sbin/bpftool),$(shell command -v bpftool 2>/dev/null),$(lastword $(sort $(wildcard /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool))))
PROTOC_C ?= protoc-c
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes \
	-Wpointer-arith -Wundef -Wvla
ifeq ($(CI),true)
WARNINGS += -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -DMEMWATCH_VERSION='"$(VERSION)"' -Iuser -Iinclude -I$(BUILD)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -fno-omit-frame-pointer $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS)
LDLIBS := -lbpf -lpthread -lelf -lz -liberty -ljson-c -lsqlite3 -lprotobuf-c -lncursesw -ltinfo -lm
ifeq ($(SANITIZE),1)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined
ALL_LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(STATIC),1)
ALL_LDFLAGS += -static
CPPFLAGS += -DMEMWATCH_STATIC
endif
ifneq ($(IS_CROSS),)
TRIPLET = $(or $(filter aarch64-linux-gnu,$(ARCH:arm64=aarch64-linux-gnu)),$(error ARCH=$(ARCH): only arm64 is cross-built))
SYSROOT ?= $(or $(MEMWATCH_SYSROOT),/var/cache/memwatch/sysroot)/$(ARCH)
CC = $(TRIPLET)-gcc -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(TRIPLET) \
	-L$(SYSROOT)/usr/lib/$(TRIPLET)
AR = $(TRIPLET)-ar
LDLIBS += -lzstd
# What runs the tests of another architecture; but not those that look at other processes, build
# programs to look at, or measure time: they need a guest, as those of BPF and end to end do.
NOT_EMULATED := base_background base_memreader census_capture census_image census_stop \
	cmd_watch_verdict sym_cfi sym_perf_map sym_symbolizer sym_symbols
export MEMWATCH_TEST_RUNNER := qemu-aarch64-static -L $(SYSROOT)
endif
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__bpf__ -D__TARGET_ARCH_$(ARCH) \
	-Wall -Wno-unused-function $(if $(filter true,$(CI)),-Werror) \
	-Ivmlinux/$(ARCH) -Iinclude -Ibpf

BPF_SRCS := $(wildcard bpf/*.bpf.c)
BPF_OBJS := $(BPF_SRCS:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)
SKELETON := $(BUILD)/memwatch.skel.h
USER_SRCS := $(wildcard user/*.c user/*/*.c)
PROFILE := $(BUILD)/profile.pb-c
USER_OBJS := $(USER_SRCS:user/%.c=$(BUILD)/user/%.o) $(PROFILE).o
LIB_OBJS := $(filter-out $(BUILD)/user/main.o,$(USER_OBJS))
LIB := $(BUILD)/memwatch.a
UNIT_SRCS := $(wildcard tests/unit/test_*.c)
HOST_SRCS := $(wildcard tests/host/test_*.c)
UNITS := $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/tests/unit/%) $(HOST_SRCS:tests/host/%.c=$(BUILD)/tests/host/%)
WORKLOAD_SRCS := $(wildcard tests/workloads/*.c)
WORKLOADS := $(WORKLOAD_SRCS:tests/workloads/%.c=$(BUILD)/tests/workloads/%)
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))
JSSTACK := $(BUILD)/tests/v8/jsstack
TRUTH_REPLAY := $(BUILD)/tests/truth/replay
RECORDER_DRIVE := $(BUILD)/tests/store/drive
KERNEL_TOOLS := $(patsubst tests/kernels/%.c,$(BUILD)/tests/kernels/%,$(wildcard tests/kernels/*.c))
E2E := $(sort $(wildcard tests/e2e/*.sh))
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
C_FILES := $(wildcard bpf/*.c bpf/*.h include/*/*.h user/*.c user/*/*.[ch] tests/*.h tests/*/*.[ch] tests/host/stub/*.h tests/host/stub/*/*.h)
SHELL_FILES := $(wildcard tests/*.sh tests/*/*.sh) .ci/run

.PHONY: all deps demo test test-programs unit units workloads e2e nodes matrix heap-matrix truth diff-matrix test-kernels guest-programs check format format-check lint layers bench \
	fuzz install uninstall clean help vmlinux types insns kernel-tools bpf-object
.DELETE_ON_ERROR:

all: $(BUILD)/memwatch

# --- the kernel side: each source apart, linked, stripped of DWARF, made into a skeleton ---

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/memwatch.bpf.o: $(BPF_OBJS)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/memwatch.bpf.o
	$(call say,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN */'; $(BPFTOOL) gen skeleton $< name memwatch_bpf; \
		echo '/* NOLINTEND */'; } > $@

# --- the user side ---

$(patsubst %,$(BUILD)/user/collect/%.o,session session_load session_attach): $(SKELETON)

$(BUILD)/user/%.o: user/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# pprof's format, as C.
$(PROFILE).c: user/output/profile.proto
	$(call say,PROTO,$<)
	@mkdir -p $(@D)
	$(Q)$(PROTOC_C) --proto_path=$(<D) --c_out=$(@D) $(<F)

$(PROFILE).h: $(PROFILE).c ;

$(PROFILE).o: $(PROFILE).c
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -w -MMD -MP -c $< -o $@

$(BUILD)/user/output/pprof.o: $(PROFILE).h

ifneq ($(IS_CROSS),)
$(USER_OBJS) $(UNITS) $(WORKLOADS): | $(SYSROOT)/packages

$(SYSROOT)/packages: tests/kernels/sysroot.sh
	$(call say,SYSROOT,$(@D))
	$(Q)tests/kernels/sysroot.sh $(ARCH) >/dev/null
	$(Q)touch $@
endif

# Files that are constants of the program (base/incbin.h), by what includes them.
$(BUILD)/user/store/recorder_file.o: user/store/recording.sql
$(BUILD)/user/output/html_page.o: user/output/page.css user/output/page.js
$(BUILD)/user/output/flame_svg.o: user/output/flame.js

$(BUILD)/memwatch: $(USER_OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ -o $@ $(LDLIBS)

# --- tests ---

# All but main(): of a library a program gets what it needs. All of it in each of a hundred, sanitized, was
# more than a gigabyte.
$(LIB): $(LIB_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) \
		-o $@ -lcmocka $(LDLIBS)

# BPF sources, natively, on stubs of the kernel's side.
$(BUILD)/tests/host/%: tests/host/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -Itests/host/stub -Itests -Iinclude -Ibpf -std=gnu11 $(WARNINGS) \
		-Wno-unused-function -Wno-undef -O1 -g $(if $(filter 1,$(SANITIZE)),-fsanitize=address$(comma)undefined) -MMD -MP \
		$< -o $@ -lcmocka

$(BUILD)/tests/workloads/%: tests/workloads/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 $(WARNINGS) -O2 -g -fno-omit-frame-pointer -pthread \
		-MMD -MP $(if $(filter 1,$(STATIC)),-static) $< -o $@ -lm

$(BUILD)/tests/bench/%: tests/bench/%.c $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) -o $@ $(LDLIBS)

# A tool of the tests: the walk of the BPF programs, on stubs, and the names of memwatch.
$(BUILD)/tests/v8/walk.o: tests/v8/walk.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -Itests/host/stub -Itests -Iinclude -Ibpf -std=gnu11 $(WARNINGS) \
		-Wno-unused-function -Wno-unused-parameter -Wno-undef -O2 -g -MMD -MP -c $< -o $@

$(JSSTACK): tests/v8/jsstack.c $(BUILD)/tests/v8/walk.o $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) -o $@ $(LDLIBS)

# A tool of the tests: the analysis of this build, on what memwatch has recorded.
$(TRUTH_REPLAY): tests/truth/replay.c $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) -o $@ $(LDLIBS)

# A tool of the tests: a recorder that can be killed, or be short of room.
$(RECORDER_DRIVE): tests/store/drive.c $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) -o $@ $(LDLIBS)

# Tools of the tests: BPF programs and the types of kernels.
$(BUILD)/tests/kernels/%: tests/kernels/%.c $(SKELETON) $(LIB)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) $(filter-out %.h,$^) -o $@ $(LDLIBS)

kernel-tools: $(KERNEL_TOOLS) $(BUILD)/memwatch.bpf.o
	$(Q)for arch in $(filter-out $(HOST_ARCH),x86 arm64); do \
		$(MAKE) ARCH=$$arch BUILD=build/$$arch bpf-object || exit; done

bpf-object: $(BUILD)/memwatch.bpf.o
	@:

# What shows hostile names, but on a terminal.
FUZZ_OUTPUT := $(filter-out user/output/tui%,$(wildcard user/output/*.c)) user/cmd/report_flame.c

build/fuzz/%: tests/fuzz/%.c $(filter-out user/main.c user/output/tui%.c user/collect/session%.c,$(USER_SRCS)) \
		$(PROFILE).c
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -D_GNU_SOURCE '-DMEMWATCH_VERSION="fuzz"' -Iuser -Iinclude -I$(BUILD) -Itests -Itests/unit -std=gnu11 -g -O1 \
		-fsanitize=fuzzer,address,undefined $< $(PROFILE).c \
		$(wildcard user/base/*.c user/model/*.c user/sym/*.c user/v8/*.c user/census/*.c \
		user/analysis/*.c user/store/*.c) $(FUZZ_OUTPUT) -o $@ -lelf -lz -liberty -ljson-c -lsqlite3 -lprotobuf-c -lm

unit: units
	$(Q)tests/run.sh $(if $(IS_CROSS),$(filter-out $(NOT_EMULATED:%=$(BUILD)/tests/unit/test_%),$(UNITS)),$(UNITS))

units: $(UNITS)

workloads: $(WORKLOADS)

e2e: all workloads $(JSSTACK) $(RECORDER_DRIVE)
	$(Q)MEMWATCH=$(BUILD)/memwatch tests/run.sh $(E2E)

# One runner for all, so that its summary is of all.
test: deps
	$(Q)$(MAKE) $(ALL_CPUS) test-programs
	$(Q)$(MAKE) $(ALL_CPUS) SANITIZE=1 units
	$(Q)MEMWATCH=$(BUILD)/memwatch tests/run.sh

test-programs: all workloads $(JSSTACK) $(RECORDER_DRIVE) kernel-tools

check: format-check lint layers test

# Node binaries of all supported versions, and which leak shapes are found on which.
nodes:
	$(Q)tests/node.sh

matrix: all nodes
	$(Q)tests/matrix/oracle.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/matrix/sites.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/matrix/ratio.sh

# Which leaks `memwatch heap` explains on which Node.
heap-matrix: all nodes
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/heap/matrix.sh

# Whether memwatch is right about leaks: make truth [NODES="12 22"] [ONLY="js-map c-*"] [REPLAY=1]
# With REPLAY nothing is run: the analysis of this build on what was recorded before.
truth: all workloads $(TRUTH_REPLAY)
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/truth/run.sh $(if $(REPLAY),--replay) $(ONLY)

# Whether diff is right, on pairs of programs: make diff-matrix [NODES="12 22"] [ONLY="map* c-*"] [REJUDGE=1]
# With REJUDGE what was recorded before is compared by this build, and only what is missing recorded.
diff-matrix: all workloads
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/truth/pairs.sh $(if $(REJUDGE),--rejudge) $(ONLY)

# The kernels that people have, booted: make test-kernels [KERNELS="5.10 6.1"|all] [ARCH=arm64]
test-kernels:
	$(Q)tests/deps.sh kernels$(if $(filter arm64,$(ARCH)),-arm64)
	$(Q)$(MAKE) $(ALL_CPUS) STATIC=1 guest-programs
	$(Q)ARCH=$(ARCH) BUILD=build/$(IS_CROSS:%=%-)static tests/kernels/run.sh $(KERNELS)
	$(if $(filter arm64,$(ARCH)),,$(Q)BUILD=build/static tests/kernels/power.sh)

guest-programs: all workloads $(BUILD)/tests/kernels/verify

bench: all workloads $(BENCHES)
	$(Q)MEMWATCH=$(BUILD)/memwatch tests/bench/run.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/bench/sites.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/bench/record.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/bench/heap.sh
	$(Q)MEMWATCH=$(BUILD)/memwatch BUILD=$(BUILD) tests/bench/recording.sh

FUZZ_SECONDS ?= 60
fuzz: $(FUZZERS)
	$(Q)tests/fuzz/corpus.sh build/fuzz/corpus
	$(Q)for f in $(FUZZERS); do echo "$$f"; mkdir -p "build/fuzz/corpus/$${f##*/}"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=60 -artifact_prefix=build/fuzz/ \
			"build/fuzz/corpus/$${f##*/}" || exit 1; done

demo: deps all workloads
	$(Q)MEMWATCH=$(BUILD)/memwatch tests/demo.sh

# --- keeping it in order ---

format:
	$(Q)$(CLANG_FORMAT) -i $(C_FILES)

format-check:
	$(call say,FORMAT,$(words $(C_FILES)) files)
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

layers:
	$(call say,LAYERS,user/)
	$(Q)tests/layers.sh

lint: $(SKELETON) $(PROFILE).h
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(USER_SRCS) | xargs -P "$$(nproc)" -I{} \
		$(CLANG_TIDY) --quiet --warnings-as-errors='*' {} -- $(CPPFLAGS) -std=gnu11
	$(call say,LINT,cppcheck)
	$(Q)cppcheck -j "$$(nproc)" --quiet --error-exitcode=1 --inline-suppr --std=c11 \
		--enable=warning,portability --suppress=missingInclude -Iuser -Iinclude \
		'-DLIBBPF_OPTS(type,name,...)=struct type name = {0}' \
		'-Dbpf_object__for_each_program(p,o)=while (next(&p, o))' \
		'-Dbpf_object__for_each_map(m,o)=while (next(&m, o))' user
	$(call say,LINT,shellcheck)
	$(Q)shellcheck -x -P SCRIPTDIR $(SHELL_FILES)
	$(call say,LINT,man page)
	$(Q)mandoc -T lint -W warning user/share/memwatch.8

vmlinux:
	$(Q)vmlinux/generate.sh

# Of each kernel in tests/kernels/types/KERNELS, the types that memwatch asks for; also of those in
# ADD="x86-6.20".
types: kernel-tools
	$(Q)BUILD=$(BUILD) tests/kernels/store.sh $(ADD)

# Instructions of the BPF programs on this kernel, beside the baseline; with RENEW=1 they become it.
insns: kernel-tools
	$(Q)BUILD=$(BUILD) tests/kernels/insns.sh $(if $(RENEW),--renew)

# --- installing ---

install: all
	install -D -m 0755 $(BUILD)/memwatch $(DESTDIR)$(SBINDIR)/memwatch
	install -D -m 0644 user/share/memwatch.8 $(DESTDIR)$(MANDIR)/man8/memwatch.8
	install -D -m 0644 user/share/memwatch.bash $(DESTDIR)$(BASHCOMPDIR)/memwatch
	install -D -m 0644 user/share/_memwatch $(DESTDIR)$(ZSHCOMPDIR)/_memwatch

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/memwatch $(DESTDIR)$(MANDIR)/man8/memwatch.8 \
		$(DESTDIR)$(BASHCOMPDIR)/memwatch $(DESTDIR)$(ZSHCOMPDIR)/_memwatch

deps:
	$(Q)tests/deps.sh

clean:
	rm -rf build

help:
	@sed -n '/^# make/,/^$$/s/^# \{0,1\}//p' Makefile
	@echo "nodes matrix heap-matrix truth diff-matrix bench fuzz format format-check lint layers unit e2e install uninstall vmlinux types insns clean"

-include $(BPF_OBJS:.o=.d) $(KERNEL_TOOLS:=.d) $(USER_OBJS:.o=.d) $(UNITS:=.d) $(WORKLOADS:=.d) $(BENCHES:=.d) $(JSSTACK:=.d) $(TRUTH_REPLAY:=.d) $(RECORDER_DRIVE:=.d) $(BUILD)/tests/v8/walk.d

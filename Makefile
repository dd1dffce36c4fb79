# vecstore: vector collections with upsert semantics for PostgreSQL.
#
# This file is the one door to everything.
#
# `make`, `make install`, `make installcheck`, `make clean` are plain PGXS: they
# take PG_CONFIG, DESTDIR and VPATH as every extension does.
#
# All other goals (`make help` lists them) need nothing but make and bash: they
# hand over to test/run/, which installs the system packages that are missing
# and works on a private copy of PostgreSQL under build/.

DOOR_GOALS = help bootstrap demo \
	check check-lint check-unit check-regress check-pgtap check-isolation check-tap check-clients \
	check-cassert check-core check-matrix \
	lint format fuzz charts \
	bench bench-kernels bench-table bench-ann bench-upsert

ifneq ($(filter $(DOOR_GOALS),$(MAKECMDGOALS)),)

.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)

# Goals of both kinds in one command keep their order.
$(filter-out $(DOOR_GOALS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

$(filter $(DOOR_GOALS),$(MAKECMDGOALS)):
	@test/run/door $@

else

EXTENSION = vecstore
EXTVERSION = 0.1.0
MODULE_big = vecstore

# The source tree, seen from the directory that is built in (VPATH builds).
tree := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))

SOURCES = $(patsubst $(tree)/%,%,$(tree)/src/vecstore.c $(sort $(wildcard $(tree)/src/*/*.c $(tree)/src/*/*/*.c)))
OBJS = $(SOURCES:.c=.o)

DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
SQL_PARTS = $(sort $(wildcard $(tree)/sql/parts/*.sql))
# Both types of dense vectors are made from one file.
SQL_DENSE = $(tree)/sql/parts/10-dense.sql.in
dense = sed -e 's/@type@/$(1)/g' -e 's/@precision@/$(2)/g' -e 's/@elements@/$(3)/g' -e 's/@norm@/$(4)/g' $(SQL_DENSE)
# upgrade scripts, when there are any
DATA = $(patsubst $(tree)/%,%,$(sort $(wildcard $(tree)/sql/$(EXTENSION)--*--*.sql)))

REGRESS = $(sort $(patsubst $(tree)/sql/%.sql,%,$(filter-out $(tree)/sql/$(EXTENSION)--%,$(wildcard $(tree)/sql/*.sql))))
REGRESS_OPTS = --inputdir=$(tree) --load-extension=$(EXTENSION)

# PGDLLEXPORT is empty in PostgreSQL 15, and would leave even _PG_init hidden.
PG_CPPFLAGS = -I$(tree)/src -DVS_VERSION='"$(EXTVERSION)"' '-DPGDLLEXPORT=__attribute__((visibility("default")))'
# Only the compiler of the objects writes dependencies: clang's, for bitcode, would go to the same file.
PG_CFLAGS = -fvisibility=hidden -MMD -MP $(if $(WERROR),$(LINT_CFLAGS))
LINT_CFLAGS = -Werror -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = -lm
EXTRA_CLEAN = $(OBJS:.o=.d)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifneq ($(tree),.)
# Only sources are looked up in the source tree: VPATH would also find the
# objects of a build made there, perhaps for another PostgreSQL.
override srcdir := $(tree)
override VPATH :=
vpath %.c $(tree)
vpath %.control $(tree)
$(shell mkdir -p sql $(sort $(dir $(OBJS))))
endif

# PGXS knows no header dependencies.
$(OBJS:.o=.bc): %.bc: %.o
-include $(OBJS:.o=.d)

sql/$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS) $(SQL_DENSE)
	{ cat $(filter $(tree)/sql/parts/0%,$(SQL_PARTS)) && \
	$(call dense,vector,single,float4,vector_norm) && \
	$(call dense,halfvec,half,IEEE half,l2_norm) && \
	cat $(filter-out $(tree)/sql/parts/0%,$(SQL_PARTS)); } > $@

endif

# vecstore: vector collections with upsert semantics for PostgreSQL.
#
# `make demo` and `make check` need nothing but git and make: they install the
# system packages that are missing, build, and use a private server under build/.
# `make` and `make install` are plain PGXS and take PG_CONFIG.

EXTENSION = vecstore
EXTVERSION = 0.1.0
MODULE_big = vecstore

SOURCES = src/vecstore.c $(sort $(wildcard src/*/*.c))
VS_HEADERS = $(sort $(wildcard src/*/*.h))
OBJS = $(SOURCES:.c=.o)

DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
SQL_PARTS = $(sort $(wildcard sql/parts/*.sql))

REGRESS = $(sort $(patsubst sql/%.sql,%,$(filter-out sql/$(EXTENSION)--%,$(wildcard sql/*.sql))))
REGRESS_OPTS = --load-extension=$(EXTENSION)

PG_CPPFLAGS = -I$(srcdir)/src -DVS_VERSION='"$(EXTVERSION)"' '-DPGDLLEXPORT=__attribute__((visibility("default")))'
PG_CFLAGS = -fvisibility=hidden
SHLIB_LINK = -lm
EXTRA_CLEAN = sql/$(EXTENSION)--$(EXTVERSION).sql

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(VS_HEADERS)

sql/$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $^ > $@

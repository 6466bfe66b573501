EXTENSION = athar
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" athar.control)

# One file, one concept; a file may include only headers named before it.
MODULE_big = athar
OBJS = \
	src/error.o \
	src/target.o \
	src/athar.o

STATE = $(sort $(wildcard sql/state/*.sql))
CODE = $(sort $(wildcard sql/code/*.sql))

DATA_built = athar--$(EXTVERSION).sql

TESTS = $(sort $(wildcard test/sql/*.sql))
REGRESS = $(patsubst test/sql/%.sql,%,$(TESTS))
REGRESS_OPTS = --inputdir=test --load-extension=athar
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=athar
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
EXTRA_CLEAN = athar--*.sql

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS does not track headers.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h)

athar--$(EXTVERSION).sql: sql/prologue.sql $(STATE) $(CODE)
	cat $^ > $@

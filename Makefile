EXTENSION = athar
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" athar.control)

# One file, one concept; a file may include only headers named before it.
MODULE_big = athar
OBJS = \
	src/error.o \
	src/json_value.o \
	src/sha256.o \
	src/digest.o \
	src/moments.o \
	src/summary.o \
	src/summary_state.o \
	src/summary_functions.o \
	src/summary_io.o \
	src/student.o \
	src/figures.o \
	src/evidence.o \
	src/interval.o \
	src/keyed.o \
	src/sides.o \
	src/matched.o \
	src/differences.o \
	src/trend.o \
	src/rank.o \
	src/least_squares.o \
	src/series.o \
	src/series_functions.o \
	src/target.o \
	src/target_io.o \
	src/indexing.o \
	src/buffer.o \
	src/catalog.o \
	src/statement.o \
	src/reference.o \
	src/context.o \
	src/image.o \
	src/shape.o \
	src/value.o \
	src/entry.o \
	src/keymap.o \
	src/trail.o \
	src/mark.o \
	src/definition.o \
	src/amendment.o \
	src/tracking.o \
	src/mapping.o \
	src/equip.o \
	src/unchanged.o \
	src/move.o \
	src/capture.o \
	src/baseline.o \
	src/dropped.o \
	src/track.o \
	src/ddl.o \
	src/history.o \
	src/row_history.o \
	src/field_history.o \
	src/replay.o \
	src/horizon.o \
	src/asof.o \
	src/status.o \
	src/undo_link.o \
	src/undo.o \
	src/undo_steps.o \
	src/undo_find.o \
	src/undo_check.o \
	src/undo_write.o \
	src/merkle.o \
	src/tile.o \
	src/batch.o \
	src/leaf.o \
	src/archive.o \
	src/proof.o \
	src/export.o \
	src/seal.o \
	src/walk.o \
	src/verify.o \
	src/retention.o \
	src/day.o \
	src/queue.o \
	src/unseen.o \
	src/source.o \
	src/watch.o \
	src/collect.o \
	src/daily.o \
	src/attach.o \
	src/refresh.o \
	src/kpi.o \
	src/suppression.o \
	src/order.o \
	src/fold.o \
	src/json_same.o \
	src/json_tree.o \
	src/json_pointer.o \
	src/json_patch.o \
	src/json_diff.o \
	src/json_merge.o \
	src/json_list.o \
	src/json_references.o \
	src/json_answer.o \
	src/plan_items.o \
	src/plan_check.o \
	src/plan_commit.o \
	src/plan_save.o \
	src/effect.o \
	src/network.o \
	src/gate.o \
	src/describe.o \
	src/okr.o \
	src/access.o \
	src/athar.o

STATE = $(sort $(wildcard sql/state/*.sql))
CODE = $(sort $(wildcard sql/code/*.sql))

# Released versions: how to create them, and the way from each to this one.
RELEASED = $(filter-out sql/release/athar--$(EXTVERSION).sql,$(wildcard sql/release/athar--*.sql))
UPGRADES = $(patsubst sql/release/athar--%.sql,athar--%--$(EXTVERSION).sql,$(RELEASED))

DATA = $(RELEASED)
DATA_built = athar--$(EXTVERSION).sql $(UPGRADES)

REGRESS := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=athar
ISOLATION := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=athar
# These start servers of their own, which root may not.
TAP_TESTS := $(filter-out 0,$(shell id -u))
PROVE_TESTS := $(sort $(wildcard test/t/*.pl))

PG_CPPFLAGS = $(shell pkg-config --cflags libcjson)
SHLIB_LINK = $(shell pkg-config --libs libcjson)
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
EXTRA_CLEAN = athar--*.sql athar-*.zip output_iso tmp_check

PG_CONFIG ?= pg_config
export PG_CONFIG
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else
all install installcheck:
	$(error The headers of a PostgreSQL server are missing: script/install_packages installs them; PG_CONFIG=... names another server)
endif

# PGXS does not track headers.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h)

athar--$(EXTVERSION).sql: sql/prologue.sql $(STATE) $(CODE)
	cat $^ > $@

$(UPGRADES): athar--%--$(EXTVERSION).sql: script/upgrade_script sql/prologue.sql $(wildcard sql/update/*.sql) $(CODE)
	script/upgrade_script $* > $@ || { rm -f $@; exit 1; }

# The project's own commands.
.PHONY: demo test bench pgtap reference format check-format dist
demo:
	demo/run
test:
	script/run_tests
bench:
	script/run_benches
# Beside a running server, as installcheck.
pgtap:
	script/run_pgtap $(PROVE_FLAGS)
# From the catalog of a fresh build.
reference:
	script/with_install script/with_cluster script/reference >doc/reference.new || { rm -f doc/reference.new; exit 1; }
	mv doc/reference.new doc/reference.md
format:
	script/format
check-format:
	prove test/source/layout.pl
dist:
	git archive --format=zip --prefix=athar-$(EXTVERSION)/ -o athar-$(EXTVERSION).zip HEAD

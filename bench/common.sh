# common.sh: what the benchmarks share.  Sourced by them, not run.
#
# A benchmark works in a database of its own in the cluster that the PG*
# variables name, as a superuser, on the machine that runs the server.  Every
# figure is a ratio to a baseline of the same run: candidate and baseline take
# turns in rounds, each round gives one ratio, and the median is printed.  The
# cost is the CPU time of the backend, which a busy machine disturbs less than
# it does the clock; the ratio by the clock is printed beside it.
#
#   ROUNDS=N  rounds (3)

ROUNDS=${ROUNDS:-3}
name=${0##*/}
export PGDATABASE_BEFORE=${PGDATABASE:-postgres} PGDATABASE=athar_bench_$name
export PGOPTIONS="-c client_min_messages=warning -c jit=off -c synchronous_commit=off -c work_mem=1GB -c max_parallel_workers_per_gather=0 ${PGOPTIONS:-}"
SECONDS=0

say() { printf '%4d s  %s\n' $SECONDS "$*" >&2; }

# Run the SQL on standard input in one session; only what is asked for is printed.
sql() { psql -X -qAt -v ON_ERROR_STOP=1 "$@"; }

finish() {
	local status=$?
	trap - EXIT
	rm -rf "$files"
	psql -X -q -d "$PGDATABASE_BEFORE" -c "DROP DATABASE IF EXISTS $PGDATABASE WITH (FORCE)" 2>/dev/null
	exit $status
}

# Make the database, and in it the stop watch.
begin() {
	files=$(mktemp -d)
	trap finish EXIT
	trap 'exit 130' INT TERM HUP
	say "database $PGDATABASE; every shared buffer is used once, lest the rounds pay for new memory"
	psql -X -q -d "$PGDATABASE_BEFORE" -c "DROP DATABASE IF EXISTS $PGDATABASE" -c "CREATE DATABASE $PGDATABASE"
	sql <<'SQL'
CREATE UNLOGGED TABLE page (filler text);
ALTER TABLE page ALTER filler SET STORAGE PLAIN;
INSERT INTO page SELECT repeat('-', 8000) FROM generate_series(1, least(262144, (SELECT setting::integer FROM pg_settings WHERE name = 'shared_buffers')));
DROP TABLE page;
SQL
	postmaster=$(sql <<<"SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
	sql <<'SQL'
CREATE EXTENSION athar;
CREATE SCHEMA bench;
CREATE UNLOGGED TABLE bench.result (work text, candidate text, round integer, cpu double precision, wall double precision);
CREATE UNLOGGED TABLE bench.line (ordinal serial, work text, candidate text, baseline text, at_most text, scale double precision);
CREATE UNLOGGED TABLE bench.size (work text, candidate text, round integer, bytes double precision, unit text DEFAULT 'B');
-- The kernel brings the figure up to date when the process leaves the CPU.
CREATE FUNCTION bench.cpu() RETURNS double precision LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM pg_sleep(0.001);
	RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e6;
END $$;
CREATE FUNCTION bench.start() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM set_config('bench.cpu', bench.cpu()::text, false);
	PERFORM set_config('bench.wall', extract(epoch FROM clock_timestamp())::text, false);
END $$;
CREATE FUNCTION bench.stop(work text, candidate text, round integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	wall double precision := extract(epoch FROM clock_timestamp());
	cpu double precision := bench.cpu();
BEGIN
	INSERT INTO bench.result VALUES (work, candidate, round, cpu - current_setting('bench.cpu')::double precision,
		1000 * (wall - current_setting('bench.wall')::double precision));
END $$;
SQL
}

# installed EXTENSION: put a competitor into the database; false, and said so,
# where the server has none.
installed() {
	if [ -z "$(sql <<<"SELECT name FROM pg_available_extensions WHERE name = '$1'")" ]; then
		say "$1 is not installed and left out; script/install_packages bench installs it"
		return 1
	fi
	sql <<<"CREATE EXTENSION $1 CASCADE"
}

# measure WORK CANDIDATE ROUND STATEMENTS: SQL that runs the statements between
# two looks at the clocks of its session.
measure() {
	printf '%s\n' "SELECT bench.start() \\g /dev/null" '\o /dev/null' "$4" '\o' "SELECT bench.stop('$1', '$2', $3) \\g /dev/null"
}

# CPU milliseconds of the server's processes that have ended.
ended_cpu() {
	local stat
	sleep 0.2
	read -r -a stat < <(sed 's/.*) //' "/proc/$postmaster/stat")
	echo $(((stat[13] + stat[14]) * 1000 / $(getconf CLK_TCK)))
}

# measure_clients WORK CANDIDATE ROUND ARG...: run pgbench with the script on
# standard input; the CPU time is that of all its backends.
measure_clients() {
	local work=$1 candidate=$2 round=$3 cpu wall
	shift 3
	cat >"$files/script"
	cpu=$(ended_cpu) wall=$(date +%s%N)
	pgbench -n -M prepared -f "$files/script" "$@" >"$files/pgbench" 2>&1 || { cat "$files/pgbench" >&2; return 1; }
	wall=$((($(date +%s%N) - wall) / 1000000))
	cpu=$(($(ended_cpu) - cpu))
	sql <<<"INSERT INTO bench.result VALUES ('$work', '$candidate', $round, $cpu, $wall)"
}

# line WORK CANDIDATE BASELINE [AT_MOST [SCALE]]: a line of the table to be
# printed: the cost of the work by the candidate, in times that of the
# baseline (WORK or WORK/CANDIDATE; - for what bench.size holds) times SCALE.
line() {
	sql <<<"INSERT INTO bench.line (work, candidate, baseline, at_most, scale) VALUES ('$1', '$2', '$3', '${4:-}', ${5:-1})"
}

# Print the table under a title.
report() {
	echo
	psql -X -q -v ON_ERROR_STOP=1 -P footer=off -P title="$1" <<'SQL'
WITH ratio AS (
	SELECT l.ordinal,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY c.cpu / nullif(b.cpu * l.scale, 0)) AS cpu,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY c.wall / nullif(b.wall * l.scale, 0)) AS wall,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY c.cpu) AS own
	FROM bench.line AS l
	JOIN bench.result AS c ON c.work = l.work AND c.candidate = l.candidate
	JOIN bench.result AS b ON b.round = c.round
		AND b.work = CASE WHEN l.baseline LIKE '%/%' THEN split_part(l.baseline, '/', 1) ELSE l.work END
		AND b.candidate = CASE WHEN l.baseline LIKE '%/%' THEN split_part(l.baseline, '/', 2) ELSE l.baseline END
	WHERE l.baseline <> '-'
	GROUP BY l.ordinal
), size AS (
	SELECT l.ordinal, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.bytes) AS bytes, min(s.unit) AS unit
	FROM bench.line AS l
	JOIN bench.size AS s USING (work, candidate)
	WHERE l.baseline = '-'
	GROUP BY l.ordinal
), shown AS (
	SELECT l.*, r.own, round(s.bytes::numeric, CASE WHEN s.unit = 'B' THEN 0 ELSE 1 END) || ' ' || s.unit AS size,
		CASE WHEN r.cpu < 0.1 THEN '1/' || round((1 / r.cpu)::numeric) ELSE round(r.cpu::numeric, 2)::text END AS cpu,
		CASE WHEN r.wall < 0.1 THEN '1/' || round((1 / r.wall)::numeric) ELSE round(r.wall::numeric, 2)::text END AS wall
	FROM bench.line AS l
	LEFT JOIN ratio AS r USING (ordinal)
	LEFT JOIN size AS s USING (ordinal)
)
SELECT
	work,
	candidate,
	CASE WHEN baseline <> '-' THEN replace(baseline, '/', ', ') END AS "against",
	coalesce(cpu, size) AS "CPU",
	at_most AS "at most",
	wall AS "clock",
	to_char(own, 'FM999999990.0') AS "CPU ms"
FROM shown
ORDER BY ordinal;
SQL
}

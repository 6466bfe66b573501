-- capture: what tests of the capture share

CREATE SCHEMA app;

-- The entries of a table after an id, compactly.
CREATE FUNCTION pg_temp.entries(relation text, after bigint DEFAULT 0)
RETURNS TABLE (operation text, row_key jsonb, old_values jsonb, new_values jsonb) LANGUAGE SQL AS $$
	SELECT c.operation, c.row_key, c.old_values, c.new_values
	FROM athar.change_log AS c
	WHERE c.relation = entries.relation AND c.entry_id > after
	ORDER BY c.entry_id
$$;
CREATE FUNCTION pg_temp.last_id() RETURNS bigint LANGUAGE SQL AS $$SELECT coalesce(max(id), 0) FROM athar.log_entry$$;

-- Each state of a table at a mark, as text, and what the log makes of it.
CREATE TEMP TABLE kept (mark bigint, at timestamptz, relation text, r text);
CREATE FUNCTION pg_temp.keep(VARIADIC relations text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	mark bigint := athar.create_mark('kept ' || relations::text);
	relation text;
BEGIN
	FOREACH relation IN ARRAY relations LOOP
		EXECUTE format('INSERT INTO kept SELECT %s, m.at, %L, x::text FROM athar.mark AS m LEFT JOIN %s AS x ON true WHERE m.id = %1$s',
			mark, relation, relation);
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.rebuilt()
RETURNS TABLE (mark bigint, at timestamptz, relation text, r text) LANGUAGE plpgsql AS $$
DECLARE
	state record;
BEGIN
	FOR state IN SELECT DISTINCT k.mark, k.at, k.relation FROM kept AS k LOOP
		RETURN QUERY EXECUTE format('SELECT %s::bigint, m.at, %L::text, x::text FROM (SELECT %L::timestamptz AS at) AS m LEFT JOIN athar.as_of(NULL::%s, %3$L) AS x ON true',
			state.mark, state.relation, state.at, state.relation);
	END LOOP;
END
$$;

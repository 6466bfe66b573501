-- 99 public: nobody has anything that grant_access() did not give

-- PostgreSQL gives EXECUTE on every new routine to everybody. What is granted
-- to roles stays as it is when an upgrade runs this again.
REVOKE ALL ON ALL ROUTINES IN SCHEMA athar FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA athar FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA athar FROM PUBLIC;
REVOKE ALL ON SCHEMA athar FROM PUBLIC;

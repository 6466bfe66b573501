-- access: what a person reads when a level is refused
CREATE ROLE regress_athar_clerk;
SELECT athar.grant_access('regress_athar_clerk', 'owner');
SELECT athar.grant_access(NULL, 'read');
SELECT athar.grant_access('regress_athar_clerk', 'audit', 'ministry');
SELECT athar.grant_access('regress_athar_clerk', 'read', 'ministry');
SELECT athar.grant_access('-', 'read');
SELECT athar.grant_access('regress_athar_clerk', 'administer');
SET ROLE regress_athar_clerk;
SELECT athar.grant_access('regress_athar_clerk', 'audit');
RESET ROLE;
-- and what stands on record
SELECT role_name, level, unit, does_role_exist FROM athar.access_grants;
SELECT athar.revoke_access('regress_athar_clerk', 'administer');
DROP ROLE regress_athar_clerk;
-- a role that is gone, as after a restore into another cluster
INSERT INTO athar.access_grant (role_name, level) VALUES ('regress_athar_gone', 'read');
SELECT athar.apply_access_grants();
SELECT athar.apply_access_grants(forget_missing => true);
SELECT role_name FROM athar.access_grants;

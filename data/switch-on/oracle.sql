-- Oracle unified auditing for order 52/НҚ, Annex 4, paragraphs 9.1-9.3, 10, 11-14. Run as SYSDBA; 12c and later.
-- 9.1 sessions, good and bad
CREATE AUDIT POLICY qorgan_session ACTIONS LOGON, LOGOFF;
AUDIT POLICY qorgan_session;
-- 9.3 grants
CREATE AUDIT POLICY qorgan_grant ACTIONS GRANT, REVOKE, CREATE ROLE, DROP ROLE, ALTER USER, CREATE USER, DROP USER;
AUDIT POLICY qorgan_grant;
-- 9.2 every act of administrators: name them
CREATE AUDIT POLICY qorgan_admin ACTIONS ALL;
AUDIT POLICY qorgan_admin BY sys, system;
-- one line a record, to syslog (then restart); the object's name is in it (10.5)
ALTER SYSTEM SET unified_audit_systemlog = 'LOCAL5.INFO' SCOPE = SPFILE;
ALTER SYSTEM SET audit_sys_operations = TRUE SCOPE = SPFILE;

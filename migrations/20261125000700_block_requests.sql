-- A stop can be asked for while its target is only slowed down: what waits for a second person stands beside what is in force.
DROP INDEX blocks_one_a_target;
CREATE UNIQUE INDEX blocks_one_in_force ON blocks
    (organization_id, coalesce(admin_key_id, project_id, api_key_id)) WHERE status = 'active';
CREATE UNIQUE INDEX blocks_one_waiting ON blocks
    (organization_id, coalesce(admin_key_id, project_id, api_key_id)) WHERE status = 'requested';

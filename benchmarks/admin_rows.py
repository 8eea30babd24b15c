"""The entries of the benchmark of the admin, made by PostgreSQL: by far the fastest way."""

INSERT = """
INSERT INTO django_authaudit_auditlog (
    id, event, outcome, created_at, user_id, username, email, actor_id, actor_username,
    ip_address, user_agent, session_ref, request_id, method, path, metadata,
    writer, sequence, salt, leaf, signature
)
SELECT
    -- A UUIDv7 of that millisecond.
    (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0')
        || '8' || substr(md5(n::text), 1, 15))::uuid,
    event,
    CASE WHEN refused THEN 'failure' ELSE 'success' END,
    to_timestamp(ms / 1000.0),
    person,
    'user' || person,
    'user' || person || '@example.com',
    CASE WHEN NOT anonymous THEN person END,
    CASE WHEN anonymous THEN '' ELSE 'user' || person END,
    ('10.' || person / 250 %% 200 || '.' || person %% 250 || '.' || n %% 4 + 1)::inet,
    'Mozilla/5.0 (X11; Linux x86_64; rv:' || 120 + n %% 20 || '.0) Gecko/20100101 Firefox/140.0',
    md5('session' || person || '.' || n / 100000),
    md5('request' || n),
    'POST',
    '/accounts/login/',
    CASE
        WHEN event = 'auth.login.failure' THEN '{"reason": "invalid_password"}'::jsonb
        WHEN event = 'authz.role.granted'
            THEN '{"role": {"kind": "group", "name": "editors"}}'::jsonb
        ELSE '{}'::jsonb
    END,
    '00000000-0000-0000-0000-000000000001'::uuid, n, md5('salt' || n), '', ''
FROM (
    SELECT
        n, ms, person, event,
        event IN ('auth.login.failure', 'auth.account_locked', 'authz.forbidden') AS refused,
        event IN ('auth.login.failure', 'auth.account_locked') AS anonymous
    FROM (
        SELECT
            n,
            -- Ninety days that end now.
            (extract(epoch FROM now()) * 1000)::bigint
                - (%(total)s - n) * (90 * 86400000::bigint / %(total)s) AS ms,
            -- Few people do most; one did nothing but the first hundredth.
            CASE
                WHEN n <= %(total)s / 100 THEN 900000
                ELSE 1 + floor(20000 * power(random(), 4))::int
            END AS person,
            CASE
                WHEN n <= %(total)s / 200 THEN 'authz.group.created'
                WHEN chance < 0.45 THEN 'auth.login.success'
                WHEN chance < 0.75 THEN 'auth.login.failure'
                WHEN chance < 0.92 THEN 'auth.logout'
                WHEN chance < 0.97 THEN 'authz.forbidden'
                WHEN chance < 0.98 THEN 'auth.account_locked'
                WHEN chance < 0.999 THEN 'auth.password.changed'
                ELSE 'authz.role.granted'
            END AS event
        FROM (
            SELECT n, random() AS chance
            FROM generate_series(%(first)s::bigint, %(first)s + %(rows)s - 1) AS n
        ) AS numbers
    ) AS drawn
) AS judged
"""
"""Parameters: how many `rows`, numbered from `first`; `total` rows make ninety days."""

"""The triggers of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django_authaudit.hardening.base import (
    DELETE,
    MESSAGE,
    PREFIX,
    TRUNCATE,
    UPDATE,
    Guard,
    name_of,
)


class PostgreSQLGuard(Guard):
    """Row triggers, which partitions inherit; a table without rows may be truncated."""

    def create(self, table: str, key: str) -> None:
        """Make one function, and a trigger for each operation."""
        function = f"{PREFIX}_refuse"
        self.run(
            f"""
            CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                found boolean := TRUE;
            BEGIN
                IF TG_OP = 'TRUNCATE' THEN
                    EXECUTE format('SELECT EXISTS (TABLE %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
                    INTO found;
                END IF;
                IF found THEN
                    RAISE EXCEPTION '{MESSAGE} (% on %)', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = 'insufficient_privilege';
                END IF;
                RETURN NULL;
            END $$
            """,
            *(
                f"""
                CREATE TRIGGER "{name_of(operation, table)}" BEFORE {operation} ON "{table}"
                FOR EACH ROW
                WHEN (current_setting('{PREFIX}.permits', TRUE) IS DISTINCT FROM '{operation}')
                EXECUTE FUNCTION {function}()
                """
                for operation in (UPDATE, DELETE)
            ),
            f"""
            CREATE TRIGGER "{name_of(TRUNCATE, table)}" BEFORE TRUNCATE ON "{table}"
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()
            """,
        )

    def drop(self, table: str) -> None:
        """Leave the function: a table that another schema has may use it."""
        self.run(
            *(
                f'DROP TRIGGER IF EXISTS "{name_of(operation, table)}" ON "{table}"'
                for operation in self.operations
            )
        )

    def refused(self, table: str) -> set[str]:
        """Ask for triggers that are not switched off."""
        found = self.names(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled <> 'D'",
            f'"{table}"',
        )
        return {operation for operation in self.operations if name_of(operation, table) in found}

    @contextmanager
    def permitted(self, operation: str) -> Iterator[None]:
        """Set a variable; a rollback resets it."""
        self.run(f"SET LOCAL {PREFIX}.permits = '{operation}'")
        yield
        self.run(f"SET LOCAL {PREFIX}.permits = ''")

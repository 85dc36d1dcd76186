"""Database engine, schema, migrations."""

"""Tables, their set statements, migrations, invariants: everything that touches PostgreSQL."""

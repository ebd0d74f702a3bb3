"""The store: one SQLite file. `schema` makes it, `connection` opens it, the others speak for a room.

Writers are the door (`arrivals`), the desk (`ledger`, `outbox`) and commands; each write is one
BEGIN IMMEDIATE ... COMMIT. Nothing outside of this folder knows SQL.
"""

"""The doors approved requests come in by: CSV, XLSX and JSONL.

`schema` says what a request is, the readers turn rows into it, `report` says what is wrong with the others.
Called by `tasks.intake`, which stores; nothing here touches the database.
"""

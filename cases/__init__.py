"""The case book: what a case is, what may happen to it, who may do it, by when; routing; the learning loop's records.

Knows no Flask, no WeChat and no RQ. The rules are plain functions (`workflow`, `limits`, `routing`, `places`,
`access`, `numbers`); SQLAlchemy stays in `storage`; the use cases between them are `intake`, `handling`, `city`,
`accounts` and `exchange`.
"""

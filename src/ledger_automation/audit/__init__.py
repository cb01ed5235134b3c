"""The audit event: what is written down of a step, its one canonical form, and its replay through the law."""

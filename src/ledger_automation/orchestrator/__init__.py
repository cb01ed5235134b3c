"""The use cases, one module each: apply and record, sequence, anchor, receipt, audit, query."""

"""The transparency log as others see it: signed checkpoints, receipts, and the case map's root."""

"""Whether a chain is worth it: the demonstration that shows everything once, and the tamperings it is judged by."""

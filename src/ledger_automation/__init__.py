"""Administrative cases in a verifiable log that a chain witnesses; see ARCHITECTURE.md."""

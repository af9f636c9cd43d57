"""Messages to registrations: transactions, attempts, bindings, digests."""

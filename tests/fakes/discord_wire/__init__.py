"""Discord over the wire: REST and gateway on loopback, for gateways in processes of their own."""

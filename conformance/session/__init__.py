"""An open target: the server, the gate beside it, what was made on it, and its removal."""

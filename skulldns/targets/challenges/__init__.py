"""WRITE what CAs look for: TXT records by our own UPDATEs, files that the proxy serves."""

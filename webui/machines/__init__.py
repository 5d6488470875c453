"""For machines that already exist: routers (dyndns2), ACME clients (httpreq, acme-dns), and nginx (auth_request)."""

"""How members sign in: invitations, passwords, passkeys, another service (OpenID Connect), recovery codes."""

"""Who tells people and programs what happened: mail, and webhooks."""

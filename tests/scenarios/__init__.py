"""Scenarios: guests, zones and what is served, and the plan that must come of it."""

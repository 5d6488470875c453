"""Measurements on real servers in a lab; `make bench` runs them all."""

"""A laboratory of real guests for tests: hypervisors in namespaces of their own, which need root.

`keeper` and `inside` are programs: they make the place and remove it. `laboratory` is the place as a test sees
it, `libvirtd`, `classic` and `lxd` are the hypervisors, `files` is what a guest consists of.
"""

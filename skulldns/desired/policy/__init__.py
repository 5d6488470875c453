"""What members and guests may have: rules, pure, shared by guests, the page, the API and the command line.

The parts that members' names need are in the modules beside this; here is what everybody needs.
"""

from skulldns.desired.policy.labels import guest_label, login, port
from skulldns.desired.policy.reserved import RESERVED, reserved_by

__all__ = ["RESERVED", "guest_label", "login", "port", "reserved_by"]
